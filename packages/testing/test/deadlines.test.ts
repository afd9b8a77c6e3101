/** Handlers that take too long, and beds that would never come to rest. */
import { setTimeout as delay } from 'node:timers/promises';
import { defineConsumer, recordHandler, type ConsumerDefinition, type RecordContext } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { records } from '../src/record-builders.js';
import { testBed } from '../src/test-bed.js';
import { track } from '../src/tracked.js';
import { openableGate } from './orders.fixture.js';

describe('timeoutInSeconds', () => {
  it('fails the test of a consumer for which the daemon would halt', async () => {
    const patient = defineConsumer({
      name: 'Patient',
      stream: 'orders',
      applicationName: 'patient',
      checkpoint: 'batch',
      handlers: [recordHandler({ name: 'placed', handle: (_, context) => context.sleep(55_000) })],
    });
    const bed = await testBed(patient, { properties: { timeoutInSeconds: 66 } });
    bed.shard().deliver(records.of({}), records.of({}));

    await expect(bed.idle()).rejects.toThrow(/no message for 66000 ms while processRecords is open/);
    await bed.dispose();
  });
});

describe('a handler past its deadline', () => {
  it('that heeds its signal fails, and runs again', async () => {
    let runs = 0;
    await using bed = await testBed(
      consumer((_, { signal }) => {
        runs += 1;
        if (runs > 1) return undefined;
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        });
      }),
    );
    const [record] = bed.shard().deliver(records.of({}));

    await bed.advance(59_999);
    const before = bed.history.events('handlerEnded').length;
    await bed.advance(1);
    await bed.idle();

    expect(before).toBe(0);
    expect(bed.history.events('handlerEnded').map(({ error }) => error && Reflect.get(error, 'code'))).toEqual([
      'HANDLER_TIMEOUT',
      undefined,
    ]);
    expect(bed.history.settled(record.id)).toMatchObject({ how: 'handled', attempts: 2 });
  });

  it('that ignores its signal is stuck: the shard is held, and the bed idle', async () => {
    const gate = openableGate();
    await using bed = await testBed(consumer(() => gate.passed));
    const [record] = bed.shard().deliver(records.of({}));

    await bed.advance(65_000);
    await bed.idle();
    const { held } = bed.shard().status;
    gate.open();
    await bed.settle();

    expect(held).toMatchObject({ recordId: record.id, why: expect.stringContaining('ignores its aborted signal') });
    expect(bed.history.settled(record.id)?.how).toBe('handled');
    expect(bed.shard().status.held).toBeUndefined();
  });
});

describe('idle', () => {
  it('gives real time to handlers that need it, and the clock stands still meanwhile', async () => {
    await using bed = await testBed(consumer(() => delay(20)));

    const [, last] = bed.shard().deliver(records.of(1), records.of(2));
    await bed.idle();

    expect(bed.history.settled(last.id)?.how).toBe('handled');
    expect(bed.clock.elapsedMs).toBe(0);
  });

  it('waits for tracked promises before it moves the clock', async () => {
    const order: string[] = [];
    await using bed = await testBed(
      consumer(async (_, context) => {
        const read = track(delay(20).then(() => order.push('read')));
        await context.sleep(1_000);
        order.push('slept');
        await read;
      }),
    );

    bed.shard().deliver(records.of(1));
    await bed.idle();

    expect(order).toEqual(['read', 'slept']);
  });

  it('names the handler, the record and the time when nothing moves any more', async () => {
    await using bed = await testBed(consumer(() => new Promise(() => undefined)));
    await bed.advance(250);
    const [record] = bed.shard().deliver(records.of(1));

    const waiting = bed.idle({ guardMs: 30 });

    await expect(waiting).rejects.toMatchObject({
      code: 'TEST_NOT_IDLE',
      message: expect.stringContaining(`Orders.placed for the record ${record.id}, since t+250 ms`),
    });
  });

  it('names the hook that does not come back', async () => {
    const hung = defineConsumer({
      ...base,
      handlers: [recordHandler({ name: 'placed', handle: () => undefined })],
      hooks: { initialize: () => new Promise(() => undefined) },
    });

    await expect(testBed(hung, { guardMs: 30 })).rejects.toMatchObject({
      code: 'TEST_NOT_IDLE',
      message: expect.stringContaining('Orders.initialize on shard 0'),
    });
  });

  it('does not follow sleeps beyond its horizon', async () => {
    await using bed = await testBed(consumer((_, context) => context.sleep(10_000)));
    const [record] = bed.shard().deliver(records.of(1));

    await expect(bed.idle({ horizonMs: 9_999 })).rejects.toMatchObject({ code: 'TEST_NOT_IDLE' });
    await bed.idle({ horizonMs: 10_000 });

    expect(bed.history.settled(record.id)?.how).toBe('handled');
  });

  it('follows a deferred record through its sleep', async () => {
    await using bed = await testBed(
      consumer((_, context) => {
        const deferred = context.defer();
        void later(context, () => deferred.done());
      }),
    );
    const [record] = bed.shard().deliver(records.of(1));

    await bed.idle();

    expect(bed.history.settled(record.id)?.how).toBe('handled');
    expect(bed.clock.elapsedMs).toBe(5_000);
  });
});

async function later(context: RecordContext, then: () => void): Promise<void> {
  await context.sleep(5_000);
  then();
}

const base = {
  name: 'Orders',
  stream: 'orders',
  applicationName: 'orders-app',
  checkpoint: 'batch',
  retry: { attempts: 3, initialDelayMs: 10 },
} as const;

function consumer(handle: (payload: unknown, context: RecordContext) => unknown): ConsumerDefinition {
  return defineConsumer({ ...base, handlers: [recordHandler({ name: 'placed', handle })] });
}
