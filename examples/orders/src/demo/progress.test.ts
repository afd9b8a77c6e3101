import { describe, expect, it } from 'vitest';
import { covers, type Checkpoints } from './progress.js';

const records = [
  { id: 'parent:9:0', shardId: 'parent', sequenceNumber: '9' },
  { id: 'child:10:0', shardId: 'child', sequenceNumber: '10' },
];
const isDone = (checkpoints: Checkpoints) => covers(checkpoints, { records, splitShard: 'parent' });

describe('covers', () => {
  it('is true when the split shard has ended and the last record of every other one is reached', () => {
    expect(isDone({ parent: 'SHARD_END', child: { sequenceNumber: '10' } })).toBe(true);
  });

  it.each<[string, Checkpoints]>([
    ['a shard has no checkpoint', { parent: 'SHARD_END' }],
    ['a shard has not begun', { parent: 'SHARD_END', child: { sequenceNumber: 'TRIM_HORIZON' } }],
    [
      'a shard is one record behind, as numbers and not as texts',
      { parent: 'SHARD_END', child: { sequenceNumber: '9' } },
    ],
    ['the split shard has not ended', { parent: { sequenceNumber: '9' }, child: { sequenceNumber: '10' } }],
  ])('is false when %s', (_, checkpoints) => {
    expect(isDone(checkpoints)).toBe(false);
  });
});
