import { describe, expect, it } from 'vitest';
import type { InitialPosition } from '../config/resolved.js';
import { planLeases, shardFilterOf, type ListedShard } from './provision-leases.js';

const TRIM_HORIZON: InitialPosition = { kind: 'TRIM_HORIZON' };
const LATEST: InitialPosition = { kind: 'LATEST' };
const AT_NOON: InitialPosition = { kind: 'AT_TIMESTAMP', timestampMs: Date.UTC(2026, 0, 31, 12) };

/** A shard over a part of the hash keys, both in sixteenths: `[0, 8)` is the lower half. */
function shard(number: number, [from, to]: readonly [number, number], rest: Partial<ListedShard> = {}): ListedShard {
  const key = (sixteenths: number): bigint => (2n ** 128n * BigInt(sixteenths)) / 16n;
  return {
    shardId: idOf(number),
    parentShardIds: [],
    closed: false,
    startingHashKey: String(key(from)),
    endingHashKey: String(key(to) - 1n),
    ...rest,
  };
}
const idOf = (number: number): string => `shardId-${String(number).padStart(12, '0')}`;
const parents = (...numbers: number[]): Pick<ListedShard, 'parentShardIds'> => ({ parentShardIds: numbers.map(idOf) });

/** 0 was split into 2 and 3; 1 and 3 were merged into 4. */
const RESHARDED = [
  shard(0, [0, 8], { closed: true }),
  shard(1, [8, 16], { closed: true }),
  shard(2, [0, 4], parents(0)),
  shard(3, [4, 8], { closed: true, ...parents(0) }),
  shard(4, [4, 16], parents(1, 3)),
];

function leased(listed: readonly ListedShard[], position: InitialPosition): readonly (string | undefined)[] {
  const plan = planLeases(listed, position);
  if (plan.kind !== 'leases') throw new Error(`No leases: ${JSON.stringify(plan)}`);
  return plan.rows.map((row) => row['leaseKey']?.S);
}

describe('the list of shards', () => {
  it.each([
    [TRIM_HORIZON, { Type: 'AT_TRIM_HORIZON' }],
    [LATEST, { Type: 'AT_LATEST' }],
    [AT_NOON, { Type: 'AT_TIMESTAMP', Timestamp: new Date('2026-01-31T12:00:00Z') }],
  ])('is that of the initial position: %j', (position, filter) => {
    expect(shardFilterOf(position)).toEqual(filter);
  });
});

describe('a first lease', () => {
  it('belongs to the worker that is about to start alone', () => {
    const plan = planLeases([shard(0, [0, 16])], TRIM_HORIZON, 'mine');
    expect(plan.kind === 'leases' && plan.rows[0]).toMatchObject({ leaseOwner: { S: 'mine' } });
  });

  it('is the row that KCL 3.1.3 writes', () => {
    const plan = planLeases([shard(0, [0, 16])], TRIM_HORIZON);
    expect(plan).toEqual({
      kind: 'leases',
      shardIds: ['shardId-000000000000'],
      rows: [
        {
          leaseKey: { S: 'shardId-000000000000' },
          checkpoint: { S: 'TRIM_HORIZON' },
          checkpointSubSequenceNumber: { N: '0' },
          leaseCounter: { N: '0' },
          ownerSwitchesSinceCheckpoint: { N: '0' },
          startingHashKey: { S: '0' },
          endingHashKey: { S: '340282366920938463463374607431768211455' },
        },
      ],
    });
  });

  it.each([TRIM_HORIZON, LATEST, AT_NOON])('stands at the initial position: $kind', (position) => {
    const plan = planLeases([shard(0, [0, 8]), shard(1, [8, 16])], position);
    expect(plan.kind === 'leases' && plan.rows.map((row) => row['checkpoint'])).toEqual([
      { S: position.kind },
      { S: position.kind },
    ]);
  });

  it('names the parents of its shard, forgotten or not', () => {
    const plan = planLeases([shard(2, [0, 4], parents(0)), shard(4, [4, 16], parents(1, 3))], LATEST);
    expect(plan.kind === 'leases' && plan.rows.map((row) => row['parentShardId'])).toEqual([
      { SS: [idOf(0)] },
      { SS: [idOf(1), idOf(3)] },
    ]);
  });
});

describe('the shards of a stream that was resharded', () => {
  it('from the oldest record: those without a listed parent, as the children are found by reading them', () => {
    expect(leased(RESHARDED, TRIM_HORIZON)).toEqual([idOf(0), idOf(1)]);
  });

  it('once the oldest are forgotten: their children, at the initial position', () => {
    expect(leased([shard(2, [0, 4], parents(0)), shard(4, [4, 16], parents(1, 3))], TRIM_HORIZON)).toEqual([
      idOf(2),
      idOf(4),
    ]);
  });

  it('from the newest record: those that are open', () => {
    expect(leased(RESHARDED, LATEST)).toEqual([idOf(2), idOf(4)]);
  });

  it('from a moment: those that were open then, as ListShards answers', () => {
    expect(leased([shard(2, [0, 4], parents(0)), shard(3, [4, 8], parents(0)), shard(1, [8, 16])], AT_NOON)).toEqual([
      idOf(2),
      idOf(3),
      idOf(1),
    ]);
  });
});

describe('no lease at all is written', () => {
  it.each<[string, readonly ListedShard[], string]>([
    ['without shards', [], 'the stream lists no shards'],
    ['with a gap at the start', [shard(1, [8, 16])], `a gap between the first hash key and ${idOf(1)}`],
    ['with a gap in the middle', [shard(0, [0, 7]), shard(1, [8, 16])], `a gap between ${idOf(0)} and ${idOf(1)}`],
    ['with a gap at the end', [shard(0, [0, 8])], `a gap between ${idOf(0)} and the last hash key`],
    ['with an overlap', [shard(0, [0, 9]), shard(1, [8, 16])], `an overlap between ${idOf(0)} and ${idOf(1)}`],
  ])('%s', (_, listed, reason) => {
    expect(planLeases(listed, TRIM_HORIZON)).toEqual({ kind: 'incomplete', reason: expect.stringContaining(reason) });
  });

  it('for more shards than fit in one transaction', () => {
    const range = (number: number, count: number): Pick<ListedShard, 'startingHashKey' | 'endingHashKey'> => ({
      startingHashKey: String((2n ** 128n * BigInt(number)) / BigInt(count)),
      endingHashKey: String((2n ** 128n * BigInt(number + 1)) / BigInt(count) - 1n),
    });
    const many = (count: number) => Array.from({ length: count }, (_, n) => shard(n, [0, 1], range(n, count)));
    expect(planLeases(many(100), TRIM_HORIZON)).toMatchObject({ kind: 'leases' });
    expect(planLeases(many(101), TRIM_HORIZON)).toEqual({ kind: 'tooMany', shards: 101 });
  });
});
