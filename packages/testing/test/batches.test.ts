/** Batch handlers: marked items, strict order, whole failures. */
import { batchHandler, defineConsumer, type Batch, type BatchOptions, type ConsumerDefinition } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { records } from '../src/record-builders.js';
import { testBed } from '../src/test-bed.js';

describe('a batch handler', () => {
  it('gets the marked items again, and the rest counts as handled', async () => {
    const runs: unknown[][] = [];
    await using bed = await testBed(
      consumer('any', (batch) => {
        runs.push(batch.map(({ value }) => value));
        for (const item of batch) if (item.value === 'b' && runs.length < 3) item.fail(new Error('refused'));
      }),
    );

    const [, , last] = bed.shard().deliver(records.of('a'), records.of('b'), records.of('c'));
    await bed.idle();

    expect(runs).toEqual([['a', 'b', 'c'], ['b'], ['b']]);
    expect(bed.history.events('recordSettled').map(({ how, attempts }) => [how, attempts])).toEqual([
      ['handled', 1],
      ['handled', 1],
      ['handled', 3],
    ]);
    expect(bed.shard().stored).toMatchObject({ sequenceNumber: last.sequenceNumber });
  });

  it('gets everything from the first failure on again when order is strict', async () => {
    const runs: unknown[][] = [];
    await using bed = await testBed(
      consumer('strict', (batch) => {
        runs.push(batch.map(({ value }) => value));
        if (runs.length === 1) batch[1]?.fail(new Error('refused'));
      }),
    );

    bed.shard().deliver(records.of('a'), records.of('b'), records.of('c'));
    await bed.idle();

    expect(runs).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ]);
  });

  it('parks what cannot be decoded, and what fails until the end', async () => {
    await using bed = await testBed(
      consumer('any', (batch) => {
        for (const item of batch) if (item.value === 'b') item.fail(new Error('refused'));
      }),
    );

    const [, , no, b] = bed.shard().deliver(records.of('a'), records.of('x'), records.text('no JSON'), records.of('b'));
    await bed.idle();

    expect(bed.sink.parked.map(({ id, attempts }) => [id, attempts])).toEqual([
      [no.id, 0],
      [b.id, 3],
    ]);
  });

  it('that throws fails its whole batch', async () => {
    await using bed = await testBed(
      consumer('any', () => {
        throw new Error('no connection');
      }),
    );

    bed.shard().deliver(records.of('a'), records.of('b'));
    await bed.idle();

    expect(bed.sink.parked).toHaveLength(2);
    expect(bed.history.events('retryScheduled')).toHaveLength(4);
  });

  it('that lets records gather gets them when the bed comes to rest', async () => {
    const runs: unknown[][] = [];
    await using bed = await testBed(
      gathering({ maxItems: 3, maxWaitMs: 60_000 }, (batch) => void runs.push(batch.map(({ value }) => value))),
    );

    bed.shard().deliver(records.of('a'), records.of('b'));
    await bed.settle();
    expect(runs).toEqual([]);
    bed.shard().deliver(records.of('c'), records.of('d'));
    await bed.idle();

    expect(runs).toEqual([['a', 'b', 'c'], ['d']]);
    expect(bed.clock.elapsedMs).toBe(60_000);
  });

  it('that lets records gather gets what has gathered when the worker stops, or the shard ends', async () => {
    const runs: unknown[][] = [];
    await using bed = await testBed(
      gathering({ maxWaitMs: 60_000 }, (batch) => void runs.push(batch.map(({ value }) => value))),
      { shards: 2 },
    );

    bed.shard(0).deliver(records.of('a'));
    bed.shard(1).deliver(records.of('b'));
    await bed.settle();
    bed.shard(0).end();
    await bed.settle();
    expect(runs).toEqual([['a']]);
    await bed.stop();

    expect(runs).toEqual([['a'], ['b']]);
    expect(bed.history.stored()).toHaveLength(2);
  });

  it('has the edge cases of Kinesis delivered byte by byte as they are', async () => {
    const seen = new Map<string, Uint8Array>();
    const bytes = defineConsumer({
      ...base,
      options: { decode: 'bytes' },
      handlers: [
        batchHandler({
          name: 'rows',
          handle: (batch) => batch.forEach(({ record }) => seen.set(record.partitionKey + record.id, record.bytes)),
        }),
      ],
    });
    await using bed = await testBed(bytes);

    const delivered = bed.shard().deliver(...records.edgeCases());
    await bed.idle();

    expect(delivered.length).toBeGreaterThan(10);
    for (const { id, partitionKey, data } of delivered) {
      expect(Buffer.compare(seen.get(partitionKey + id) ?? Buffer.alloc(1), data)).toBe(0);
    }
  });
});

const base = {
  name: 'Rows',
  stream: 'rows',
  applicationName: 'rows-app',
  checkpoint: 'batch',
  retry: { attempts: 3, initialDelayMs: 10, then: 'deadLetter' },
  deadLetter: { sink: Symbol('a sink that a container would give') },
} as const;

function gathering(
  options: Pick<BatchOptions, 'maxItems' | 'maxWaitMs'>,
  handle: (batch: Batch<unknown>) => void,
): ConsumerDefinition {
  return defineConsumer({ ...base, handlers: [batchHandler({ name: 'rows', ...options, handle })] });
}

function consumer(order: BatchOptions['order'], handle: (batch: Batch<unknown>) => void): ConsumerDefinition {
  return defineConsumer({
    ...base,
    handlers: [batchHandler({ name: 'rows', ...(order === undefined ? {} : { order }), handle })],
  });
}
