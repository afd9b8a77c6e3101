/** When progress is stored, and what happens when it cannot be. */
import { defineConsumer, recordHandler, type ConsumerDefinition, type RecordContext } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { records } from '../src/record-builders.js';
import { testBed } from '../src/test-bed.js';

describe('throttled checkpoints', () => {
  it('back off in virtual time, then succeed', async () => {
    await using bed = await testBed(consumer('batch'));
    bed.checkpoints.fail('ThrottlingException', { times: 3 });

    const [, last] = bed.shard().deliver(records.of(1), records.of(2));
    await bed.idle();

    const requested = bed.history.events('checkpointRequested').map(({ at }) => at - bed.clock.now());
    const waits = requested.slice(1).map((at, index) => at - (requested[index] ?? 0));
    expect(waits).toEqual([249, 499, 999]);
    expect(bed.shard().stored).toMatchObject({ sequenceNumber: last.sequenceNumber });
  });

  it('that do not recover leave the batch acknowledged, and are tried again with the next one', async () => {
    await using bed = await testBed(consumer('batch'));
    bed.checkpoints.fail('ThrottlingException');
    bed.shard().deliver(records.of(1));
    await bed.idle();
    const answered = bed.shard().unanswered;
    const before = bed.shard().stored;

    bed.checkpoints.recover();
    bed.shard().heartbeat();
    await bed.idle();

    expect(answered).toBeUndefined();
    expect(before).toBeUndefined();
    expect(bed.shard().stored).toBeDefined();
  });

  it('do not let the worker run into a bad argument again and again', async () => {
    await using bed = await testBed(consumer('batch'));
    bed.checkpoints.fail('IllegalArgumentException');

    bed.shard().deliver(records.of(1));
    await bed.idle();

    expect(bed.history.events('checkpointRequested')).toHaveLength(1);
  });
});

describe('checkpoints by time', () => {
  it('are written by an idle bed, as a quiet shard writes them in its empty batches', async () => {
    await using bed = await testBed(consumer({ everyMs: 5_000 }));

    const [record] = bed.shard().deliver(records.of(1));
    await bed.settle();
    expect(bed.shard().stored).toBeUndefined();
    await bed.idle();

    expect(bed.shard().stored).toMatchObject({ sequenceNumber: record.sequenceNumber });
    expect(bed.clock.elapsedMs).toBe(5_000);
  });

  it('wait for the next records where the daemon sends no empty batches', async () => {
    const quiet = consumer({ everyRecords: 2 });
    await using bed = await testBed(quiet, { properties: { callProcessRecordsEvenForEmptyRecordList: false } });

    bed.shard().deliver(records.of(1));
    await bed.idle();
    expect(bed.shard().stored).toBeUndefined();
    const [second] = bed.shard().deliver(records.of(2));
    await bed.idle();

    expect(bed.shard().stored).toMatchObject({ sequenceNumber: second.sequenceNumber });
  });
});

describe('manual checkpoints', () => {
  it('cover what the handler declared, and nothing else', async () => {
    await using bed = await testBed(
      consumer('manual', async (payload, context) => {
        if (payload === 'commit') await context.checkpoint();
      }),
    );

    const [, , commit, undeclared] = bed.shard().deliver(...['a', 'b', 'commit', 'c'].map((each) => records.of(each)));
    await bed.idle();

    expect(bed.shard().stored).toMatchObject({ sequenceNumber: commit?.sequenceNumber });
    expect(bed.history.settled(undeclared?.id ?? '')).toBeUndefined();
    expect(bed.shard().status.unsettled).toBe(1);
  });
});

describe('a KPL aggregate', () => {
  it('is gone on with behind the last user record that was checkpointed, after a crash in its middle', async () => {
    const seen: unknown[] = [];
    let poisoned = true;
    await using bed = await testBed(
      consumer('record', (payload) => {
        seen.push(payload);
        if (poisoned && payload === 'k-2') throw new Error('refused');
      }),
    );
    const aggregate = records.kpl(...['k-0', 'k-1', 'k-2', 'k-3'].map((each) => records.of(each)));
    const delivered = bed.shard().deliver(aggregate);
    await bed.settle();
    expect(bed.shard().stored).toEqual({ sequenceNumber: delivered[1]?.sequenceNumber, subSequenceNumber: 1 });

    poisoned = false;
    await bed.shard().crash();
    await bed.idle();

    expect(seen).toEqual(['k-0', 'k-1', 'k-2', 'k-2', 'k-3']);
    expect(bed.shard().stored).toEqual({ sequenceNumber: delivered[3]?.sequenceNumber, subSequenceNumber: 3 });
  });

  it('takes an intact aggregate apart and leaves a corrupt one whole, as the daemon does', async () => {
    const lengths: number[] = [];
    await using bed = await testBed(
      defineConsumer({
        ...data('batch'),
        options: { decode: 'bytes' },
        handlers: [recordHandler({ name: 'any', handle: (_, { record }) => void lengths.push(record.bytes.length) })],
      }),
    );

    const whole = records.corruptDigest(records.text('ab'), records.text('cde'));
    const delivered = bed.shard().deliver(records.rawAggregated(records.text('ab'), records.text('cde')), whole);
    await bed.idle();

    expect(lengths).toEqual([2, 3, whole.data.length]);
    expect(delivered).toHaveLength(3);
  });
});

type Policy = NonNullable<Parameters<typeof defineConsumer>[0]['checkpoint']>;

function data(checkpoint: Policy): Omit<Parameters<typeof defineConsumer>[0], 'handlers'> {
  return {
    name: 'Orders',
    stream: 'orders',
    applicationName: 'orders-app',
    checkpoint,
    retry: { attempts: 2, initialDelayMs: 10 },
  };
}

function consumer(
  checkpoint: Policy,
  handle: (payload: unknown, context: RecordContext) => unknown = () => undefined,
): ConsumerDefinition {
  return defineConsumer({ ...data(checkpoint), handlers: [recordHandler({ name: 'placed', handle })] });
}
