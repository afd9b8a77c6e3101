/** Leases that are lost, handed over, cut off, ended: what still runs, what is stored, what comes again. */
import {
  defineConsumer,
  recordHandler,
  type ConsumerDefinition,
  type Deferred,
  type RecordContext,
} from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { records } from '../src/record-builders.js';
import { testBed } from '../src/test-bed.js';
import { openableGate, OrderMailer, placed } from './orders.fixture.js';

describe('a lease that is lost in the middle of a batch', () => {
  it('lets the running handler end, starts no other, and stores nothing any more', async () => {
    const gate = openableGate();
    const seen: unknown[] = [];
    await using bed = await testBed(
      consumer({ checkpoint: 'record' }, async (payload) => {
        seen.push(payload);
        if (payload === 2) await gate.passed;
      }),
    );
    const [first] = bed.shard().deliver(records.of(1), records.of(2), records.of(3));
    await bed.settle();

    bed.shard().loseLease();
    gate.open();
    await bed.idle();

    expect(seen).toEqual([1, 2]);
    expect(bed.shard().stored).toMatchObject({ sequenceNumber: first.sequenceNumber });
    expect(bed.history.events('checkpointAnswered').at(-1)?.error).toBe('ShutdownException');
    expect(bed.shard().ended).toEqual({ kind: 'ended', why: 'leaseLost' });
  });

  it('takes no more records, until the shard is served again', async () => {
    await using bed = await testBed(OrderMailer);
    bed.shard().deliver(placed('o-1'));
    await bed.settle();
    bed.shard().loseLease();
    await bed.idle();

    expect(() => bed.shard().deliver(placed('o-2'))).toThrow(/its lease is lost; shard\.restart\(\)/);
    await bed.shard().restart();
    const [second] = bed.shard().deliver(placed('o-2'));
    await bed.idle();

    expect(bed.history.settled(second.id)?.how).toBe('handled');
  });
});

describe('a crash', () => {
  it('is the end of the process, and so of every shard that it serves', async () => {
    await using bed = await testBed(OrderMailer, { shards: ['A', 'B', 'C'] });
    bed.shard('C').loseLease();
    await bed.idle();

    await bed.shard('A').crash();

    const started = bed.history.events('sessionStarted').map(({ shardId }) => bed.shard(shardId).name);
    expect(started).toEqual(['A', 'B', 'C', 'A', 'B']);
    expect(bed.shard('C').ended).toEqual({ kind: 'ended', why: 'leaseLost' });
  });

  it('brings back what was not checkpointed, in order, to a new instance', async () => {
    await using bed = await testBed(OrderMailer);
    bed.shard().deliver(placed('o-1'));
    await bed.idle();
    bed.shard().deliver(placed('o-2'), placed('o-3'));
    await bed.settle();
    const before = bed.instance();

    await bed.shard().crash();
    await bed.idle();

    expect(bed.instance()).not.toBe(before);
    expect(bed.history.events('delivered').map((event) => event.records)).toEqual([1, 0, 2, 2, 0]);
    expect(bed.history.events('sessionStarted')).toHaveLength(2);
  });

  it('in the middle of a handler gives its record to the next session', async () => {
    let runs = 0;
    await using bed = await testBed(
      consumer({ checkpoint: 'batch' }, () => {
        runs += 1;
        return runs === 1 ? new Promise(() => undefined) : undefined;
      }),
    );
    const [record] = bed.shard().deliver(records.of({}));
    await bed.settle();

    await bed.shard().crash();
    await bed.idle();

    expect(runs).toBe(2);
    expect(bed.history.settled(record.id)?.how).toBe('handled');
  });
});

describe('a worker that stops', () => {
  it('lets a sleeping handler end within the budget and abandons the rest', async () => {
    const seen: unknown[] = [];
    await using bed = await testBed(
      consumer({ checkpoint: 'batch' }, async (payload, context) => {
        await context.sleep(1_000);
        seen.push(payload);
      }),
    );
    const [first] = bed.shard().deliver(records.of(1), records.of(2));
    await bed.settle();

    await bed.stop();

    expect(seen).toEqual([1]);
    expect(bed.shard().stored).toMatchObject({ sequenceNumber: first.sequenceNumber });
    expect(bed.history.events('recordAbandoned')).toHaveLength(1);
    expect(bed.shard().ended).toEqual({ kind: 'ended', why: 'leaseLost' });
  });

  it('gives up a handler that does not come back, when the budget is used up', async () => {
    await using bed = await testBed(consumer({ checkpoint: 'batch' }, () => new Promise(() => undefined)));
    bed.shard().deliver(records.of(1));
    await bed.settle();

    await bed.stop();

    expect(bed.shard().ended).toEqual({ kind: 'ended', why: 'leaseLost' });
    expect(bed.shard().stored).toBeUndefined();
    expect(bed.clock.elapsedMs).toBe(12_500);
  });

  it('waits for deferred records that its hook settles', async () => {
    const open: Deferred[] = [];
    await using bed = await testBed(
      consumer(
        {
          checkpoint: 'batch',
          hooks: {
            shutdownRequested: ({ reason }) => reason === 'workerStopping' && open.forEach((each) => each.done()),
          },
        },
        (_, context) => void open.push(context.defer()),
      ),
    );
    const [, last] = bed.shard().deliver(records.of(1), records.of(2));
    await bed.idle();
    expect(bed.shard().stored).toBeUndefined();

    await bed.stop();

    expect(bed.shard().stored).toMatchObject({ sequenceNumber: last.sequenceNumber });
  });

  it('abandons deferred records that nobody settles', async () => {
    await using bed = await testBed(consumer({ checkpoint: 'batch' }, (_, context) => void context.defer()));
    bed.shard().deliver(records.of(1));
    await bed.idle();

    await bed.stop();

    expect(bed.history.events('sessionEnded')).toMatchObject([{ abandoned: 1 }]);
    expect(bed.shard().stored).toBeUndefined();
  });
});

