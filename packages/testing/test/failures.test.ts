/** What becomes of records that fail: retried, parked, held; and what the bed's clock and sink have to do with it. */
import { defineConsumer, RetryLaterError, StopWorkerError, recordHandler, type RecordContext } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { records } from '../src/record-builders.js';
import { testBed } from '../src/test-bed.js';
import { Mailer, MoodyMailer, order, OrderMailer, placed } from './orders.fixture.js';

describe('a poison record', () => {
  it('is parked after its attempts, and the rest proceeds', async () => {
    const mailer = new MoodyMailer();
    mailer.refuses.set('o-2', Number.POSITIVE_INFINITY);
    await using bed = await testBed(OrderMailer, { overrides: [{ token: Mailer, useValue: mailer }] });

    const [a, b, c] = bed.shard().deliver(placed('o-1'), placed('o-2'), placed('o-3'));
    await bed.idle();

    expect(mailer.sent).toEqual(['o-1', 'o-3']);
    expect(mailer.attempts).toEqual(['o-1', 'o-2', 'o-2', 'o-2', 'o-3']);
    expect(bed.history.settled(a.id)?.how).toBe('handled');
    expect(bed.sink.parked).toMatchObject([{ id: b.id, attempts: 3, causes: [{ message: 'o-2 is refused' }] }]);
    expect(bed.shard().stored).toMatchObject({ sequenceNumber: c.sequenceNumber });
  });

  it('is parked at once when running it again cannot help', async () => {
    await using bed = await testBed(OrderMailer);

    bed.shard().deliver(placed('never'), order({ id: 'no customer' }), records.text('no JSON'), placed('o-1'));
    await bed.idle();

    expect(bed.sink.parked.map(({ attempts, causes }) => [attempts, causes[0]?.code])).toEqual([
      [1, 'NON_RETRYABLE'],
      [0, 'VALIDATION_FAILED'],
      [0, 'DECODE_FAILED'],
    ]);
    expect(bed.resolve(Mailer).sent).toEqual(['o-1']);
  });

  it('waits in virtual time between its attempts', async () => {
    const mailer = new MoodyMailer();
    mailer.refuses.set('o-1', 2);
    await using bed = await testBed(OrderMailer, {
      overrides: [{ token: Mailer, useValue: mailer }],
      random: () => 0.5,
    });

    bed.shard().deliver(placed('o-1'));
    await bed.settle();
    const attempts = [mailer.attempts.length];
    await bed.advance(49);
    attempts.push(mailer.attempts.length);
    await bed.advance(1);
    attempts.push(mailer.attempts.length);
    await bed.advance(100);
    attempts.push(mailer.attempts.length);

    expect(attempts).toEqual([1, 1, 2, 3]);
    expect(bed.history.events('retryScheduled').map(({ delayMs }) => delayMs)).toEqual([50, 100]);
    expect(mailer.sent).toEqual(['o-1']);
  });

  it('may wait for as long as the handler says', async () => {
    let runs = 0;
    await using bed = await testBed(
      consumer(() => {
        runs += 1;
        if (runs === 1) throw new RetryLaterError(20 * 60_000);
      }),
    );

    bed.shard().deliver(records.of({}));
    await bed.idle();

    expect(runs).toBe(2);
    expect(bed.clock.elapsedMs).toBeGreaterThanOrEqual(20 * 60_000);
  });
});

describe('a sink that fails', () => {
  it('is tried again, and nothing is checkpointed before it took the record', async () => {
    await using bed = await testBed(OrderMailer);
    bed.sink.fail({ times: 2 });

    const [poison] = bed.shard().deliver(placed('never'));
    await bed.idle();

    const kinds = bed.history.entries.map(({ kind }) => kind).filter((kind) => kind === 'parked' || kind === 'stored');
    expect(kinds).toEqual(['parked', 'stored']);
    expect(bed.sink.parked).toMatchObject([{ id: poison.id }]);
  });

  it('holds the shard while it is down, which is quiet, and lets it go on afterwards', async () => {
    await using bed = await testBed(OrderMailer);
    bed.sink.fail({ error: new Error('no space left') });
    bed.shard().deliver(placed('never'), placed('o-1'));

    await bed.idle();
    const { held } = bed.shard().status;
    const storedWhileDown = bed.shard().stored;
    bed.sink.recover();
    await bed.advance(30_000);
    await bed.idle();

    expect(held?.why).toContain('sink failed 5 times');
    expect(storedWhileDown).toBeUndefined();
    expect(bed.sink.parked).toHaveLength(1);
    expect(bed.resolve(Mailer).sent).toEqual(['o-1']);
  });
});

describe('without a sink', () => {
  it('a record whose attempts are used up holds its shard, and the bed is idle all the same', async () => {
    let broken = true;
    await using bed = await testBed(
      consumer(() => {
        if (broken) throw new Error('the database is down');
      }),
    );

    const [first, second] = bed.shard().deliver(records.of({ n: 1 }), records.of({ n: 2 }));
    await bed.idle();
    expect(bed.shard().status.held).toMatchObject({ recordId: first.id });
    broken = false;
    await bed.advance(30_000);

    expect(bed.shard().status.held).toBeUndefined();
    expect(bed.history.settled(second.id)?.how).toBe('handled');
  });

  it('holds one shard, not the others', async () => {
    await using bed = await testBed(
      consumer((payload, { shardId }) => {
        if (shardId.endsWith('0')) throw new Error('refused');
      }),
      { shards: ['A', 'B'] },
    );

    bed.shard('A').deliver(records.of({}));
    const [free] = bed.shard('B').deliver(records.of({}));
    await bed.idle();

    expect(bed.shard('A').status.state).toBe('held');
    expect(bed.history.settled(free.id)?.how).toBe('handled');
    expect(bed.shard('B').stored).toMatchObject({ sequenceNumber: free.sequenceNumber });
  });
});

describe('a handler that stops the worker', () => {
  it('stops the bed as a worker stops: its record is abandoned, the leases end', async () => {
    await using bed = await testBed(
      consumer((payload) => {
        if (payload === 'enough') throw new StopWorkerError('enough is enough');
      }),
      { shards: 2 },
    );

    const [done, refused] = bed.shard(0).deliver(records.of('fine'), records.of('enough'), records.of('never seen'));
    await bed.idle();

    expect(bed.stopRequests).toMatchObject([{ message: 'enough is enough' }]);
    expect(bed.shards.map((shard) => shard.ended)).toEqual([
      { kind: 'ended', why: 'leaseLost' },
      { kind: 'ended', why: 'leaseLost' },
    ]);
    expect(bed.shard(0).stored).toMatchObject({ sequenceNumber: done.sequenceNumber });
    expect(bed.history.settled(refused.id)).toBeUndefined();
  });
});

function consumer(handle: (payload: unknown, context: RecordContext) => unknown): ReturnType<typeof defineConsumer> {
  return defineConsumer({
    name: 'Orders',
    stream: 'orders',
    applicationName: 'orders-app',
    checkpoint: 'batch',
    handlers: [recordHandler({ name: 'placed', handle })],
  });
}
