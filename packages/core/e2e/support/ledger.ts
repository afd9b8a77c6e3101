/** What workers say they handled, and what must be true of it. The checks give what is wrong: nothing, in a good run. */
import { readFileSync } from 'node:fs';

/** One record handled once; in the order of handling. */
export interface LedgerEntry {
  readonly worker: string;
  readonly pid: number;
  /** The session that the record was delivered to; fixtures/consumer.mjs alone says so. */
  readonly life?: string;
  /** The record's: `shardId:sequenceNumber:subSequenceNumber`. */
  readonly id: string;
  readonly shardId: string;
  readonly key: string;
  /** The payload's id. */
  readonly payload: string;
  readonly at: number;
  /** The version of Node. */
  readonly node: string;
}

/** A user record of the stream, as GetRecords gives it. */
export interface StoredRecord {
  readonly id: string;
  readonly shardId: string;
  readonly partitionKey: string;
  readonly data: Uint8Array;
}

export interface LeaseRow {
  readonly shardId: string;
  readonly owner: string | undefined;
  readonly checkpoint: string;
  readonly subSequenceNumber: number;
  readonly parents: readonly string[];
}

/** Complete lines only: a worker may be writing the last one. */
export function readLedger(file: string): readonly LedgerEntry[] {
  return readIfThere(file)
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LedgerEntry);
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Nothing has been handled yet.
    return '';
  }
}

/** Records of the stream that nobody has handled. */
export function missing(stored: readonly StoredRecord[], entries: readonly LedgerEntry[]): readonly string[] {
  const handled = new Set(entries.map(({ id }) => id));
  return stored.flatMap(({ id }) => (handled.has(id) ? [] : [id]));
}

/** Handled, and not in the stream, or with another key than there. */
export function strange(stored: readonly StoredRecord[], entries: readonly LedgerEntry[]): readonly string[] {
  const keys = new Map(stored.map(({ id, partitionKey }) => [id, partitionKey]));
  return entries.flatMap(({ id, key }) => (keys.get(id) === key ? [] : [`${id} with key ${JSON.stringify(key)}`]));
}

/** Handled more than once. */
export function repeated(entries: readonly LedgerEntry[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { id } of entries) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts].flatMap(([id, count]) => (count > 1 ? [id] : []));
}

/** In every shard, what was handled for the first time after something that stands behind it in the shard. */
export function outOfOrder(entries: readonly LedgerEntry[]): readonly string[] {
  const reached = new Map<string, string>();
  const seen = new Set<string>();
  return entries.flatMap(({ id, shardId }) => {
    if (seen.has(id)) return [];
    seen.add(id);
    const before = reached.get(shardId);
    if (before !== undefined && comparePlaces(before, id) > 0) return [`${id} after ${before}`];
    reached.set(shardId, id);
    return [];
  });
}

/**
 * For every key, what was handled for the first time after something that was put later. Payloads end in a number that
 * grows with every put.
 */
export function keysOutOfOrder(entries: readonly LedgerEntry[]): readonly string[] {
  const reached = new Map<string, number>();
  const seen = new Set<string>();
  return entries.flatMap(({ id, key, payload }) => {
    if (seen.has(id)) return [];
    seen.add(id);
    const number = Number(/\d+$/.exec(payload)?.[0]);
    const before = reached.get(key) ?? -1;
    if (number < before) return [`${payload} of ${key} after ${before}`];
    reached.set(key, number);
    return [];
  });
}

/** Leases whose checkpoint is not the last record handled in their shard. */
export function wrongCheckpoints(leases: readonly LeaseRow[], entries: readonly LedgerEntry[]): readonly string[] {
  const last = new Map<string, string>();
  for (const { id, shardId } of entries) {
    const before = last.get(shardId);
    if (before === undefined || comparePlaces(before, id) < 0) last.set(shardId, id);
  }
  return leases.flatMap(({ shardId, checkpoint, subSequenceNumber }) => {
    const expected = last.get(shardId);
    const found = `${shardId}:${checkpoint}:${subSequenceNumber}`;
    if (checkpoint === 'SHARD_END' || expected === found) return [];
    if (expected === undefined && !/^\d+$/.test(checkpoint)) return [];
    return [`${found}, but the last one handled is ${expected ?? 'none'}`];
  });
}

/** Handled again although a checkpoint had covered it: `leases` as they were before `again` was handled. */
export function coveredBefore(leases: readonly LeaseRow[], again: readonly LedgerEntry[]): readonly string[] {
  return again.flatMap(({ id, shardId }) => {
    const lease = leases.find((row) => row.shardId === shardId);
    if (lease === undefined) return [];
    if (lease.checkpoint === 'SHARD_END') return [id];
    if (!/^\d+$/.test(lease.checkpoint)) return [];
    return comparePlaces(id, `${shardId}:${lease.checkpoint}:${lease.subSequenceNumber}`) <= 0 ? [id] : [];
  });
}

/** Ids of one shard. */
function comparePlaces(left: string, right: string): number {
  const [leftSequence, leftSub] = placeOf(left);
  const [rightSequence, rightSub] = placeOf(right);
  if (leftSequence !== rightSequence) return leftSequence < rightSequence ? -1 : 1;
  return leftSub - rightSub;
}

function placeOf(id: string): readonly [bigint, number] {
  const [, sequence = '0', sub = '0'] = id.split(':');
  return [BigInt(sequence), Number(sub)];
}