describe('a worker that stops while the end of a shard is held', () => {
  it('leaves the end unanswered when its time is up, and the next one gets it', async () => {
    let broken = true;
    const handled: unknown[] = [];
    await using bed = await testBed(
      consumer({ checkpoint: 'batch', retry: { attempts: 1, then: 'hold' } }, (payload) => {
        if (broken) throw new Error('broken');
        handled.push(payload);
      }),
    );
    bed.shard().deliver(records.of(1));
    bed.shard().end();
    await bed.idle();
    expect(bed.shard().status.held).toBeDefined();

    await bed.stop();

    expect(bed.shard().ended).toEqual({ kind: 'ended', why: 'endOfInput' });
    expect(bed.shard().stored).toBeUndefined();
    broken = false;
    await bed.shard().restart();
    bed.shard().end();
    await bed.idle();
    expect(handled).toEqual([1]);
    expect(bed.shard().stored).toBe('SHARD_END');
  });
});

describe('a shard that is handed over', () => {
  it('writes its checkpoint before it goes, and says why', async () => {
    const reasons: string[] = [];
    await using bed = await testBed(
      consumer({ hooks: { shutdownRequested: ({ reason }) => void reasons.push(reason) } }),
      { shards: ['A', 'B'] },
    );
    const [record] = bed.shard('A').deliver(records.of(1));

    bed.shard('A').requestShutdown();
    await bed.idle();

    expect(reasons).toEqual(['handoff']);
    expect(bed.shard('A').stored).toMatchObject({ sequenceNumber: record.sequenceNumber });
    expect(bed.shard('B').acceptsRecords).toBe(true);
  });
});

describe('the end of a shard', () => {
  it('comes after every record, runs the hook, and is stored', async () => {
    await using bed = await testBed(OrderMailer);
    bed.shard().deliver(placed('slow'), placed('o-2'));
    bed.shard().end();

    await bed.idle();

    expect(bed.instance().shardsEnded).toBe(1);
    expect(bed.shard().stored).toBe('SHARD_END');
    await expect(bed.shard().restart()).rejects.toMatchObject({ code: 'TEST_MISUSED' });
  });

  it('waits for deferred records, which leaves the bed idle', async () => {
    const open: Deferred[] = [];
    await using bed = await testBed(consumer({}, (_, context) => void open.push(context.defer())));
    bed.shard().deliver(records.of(1));
    bed.shard().end();
    await bed.idle();
    const waiting = bed.shard().stored;

    open[0]?.done();
    await bed.idle();

    expect(waiting).toBeUndefined();
    expect(bed.shard().stored).toBe('SHARD_END');
  });

  it('is not reached while a record is held', async () => {
    await using bed = await testBed(
      consumer({}, () => {
        throw new Error('refused');
      }),
    );
    bed.shard().deliver(records.of(1));
    bed.shard().end();

    await bed.idle();

    expect(bed.shard().status.state).toBe('held');
    expect(bed.shard().unanswered).toBe('processRecords');
    expect(bed.shard().stored).toBeUndefined();
  });

  it('is tried until it is stored', async () => {
    await using bed = await testBed(OrderMailer);
    bed.checkpoints.fail('ThrottlingException', { times: 12 });

    bed.shard().end();
    await bed.idle();

    expect(bed.shard().stored).toBe('SHARD_END');
    expect(bed.history.events('checkpointRequested')).toHaveLength(13);
  });
});

describe('redelivery inside a session', () => {
  it('runs nothing twice', async () => {
    const seen: unknown[] = [];
    await using bed = await testBed(consumer({}, (payload) => void seen.push(payload)));
    const delivered = bed.shard().deliver(records.of(1), records.of(2));
    await bed.settle();

    bed.shard().redeliver(...delivered);
    await bed.idle();

    expect(seen).toEqual([1, 2]);
  });
});

type Data = Omit<Parameters<typeof defineConsumer>[0], 'name' | 'stream' | 'applicationName' | 'handlers'>;

function consumer(
  more: Data,
  handle: (payload: unknown, context: RecordContext) => unknown = () => undefined,
): ConsumerDefinition {
  return defineConsumer({
    name: 'Orders',
    stream: 'orders',
    applicationName: 'orders-app',
    retry: { attempts: 2, initialDelayMs: 10 },
    ...more,
    handlers: [recordHandler({ name: 'placed', handle })],
  });
}
