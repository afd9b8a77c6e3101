import { expect, it } from 'vitest';
import { grouped, inOrder } from './replay-order.js';

const at = (sequenceNumber: string, shardId = 'a', bytes = 1) => ({
  shardId,
  sequenceNumber,
  subSequenceNumber: 0,
  bytes,
});
const text = (groups: readonly (readonly { sequenceNumber: string; shardId: string }[])[]) =>
  groups.map((group) => group.map(({ shardId, sequenceNumber }) => `${shardId}${sequenceNumber}`).join(' '));

it('orders by shard, then by the numbers, not by their texts', () => {
  expect(text([inOrder([at('100'), at('9', 'b'), at('20'), at('3')])])).toEqual(['a3 a20 a100 b9']);
});

it('groups what one session takes at once', () => {
  expect(text(grouped([at('1'), at('2'), at('2'), at('1', 'b'), at('3', 'b')]))).toEqual(['a1 a2', 'a2', 'b1 b3']);
  expect(grouped(Array.from({ length: 250 }, (_, index) => at(String(index)))).map(({ length }) => length)).toEqual([
    100, 100, 50,
  ]);
  const megabytes = 1024 * 1024;
  expect(
    text(grouped([at('1', 'a', 3 * megabytes), at('2', 'a', 2 * megabytes), at('3', 'a', 9 * megabytes)])),
  ).toEqual(['a1', 'a2', 'a3']);
  expect(grouped([])).toEqual([]);
});
