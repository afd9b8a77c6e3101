import { describe, expect, it } from 'vitest';
import { MemoryStream } from './memory-source.js';
import type { StartingPosition } from './source.js';

const signal = new AbortController().signal;
const TRIM_HORIZON: StartingPosition = { kind: 'TRIM_HORIZON' };
const [A, B] = ['shardId-000000000000', 'shardId-000000000001'] as const;

function streamOf(shards: number) {
  const time = { now: 1_700_000_000_000 };
  return { time, stream: new MemoryStream({ stream: 'orders', shards, now: () => time.now }) };
}
const record = (partitionKey: string, explicitHashKey?: string) => ({
  partitionKey,
  data: Buffer.from(partitionKey),
  ...(explicitHashKey === undefined ? {} : { explicitHashKey }),
});
const keysOf = async (stream: MemoryStream, shardId: string, start: StartingPosition = TRIM_HORIZON) =>
  (await stream.openShard(shardId, start).read(1000, signal)).records.map((read) => read.partitionKey);

describe('a stream in memory', () => {
  it('stores a record in the shard that owns the MD5 of its partition key', async () => {
    const { stream } = streamOf(2);
    // md5('a') = 0cc1..., md5('b') = 92eb...
    stream.put([record('a'), record('b')]);
    expect([await keysOf(stream, A), await keysOf(stream, B)]).toEqual([['a'], ['b']]);
  });

  it('prefers the explicit hash key', async () => {
    const { stream } = streamOf(2);
    stream.put([record('a', ((1n << 128n) - 1n).toString())]);
    expect(await keysOf(stream, B)).toEqual(['a']);
  });

  it('gives 56-digit sequence numbers that grow over all shards', () => {
    const { stream } = streamOf(2);
    const numbers = stream.put([record('a'), record('b'), record('a')]).map((result) => result.sequenceNumber);
    expect(numbers.every((number) => /^\d{56}$/.test(number))).toBe(true);
    expect(numbers.toSorted()).toEqual(numbers);
    expect(new Set(numbers).size).toBe(3);
  });

  it('reads on in pages and says how far behind each page is', async () => {
    const { stream, time } = streamOf(1);
    stream.put([record('1'), record('2'), record('3')]);
    time.now += 5_000;
    const reader = stream.openShard(A, TRIM_HORIZON);
    const pages = [await reader.read(2, signal), await reader.read(2, signal), await reader.read(2, signal)];
    expect(pages.map((page) => [page.records.length, page.millisBehindLatest, page.ended])).toEqual([
      [2, 5_000, false],
      [1, 0, false],
      [0, 0, false],
    ]);
  });

  it('starts where it is told to', async () => {
    const { stream, time } = streamOf(1);
    const [first] = stream.put([record('old'), record('older')]);
    time.now += 1_000;
    stream.put([record('new')]);
    expect(await keysOf(stream, A, { kind: 'LATEST' })).toEqual([]);
    expect(await keysOf(stream, A, { kind: 'AT_TIMESTAMP', timestampMs: time.now })).toEqual(['new']);
    expect(await keysOf(stream, A, { kind: 'AT_TIMESTAMP', timestampMs: time.now + 1 })).toEqual([]);
    expect(
      await keysOf(stream, A, { kind: 'AT_SEQUENCE_NUMBER', sequenceNumber: first?.sequenceNumber ?? '' }),
    ).toEqual(['old', 'older', 'new']);
  });

  it('splits a shard: the parent ends after its last record and the children share its range', async () => {
    const { stream } = streamOf(1);
    stream.put([record('a')]);
    const children = stream.split(A);
    stream.put([record('a'), record('b')]);

    const end = await stream.openShard(A, TRIM_HORIZON).read(10, signal);

    expect([end.records.length, end.ended]).toEqual([1, true]);
    expect(await stream.listShards()).toEqual([
      { shardId: A, parentShardIds: [], closed: true },
      { shardId: children[0], parentShardIds: [A], closed: false },
      { shardId: children[1], parentShardIds: [A], closed: false },
    ]);
    expect([await keysOf(stream, children[0]), await keysOf(stream, children[1])]).toEqual([['a'], ['b']]);
  });

  it('merges neighbours into one child that has both parents', async () => {
    const { stream } = streamOf(2);
    const child = stream.merge(B, A);
    stream.put([record('a'), record('b')]);
    expect((await stream.listShards()).at(-1)).toEqual({ shardId: child, parentShardIds: [B, A], closed: false });
    expect(await keysOf(stream, child)).toEqual(['a', 'b']);
  });

  it('leaves forgotten parents out of the list', async () => {
    const { stream } = streamOf(1);
    stream.split(A);
    stream.forgetShard(A);
    expect((await stream.listShards()).map((shard) => shard.parentShardIds)).toEqual([[], []]);
  });

  it('refuses what Kinesis refuses', () => {
    const { stream } = streamOf(3);
    expect(() => stream.split('shardId-9')).toThrow('The stream has no shard shardId-9');
    expect(() => stream.merge(A, 'shardId-000000000002')).toThrow('are no neighbours');
    expect(() => {
      stream.forgetShard(A);
    }).toThrow('is open');
    stream.endShard(A);
    expect(() => stream.split(A)).toThrow('is closed already');
    expect(() => stream.put([record('x', '0')])).toThrow('no open shard takes the record');
  });

  it('stops reading when told to', async () => {
    const { stream } = streamOf(1);
    await expect(stream.openShard(A, TRIM_HORIZON).read(1, AbortSignal.abort(new Error('stop')))).rejects.toThrow(
      'stop',
    );
  });
});
