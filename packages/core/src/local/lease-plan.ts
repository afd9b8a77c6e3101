/**
 * Which shards are read, and from where, as KCL decides it with its lease table. Pure.
 *
 * - The first time, every shard gets a lease at the initial position; under LATEST only shards without children do, since
 *   a parent's records and their order belong to the past.
 * - Later, a shard without a lease came into being after the first start: it is read from its beginning, whatever the
 *   initial position says. Ancestors of leased shards stay unread.
 * - A shard is read when every parent that has a lease has ended. Parents the stream has forgotten do not count.
 */
import type { InitialPosition } from '../config/resolved.js';
import type { CheckpointTarget, Position } from '../protocol/messages.js';
import type { SourceShard, StartingPosition } from './source.js';

export interface NewLease {
  readonly shardId: string;
  readonly start: Position;
}

/** The leases by shard id: where each shard stands; undefined for a shard without one. */
export type LeaseTable = (shardId: string) => CheckpointTarget | undefined;

export interface LeaseStart {
  readonly initial: InitialPosition;
  /** No lease was ever stored; the stream may have forgotten every shard that had one. */
  readonly first: boolean;
}

export function newLeases(
  shards: readonly SourceShard[],
  leaseOf: LeaseTable,
  { initial, first }: LeaseStart,
): readonly NewLease[] {
  const passedBy = ancestorsOf(shards, (shard) =>
    first ? initial.kind === 'LATEST' : leaseOf(shard.shardId) !== undefined,
  );
  const start = { sequenceNumber: first ? initial.kind : 'TRIM_HORIZON', subSequenceNumber: 0 };
  return shards
    .filter((shard) => leaseOf(shard.shardId) === undefined && !passedBy.has(shard.shardId))
    .map((shard) => ({ shardId: shard.shardId, start }));
}

/**
 * The order in which leases are stored: parents before children, in as few steps as that takes. A child's lease without
 * its parent's would say that the parent was passed by, and it would never be read.
 */
export function leaseSteps(
  leases: readonly NewLease[],
  shards: readonly SourceShard[],
): readonly (readonly NewLease[])[] {
  const parentsOf = new Map(shards.map((shard) => [shard.shardId, shard.parentShardIds]));
  const steps: (readonly NewLease[])[] = [];
  let rest = leases;
  while (rest.length > 0) {
    const waiting = new Set(rest.map((lease) => lease.shardId));
    // Direct parents are enough: between two new leases of one line there is no shard without one.
    const isBehind = ({ shardId }: NewLease): boolean => parentsOf.get(shardId)?.some((id) => waiting.has(id)) ?? false;
    const step = rest.filter((lease) => !isBehind(lease));
    // A stream whose shards are their own ancestors is not one of Kinesis.
    if (step.length === 0) return [...steps, rest];
    steps.push(step);
    rest = rest.filter(isBehind);
  }
  return steps;
}

/** Leased shards that are not finished and wait for no parent. */
export function readableShards(shards: readonly SourceShard[], leaseOf: LeaseTable): readonly string[] {
  const pending = (shardId: string): boolean => {
    const lease = leaseOf(shardId);
    return lease !== undefined && lease !== 'SHARD_END';
  };
  const listed = new Set(shards.map((shard) => shard.shardId));
  return shards
    .filter(
      (shard) =>
        pending(shard.shardId) && !shard.parentShardIds.some((parent) => listed.has(parent) && pending(parent)),
    )
    .map((shard) => shard.shardId);
}

/** Shards that are open although their lease says they ended: the leases belong to another stream of this name. */
export function contradictions(shards: readonly SourceShard[], leaseOf: LeaseTable): readonly string[] {
  return shards
    .filter((shard) => !shard.closed && leaseOf(shard.shardId) === 'SHARD_END')
    .map((shard) => shard.shardId);
}

/** Where reading begins for a lease: at the record it names, which the session then leaves out. */
export function startOf(lease: Position, initial: InitialPosition): StartingPosition {
  switch (lease.sequenceNumber) {
    case 'TRIM_HORIZON':
      return { kind: 'TRIM_HORIZON' };
    case 'LATEST':
      return { kind: 'LATEST' };
    case 'AT_TIMESTAMP':
      // As in KCL, the lease does not keep the time: the configured one counts.
      return initial.kind === 'AT_TIMESTAMP' ? initial : { kind: 'TRIM_HORIZON' };
    default:
      return { kind: 'AT_SEQUENCE_NUMBER', sequenceNumber: lease.sequenceNumber };
  }
}

function ancestorsOf(shards: readonly SourceShard[], isRoot: (shard: SourceShard) => boolean): ReadonlySet<string> {
  const byId = new Map(shards.map((shard) => [shard.shardId, shard]));
  const ancestors = new Set<string>();
  const queue = shards.filter(isRoot);
  for (let shard = queue.pop(); shard !== undefined; shard = queue.pop()) {
    for (const parentId of shard.parentShardIds) {
      const parent = byId.get(parentId);
      if (parent === undefined || ancestors.has(parentId)) continue;
      ancestors.add(parentId);
      queue.push(parent);
    }
  }
  return ancestors;
}
