/** I10: what handlers get is what was delivered. */
import type { HistoryEntry } from './history.js';
import { digestOf } from './digest.js';
import { recordIdOf } from './history-names.js';
import { OUR_FAULT, type Violation } from './violation.js';

interface Sent {
  readonly partitionKey: string;
  readonly data: Uint8Array;
  digest?: string;
  /** A handler had it before: from then on its bytes may have been written into. */
  handed: boolean;
}

const WRITTEN_INTO = 'something wrote into record.bytes between two attempts: copy the bytes before changing them';

export function checkBytes(entries: readonly HistoryEntry[]): Violation[] {
  const sent = new Map<string, Sent>();
  return entries.flatMap((entry, at) => {
    if (entry.kind === 'daemonSent' && entry.message.kind === 'processRecords') {
      for (const record of entry.message.records) {
        const { partitionKey, data } = record;
        const id = recordIdOf(entry.shardId, record);
        // Every session gets its own copy of a record that comes again.
        sent.set(id, { partitionKey, data, handed: false });
      }
    }
    if (entry.kind !== 'handed') return [];
    const { shardId, record } = entry;
    const original = sent.get(record.id);
    const wrong = difference(record, original);
    const cause = original?.handed === true ? WRITTEN_INTO : OUR_FAULT;
    if (original !== undefined) original.handed = true;
    return wrong === undefined ? [] : [{ invariant: 'I10', what: wrong, shardId, recordId: record.id, at, cause }];
  });
}

function difference(
  { id, partitionKey, digest }: Extract<HistoryEntry, { kind: 'handed' }>['record'],
  original: Sent | undefined,
): string | undefined {
  if (original === undefined) return `a handler was given ${id}, which was never delivered`;
  if (original.partitionKey !== partitionKey) return `a handler was given ${id} with another partition key`;
  original.digest ??= digestOf(original.data);
  return original.digest === digest ? undefined : `a handler was given ${id} with other bytes`;
}
