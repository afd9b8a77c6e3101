import { expect, it } from 'vitest';
import { formatCheckpoint, formatDuration, formatRate, formatShard } from './format-values.js';

it.each([
  [undefined, '-'],
  ['SHARD_END' as const, 'shard end'],
  [{ sequenceNumber: '49680480871057446418053550767432', subSequenceNumber: 0 }, '…50767432'],
  [{ sequenceNumber: '49680480871057446418053550767432', subSequenceNumber: 3 }, '…50767432:3'],
  [{ sequenceNumber: '123456789', subSequenceNumber: 0 }, '123456789'],
])('shortens the checkpoint %j to %s', (checkpoint, text) => {
  expect(formatCheckpoint(checkpoint)).toBe(text);
});

it.each([
  ['shardId-000000000003', 'shardId-…0003'],
  ['shardId-000000012345', 'shardId-000000012345'],
  ['A', 'A'],
])('shortens the shard %s to %s', (shardId, text) => {
  expect(formatShard(shardId)).toBe(text);
});

it.each([
  [undefined, '-'],
  [0, '0 ms'],
  [999, '999 ms'],
  [1_500, '1.5 s'],
  [60_000, '1 min'],
  [5_400_000, '1.5 h'],
])('writes %s ms as %s', (durationMs, text) => {
  expect(formatDuration(durationMs)).toBe(text);
});

it.each([
  [0, '0'],
  [0.4, '0.4'],
  [9.96, '10.0'],
  [12.4, '12'],
])('writes the rate %s as %s', (rate, text) => {
  expect(formatRate(rate)).toBe(text);
});
