import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { batchRecords, batchSize, paceMs } from './batch-records.js';
import type { InputRecord } from './input-record.js';

const record = (bytes = 1): InputRecord => ({ data: Buffer.alloc(bytes), partitionKey: 'k' });

async function* many(count: number, bytes = 1) {
  for (let n = 0; n < count; n += 1) yield record(bytes);
}

function options(ratePerSecond?: number) {
  const stop = new AbortController();
  const clock = new ManualClock();
  return { clock, stop, batching: { clock, ratePerSecond, signal: stop.signal } };
}

async function sizes(records: AsyncIterable<InputRecord>, ratePerSecond?: number) {
  const found: number[] = [];
  for await (const batch of batchRecords(records, options(ratePerSecond).batching)) found.push(batch.length);
  return found;
}

/** Input that a test gives out by hand. */
function handFed() {
  const waiting: ((result: IteratorResult<InputRecord>) => void)[] = [];
  return {
    feed: () => waiting.shift()?.({ done: false, value: record() }),
    input: {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<InputRecord>>((resolve) => waiting.push(resolve)),
      }),
    },
  };
}

describe('batches', () => {
  it('hold 500 records at most, and the last one the rest', async () => {
    expect(await sizes(many(1_200))).toEqual([500, 500, 200]);
  });

  it('hold 5 MiB with their keys at most', async () => {
    expect(await sizes(many(5, 2 * 1024 * 1024))).toEqual([2, 2, 1]);
    expect(await sizes(many(2, 6 * 1024 * 1024))).toEqual([1, 1]);
  });

  it('are none without records', async () => {
    expect(await sizes(many(0))).toEqual([]);
  });

  it('are small under a rate', async () => {
    expect(await sizes(many(5), 10)).toEqual([2, 2, 1]);
    expect([batchSize(0.5), batchSize(50), batchSize(1e6)]).toEqual([1, 10, 500]);
  });

  it('leave when the input pauses', async () => {
    const { clock, batching } = options();
    const hand = handFed();
    const batches = batchRecords(hand.input, batching);
    const first = batches.next();
    await clock.settle();
    hand.feed();
    await clock.settle();
    hand.feed();
    await clock.advance(100);
    expect((await first).value).toHaveLength(2);
    expect(clock.pendingTimers).toBe(0);
  });

  it('end at once when they are not wanted any more, though the input says nothing', async () => {
    const { stop, batching } = options();
    const next = batchRecords(handFed().input, batching).next();
    stop.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});

it('waits as long as a rate asks for', () => {
  expect(paceMs(100, 0, 50)).toBe(2_000);
  expect(paceMs(100, 1_500, 50)).toBe(500);
  expect(paceMs(100, 9_000, 50)).toBe(0);
  expect(paceMs(100, 0, undefined)).toBe(0);
});
