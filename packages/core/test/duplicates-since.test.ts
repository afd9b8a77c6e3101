/** The bound of the end-to-end suites on what a disturbance may repeat: it has to catch too much, and nothing else. */
import { expect, it } from 'vitest';
import type { LedgerEntry } from '../e2e/support/ledger.js';
import { duplicatesSince } from '../e2e/support/load.js';

const SHARD = 'shardId-000000000000';
const KILLED_AT = 100;

function entry(life: string, sequenceNumber: number, at: number): LedgerEntry {
  const id = `${SHARD}:${sequenceNumber}:0`;
  return {
    worker: 'first',
    pid: 1,
    life,
    id,
    shardId: SHARD,
    key: 'k',
    payload: String(sequenceNumber),
    at,
    node: 'v20',
  };
}

function since(entries: readonly LedgerEntry[], checkpoint: string) {
  const lease = { shardId: SHARD, owner: 'vm-0', checkpoint, subSequenceNumber: 0, parents: [] };
  const { again, allowed, forbidden } = duplicatesSince(KILLED_AT, { entries, durable: [lease] });
  return { again: again.length, allowed, forbidden };
}

it('allows what the session before has handled behind its checkpoint, also in the moment after the disturbance', () => {
  const entries = [entry('a', 1, 90), entry('a', 2, 95), entry('a', 3, 105)];
  const next = [entry('b', 2, 500), entry('b', 3, 501), entry('b', 4, 502)];
  expect(since([...entries, ...next], '1')).toEqual({ again: 2, allowed: 2, forbidden: [] });
});

it('does not count what a session that is still repeating an earlier one goes on to repeat', () => {
  const first = [entry('a', 1, 10), entry('a', 2, 11), entry('a', 3, 12)];
  const repeating = [entry('b', 1, 95), entry('b', 2, 105), entry('b', 3, 106), entry('b', 4, 107)];
  const next = [1, 2, 3, 4].map((sequenceNumber) => entry('c', sequenceNumber, 500));
  expect(since([...first, ...repeating, ...next], 'TRIM_HORIZON')).toEqual({ again: 4, allowed: 4, forbidden: [] });
});

it('shows a second restart, and names what a checkpoint had covered', () => {
  const entries = [entry('a', 1, 90), entry('a', 2, 95)];
  const next = [entry('b', 2, 500), entry('c', 2, 900)];
  expect(since([...entries, ...next], '1')).toEqual({ again: 2, allowed: 1, forbidden: [] });
  expect(since([...entries, entry('b', 1, 500)], '1').forbidden).toEqual([`${SHARD}:1:0`]);
});
