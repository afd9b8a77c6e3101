import { describe, expect, it } from 'vitest';
import type { CheckpointTarget } from '../protocol/messages.js';
import { contradictions, leaseSteps, newLeases, readableShards, startOf } from './lease-plan.js';

const shard = (shardId: string, parentShardIds: readonly string[] = [], closed = false) => ({
  shardId,
  parentShardIds,
  closed,
});
const at = (sequenceNumber: string) => ({ sequenceNumber, subSequenceNumber: 0 });
const table = (leases: Record<string, CheckpointTarget>) => (shardId: string) => leases[shardId];

// P was split into C1 and C2; C1 was split into G1 and G2.
const family = [
  shard('P', [], true),
  shard('C1', ['P'], true),
  shard('C2', ['P']),
  shard('G1', ['C1']),
  shard('G2', ['C1']),
];
const plan = (leases: Record<string, CheckpointTarget>, kind: 'TRIM_HORIZON' | 'LATEST') =>
  newLeases(family, table(leases), { initial: { kind }, first: Object.keys(leases).length === 0 }).map(
    (lease) => `${lease.shardId} ${lease.start.sequenceNumber}`,
  );

describe('at the first start', () => {
  it('TRIM_HORIZON reads the whole family', () => {
    expect(plan({}, 'TRIM_HORIZON')).toEqual(family.map(({ shardId }) => `${shardId} TRIM_HORIZON`));
  });

  it('LATEST reads only shards without children, so that no past record is delivered', () => {
    expect(plan({}, 'LATEST')).toEqual(['C2 LATEST', 'G1 LATEST', 'G2 LATEST']);
  });

  it('AT_TIMESTAMP reads every shard from that time', () => {
    const leases = newLeases(family, table({}), { initial: { kind: 'AT_TIMESTAMP', timestampMs: 5 }, first: true });
    expect(new Set(leases.map((lease) => lease.start.sequenceNumber))).toEqual(new Set(['AT_TIMESTAMP']));
    expect(leases).toHaveLength(5);
  });
});

describe('new leases are stored', () => {
  const steps = (leases: Record<string, CheckpointTarget>) =>
    leaseSteps(newLeases(family, table(leases), { initial: { kind: 'TRIM_HORIZON' }, first: true }), family).map(
      (step) => step.map(({ shardId }) => shardId),
    );

  it('parents before children: a failure half-way must not make a parent look passed by', () => {
    expect(steps({})).toEqual([['P'], ['C1', 'C2'], ['G1', 'G2']]);
    expect(steps({ P: at('7') })).toEqual([
      ['C1', 'C2'],
      ['G1', 'G2'],
    ]);
  });

  it('in one step where no new shard is the parent of another', () => {
    expect(leaseSteps([{ shardId: 'A', start: at('LATEST') }], [shard('A', ['gone'])])).toHaveLength(1);
    expect(steps({ P: 'SHARD_END', C1: 'SHARD_END', C2: at('1') })).toEqual([['G1', 'G2']]);
  });

  it('all the same when the shards are their own ancestors', () => {
    const circle = [shard('A', ['B']), shard('B', ['A'])];
    const leases = circle.map(({ shardId }) => ({ shardId, start: at('TRIM_HORIZON') }));

    expect(leaseSteps(leases, circle)).toEqual([leases]);
  });
});

describe('at a later start', () => {
  it('children that appeared meanwhile are read from their beginning, under LATEST too', () => {
    expect(plan({ P: at('LATEST') }, 'LATEST')).toEqual([
      'C1 TRIM_HORIZON',
      'C2 TRIM_HORIZON',
      'G1 TRIM_HORIZON',
      'G2 TRIM_HORIZON',
    ]);
  });

  it('a child whose parent the stream has forgotten is read from its beginning', () => {
    const shards = [shard('A'), shard('orphan')];
    expect(newLeases(shards, table({ A: at('7') }), { initial: { kind: 'LATEST' }, first: false })).toEqual([
      { shardId: 'orphan', start: at('TRIM_HORIZON') },
    ]);
  });

  it('ancestors that were passed by stay unread', () => {
    expect(plan({ C2: at('LATEST'), G1: at('1'), G2: at('2') }, 'LATEST')).toEqual([]);
    expect(plan({ C2: at('LATEST'), G1: at('1'), G2: at('2') }, 'TRIM_HORIZON')).toEqual([]);
  });
});

describe('a shard is readable', () => {
  const all = {
    P: at('1'),
    C1: at('TRIM_HORIZON'),
    C2: at('TRIM_HORIZON'),
    G1: at('TRIM_HORIZON'),
    G2: at('TRIM_HORIZON'),
  };

  it('when its parents have ended', () => {
    expect(readableShards(family, table(all))).toEqual(['P']);
    expect(readableShards(family, table({ ...all, P: 'SHARD_END' }))).toEqual(['C1', 'C2']);
    expect(readableShards(family, table({ ...all, P: 'SHARD_END', C1: 'SHARD_END' }))).toEqual(['C2', 'G1', 'G2']);
  });

  it('only when both parents of a merge have ended', () => {
    const merged = [shard('A', [], true), shard('B', [], true), shard('M', ['A', 'B'])];
    expect(readableShards(merged, table({ A: 'SHARD_END', B: at('3'), M: at('TRIM_HORIZON') }))).toEqual(['B']);
    expect(readableShards(merged, table({ A: 'SHARD_END', B: 'SHARD_END', M: at('TRIM_HORIZON') }))).toEqual(['M']);
  });

  it('although the stream has forgotten its parent, or the parent was passed by', () => {
    expect(readableShards([shard('C', ['gone'])], table({ C: at('1'), gone: at('5') }))).toEqual(['C']);
    expect(readableShards([shard('P', [], true), shard('C', ['P'])], table({ C: at('LATEST') }))).toEqual(['C']);
  });
});

it('an open shard whose lease has ended gives away leases of another stream', () => {
  expect(contradictions([shard('A'), shard('B', [], true)], table({ A: 'SHARD_END', B: 'SHARD_END' }))).toEqual(['A']);
});

it('reading begins at the leased position itself, or where the initial position says', () => {
  const initial = { kind: 'AT_TIMESTAMP', timestampMs: 5 } as const;
  expect(
    [at('12'), at('TRIM_HORIZON'), at('LATEST'), at('AT_TIMESTAMP')].map((lease) => startOf(lease, initial)),
  ).toEqual([
    { kind: 'AT_SEQUENCE_NUMBER', sequenceNumber: '12' },
    { kind: 'TRIM_HORIZON' },
    { kind: 'LATEST' },
    { kind: 'AT_TIMESTAMP', timestampMs: 5 },
  ]);
  expect(startOf(at('AT_TIMESTAMP'), { kind: 'LATEST' })).toEqual({ kind: 'TRIM_HORIZON' });
});
