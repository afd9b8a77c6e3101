import { describe, expect, it } from 'vitest';
import { recordHandler } from '../definition/define-consumer.js';
import type { RecordContext } from '../definition/context.js';
import { NonRetryableError, RetryLaterError, StopWorkerError } from '../errors.js';
import { TestSession, wire, type SessionOptions } from './session.fixture.js';

type Handle = (payload: unknown, context: RecordContext) => unknown;
type More = Omit<ConstructorParameters<typeof TestSession>[0], 'handlers'>;

async function session(handle: Handle, more: More = {}, options: SessionOptions = {}): Promise<TestSession> {
  const test = new TestSession(
    { handlers: [recordHandler({ name: 'placed', handle })], checkpoint: 'batch', ...more },
    options,
  );
  await test.initialize();
  return test;
}

const parkOn = (retry: object = {}) => ({ deadLetter: { sink: 'fake' }, retry });

describe('handling', () => {
  it('handles a batch in order, writes the watermark, then acknowledges', async () => {
    const seen: unknown[] = [];
    const test = await session((payload) => void seen.push(payload));

    await test.deliver(1, 2, 3);

    expect(seen).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(test.checkpoints).toEqual(['3']);
    expect(test.settled).toEqual(['1:handled', '2:handled', '3:handled']);
  });

  it('starts a record only when the one before has ended', async () => {
    const log: string[] = [];
    const test = await session(async (payload, context) => {
      const { n } = payload as { n: number };
      log.push(`start ${n}`);
      await context.sleep(10);
      log.push(`end ${n}`);
    });

    const delivered = test.offer(1, 2);
    await test.clock.advance(20);
    await delivered;

    expect(log).toEqual(['start 1', 'end 1', 'start 2', 'end 2']);
  });

  it('counts a position that was settled before as settled, without running it again', async () => {
    const seen: unknown[] = [];
    const test = await session((payload) => void seen.push(payload), { checkpoint: 'manual' });
    await test.deliver(1, 2);

    await test.deliver(2, 3);

    expect(seen).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  it('fails bytes that are no JSON without running the handler, at the first attempt', async () => {
    const test = await session(() => undefined, parkOn());

    await test.deliver(wire(1, { data: Buffer.from('{') }), 2);

    expect(test.settled).toEqual(['1:parked', '2:handled']);
    expect(test.sink.parked[0]).toMatchObject({ attempts: 0, causes: [{ code: 'DECODE_FAILED' }] });
  });
});

describe('retries', () => {
  it("runs a failed record again after the policy's delay, and goes on when it succeeds", async () => {
    let runs = 0;
    const test = await session(() => {
      runs += 1;
      if (runs < 3) throw new Error('not yet');
    });

    const delivered = test.offer(1, 2);
    await test.clock.advance(199 + 399);
    await delivered;

    expect(runs).toBe(4);
    expect(test.kinds('retryScheduled').map((event) => 'delayMs' in event && event.delayMs)).toEqual([199, 399]);
    expect(test.checkpoints).toEqual(['2']);
  });

  it('takes the delay from RetryLaterError', async () => {
    let runs = 0;
    const test = await session(() => {
      runs += 1;
      if (runs === 1) throw new RetryLaterError(7_000);
    });

    const delivered = test.offer(1);
    await test.clock.advance(6_999);
    expect(runs).toBe(1);
    await test.clock.advance(1);
    await delivered;

    expect(runs).toBe(2);
  });

  it('parks a record whose attempts are used up, with its causes, before the watermark passes it', async () => {
    const test = await session(
      (payload) => {
        if ((payload as { n: number }).n === 2) throw new Error('outer', { cause: new Error('inner') });
      },
      parkOn({ attempts: 2 }),
    );

    const delivered = test.offer(1, 2, 3);
    await test.clock.advance(1_000);
    await delivered;

    expect(test.settled).toEqual(['1:handled', '2:parked', '3:handled']);
    expect(test.checkpoints).toEqual(['3']);
    expect(test.sink.parked).toMatchObject([
      { attempts: 2, handler: 'placed', consumer: 'Orders', causes: [{ message: 'outer' }, { message: 'inner' }] },
    ]);
  });

  it('does not run a NonRetryableError again', async () => {
    let runs = 0;
    const test = await session(() => {
      runs += 1;
      throw new NonRetryableError('never');
    }, parkOn());

    await test.deliver(1);

    expect(runs).toBe(1);
    expect(test.settled).toEqual(['1:parked']);
  });

  it('ends a record that is too old at its first failure', async () => {
    let runs = 0;
    const test = await session(
      () => {
        runs += 1;
        throw new Error('no');
      },
      parkOn({ maxRecordAgeMs: 1_000 }),
    );

    await test.deliver(wire(1, { approximateArrivalTimestamp: 1_700_000_000_000 - 1_001 }));

    expect(runs).toBe(1);
    expect(test.settled).toEqual(['1:parked']);
  });

  it('skips only when it is asked to, and says so', async () => {
    const test = await session(
      () => {
        throw new NonRetryableError('no');
      },
      { retry: { then: 'skip' } },
    );

    await test.deliver(1);

    expect(test.settled).toEqual(['1:skipped']);
    expect(test.log.lines).toContainEqual({ level: 'error', message: "A record is skipped (then: 'skip')." });
  });

  it('names the age that ended a record', async () => {
    const test = await session(
      () => {
        throw new Error('no');
      },
      parkOn({ maxRecordAgeMs: 1_000 }),
    );

    await test.deliver(wire(1, { approximateArrivalTimestamp: 1_700_000_000_000 - 1_001 }));

    expect(test.sink.parked[0]?.causes).toMatchObject([{ code: 'RECORD_TOO_OLD' }, { message: 'no' }]);
  });

  it("stops the worker under `then: 'stop'` with an error that says so", async () => {
    const test = await session(
      () => {
        throw new NonRetryableError('no');
      },
      { retry: { then: 'stop' } },
    );

    await test.deliver(1);

    expect(test.stops).toMatchObject([{ code: 'STOP_WORKER', cause: { message: 'no' } }]);
    expect(test.settled).toEqual([]);
  });

  it('stops the worker on StopWorkerError and leaves the record unsettled', async () => {
    const test = await session((payload) => {
      if ((payload as { n: number }).n === 2) throw new StopWorkerError('enough');
    }, parkOn());

    await test.deliver(1, 2, 3);

    expect(test.stops.map((error) => error.message)).toEqual(['enough']);
    expect(test.settled).toEqual(['1:handled']);
    expect(test.abandoned).toEqual(['2', '3']);
    expect(test.checkpoints).toEqual(['1']);
  });
});

describe('holding', () => {
  it('keeps trying a held record at the longest delay, with the watermark before it', async () => {
    let healthy = false;
    const test = await session(
      (payload) => {
        if ((payload as { n: number }).n === 2 && !healthy) throw new Error('down');
      },
      { retry: { attempts: 1, maxDelayMs: 5_000 } },
    );

    const delivered = test.offer(1, 2, 3);
    await test.clock.advance(12_000);
    expect(test.runner.status).toMatchObject({ state: 'held', unsettled: 2 });
    healthy = true;
    await test.clock.advance(5_000);
    await delivered;

    expect(test.settled).toEqual(['1:handled', '2:handled', '3:handled']);
    expect(test.kinds('held', 'released').map((event) => event.kind)).toEqual(['held', 'released']);
    expect(test.runner.status.state).toBe('ready');
  });

  it('writes what was settled before a held record when the time for a checkpoint has come', async () => {
    const test = await session(
      (payload) => {
        if ((payload as { n: number }).n === 2) throw new Error('down');
      },
      { retry: { attempts: 1 }, checkpoint: { everyMs: 5_000 } },
    );

    void test.offer(1, 2).catch(() => undefined);
    await test.clock.advance(6_000);

    expect(test.checkpoints).toEqual(['1']);
  });

  it('holds instead of parking when ten records in a row exhaust: that is an outage', async () => {
    let down = true;
    const test = await session(
      () => {
        if (down) throw new Error('database down');
      },
      parkOn({ attempts: 1, maxDelayMs: 1_000 }),
    );

    const delivered = test.offer(...Array.from({ length: 12 }, (_, n) => n + 1));
    await test.clock.advance(500);
    expect(test.sink.parked).toHaveLength(9);
    expect(test.runner.status.held?.why).toContain('outage');
    down = false;
    await test.clock.advance(1_000);
    await delivered;

    expect(test.sink.parked).toHaveLength(9);
    expect(test.settled.slice(9)).toEqual(['10:handled', '11:handled', '12:handled']);
  });

  it('holds while the sink fails, and parks when it is back', async () => {
    const test = await session(() => {
      throw new NonRetryableError('poison');
    }, parkOn());
    test.sink.failures = 7;

    const delivered = test.offer(1);
    await test.clock.advance(4_000);
    expect(test.runner.status.state).toBe('held');
    await test.clock.advance(30_000);
    await delivered;

    expect(test.settled).toEqual(['1:parked']);
    expect(test.checkpoints).toEqual(['1']);
  });

  it("warns as a held record uses up the stream's retention", async () => {
    const hour = 3_600_000;
    const test = await session(
      () => {
        throw new NonRetryableError('no');
      },
      {},
      { retentionMs: 24 * hour },
    );

    void test.offer(1).catch(() => undefined);
    await test.clock.advance(13 * hour);

    const warnings = test.log.lines.filter(({ message }) => message.includes('retention'));
    expect(warnings.map(({ message }) => /\d+ %/.exec(message)?.[0])).toEqual(['25 %', '50 %']);
  });

  it('keeps the successors of a parked key back under sameKey hold', async () => {
    const test = await session(
      (payload) => {
        if ((payload as { n: number }).n === 1) throw new NonRetryableError('poison');
      },
      { deadLetter: { sink: 'fake', sameKey: 'hold' } },
    );

    void test.offer(1, 2, 3, 4).catch(() => undefined);
    await test.clock.advance(10);

    expect(test.settled).toEqual(['1:parked', '2:handled', '3:handled']);
    expect(test.runner.status.held?.why).toContain('key-1');
  });
});

describe('deadlines', () => {
  it('aborts the signal after timeoutMs and runs the record again only when the handler has settled', async () => {
    const log: string[] = [];
    const test = await session(
      async (_, context) => {
        log.push(`run ${context.attempt}`);
        if (context.attempt === 1) await context.sleep(1e9).catch(() => log.push('aborted'));
        if (context.attempt === 1) throw new Error('gave up');
      },
      { retry: { timeoutMs: 1_000 } },
    );

    const delivered = test.offer(1);
    await test.clock.advance(2_000);
    await delivered;

    expect(log).toEqual(['run 1', 'aborted', 'run 2']);
  });

  it('calls a handler stuck five seconds after its aborted signal, and waits for it all the same', async () => {
    let release = (): void => undefined;
    const test = await session(() => new Promise<void>((resolve) => (release = resolve)), {
      retry: { timeoutMs: 1_000 },
    });

    const delivered = test.offer(1, 2);
    await test.clock.advance(60_000);
    expect(test.kinds('stuck')).toHaveLength(1);
    expect(test.runner.status.state).toBe('held');
    expect(test.kinds('handlerStarted')).toHaveLength(1);
    release();
    await test.clock.advance(0);
    release();
    await test.during(delivered);

    expect(test.settled).toEqual(['1:handled', '2:handled']);
  });
});

describe('checkpoints', () => {
  it('writes after every record under `record`, before the next one starts', async () => {
    const before: number[] = [];
    const test = await session(() => void before.push(test.stored.length), { checkpoint: 'record' });

    await test.deliver(1, 2, 3);

    expect(before).toEqual([0, 1, 2]);
    expect(test.checkpoints).toEqual(['1', '2', '3']);
  });

  it('writes by count and by time, in a heartbeat too', async () => {
    const test = await session(() => undefined, { checkpoint: { everyMs: 5_000, everyRecords: 3 } });

    await test.deliver(1, 2);
    expect(test.checkpoints).toEqual([]);
    await test.deliver(3, 4);
    expect(test.checkpoints).toEqual(['3']);
    await test.clock.advance(5_000);
    await test.deliver();
    expect(test.checkpoints).toEqual(['3', '4']);
    await test.clock.advance(5_000);
    await test.deliver();
    expect(test.checkpoints).toEqual(['3', '4']);
  });

  it('sends the sub-sequence number of a KPL record', async () => {
    const test = await session(() => undefined);

    await test.deliver(wire(1, { subSequenceNumber: 0 }), wire(1, { subSequenceNumber: 1 }));

    expect(test.checkpoints).toEqual(['1/1']);
  });

  it('tries a throttled checkpoint again before it acknowledges', async () => {
    const test = await session(
      () => undefined,
      {},
      { checkpointErrors: ['ThrottlingException', 'KinesisClientLibDependencyException'] },
    );

    const delivered = test.offer(1);
    await test.clock.advance(2_000);
    await delivered;

    expect(test.checkpoints).toEqual(['1']);
  });

  it('acknowledges after five failed tries and writes in the next action', async () => {
    const test = await session(
      () => undefined,
      {},
      { checkpointErrors: Array.from({ length: 5 }, () => 'ThrottlingException') },
    );

    const delivered = test.offer(1);
    await test.clock.advance(60_000);
    await delivered;
    expect(test.checkpoints).toEqual([]);
    await test.deliver();

    expect(test.checkpoints).toEqual(['1']);
  });

  it('says in its status that checkpoints are not written, until one is', async () => {
    const test = await session(() => undefined, {}, { checkpointErrors: ['InvalidStateException'] });

    await test.deliver(1);
    expect(test.runner.status.checkpointError).toContain('InvalidStateException');
    await test.deliver(2);

    expect(test.runner.status.checkpointError).toBeUndefined();
    expect(test.checkpoints).toEqual(['2']);
  });

  it('gives the lease up at a ShutdownException: later batches are acknowledged unrun and nothing is written', async () => {
    const seen: unknown[] = [];
    const test = await session((payload) => void seen.push(payload), {}, { checkpointErrors: ['ShutdownException'] });
    await test.deliver(1);

    await test.deliver(2);
    await test.during(test.daemon.leaseLost());

    expect(seen).toEqual([{ n: 1 }]);
    expect(test.abandoned).toEqual(['2']);
    expect(test.checkpoints).toEqual([]);
    expect(test.kinds('checkpointRequested')).toHaveLength(1);
    expect(await test.outcome).toEqual({ kind: 'ended', why: 'leaseLost' });
  });

  it('asks for a worker restart when batches keep coming a minute after the lease was lost', async () => {
    const test = await session(() => undefined, {}, { checkpointErrors: ['ShutdownException'] });
    await test.deliver(1);

    await test.clock.advance(60_001);
    await test.deliver(2);
    await test.deliver(3);

    expect(test.stops).toMatchObject([{ code: 'LEASE_LOST' }]);
  });
});

describe('manual checkpoints', () => {
  it('settles nothing that the handler has not declared', async () => {
    const test = await session(
      async (payload, context) => {
        if ((payload as { n: number }).n === 2) await context.checkpoint();
      },
      { checkpoint: 'manual' },
    );

    await test.deliver(1, 2, 3);

    expect(test.checkpoints).toEqual(['2']);
    expect(test.settled).toEqual(['1:handled', '2:handled']);
    expect(test.runner.status.unsettled).toBe(1);
  });

  it('never passes a deferred record, whatever is declared behind it', async () => {
    let done = (): void => undefined;
    const test = await session(
      async (payload, context) => {
        const { n } = payload as { n: number };
        if (n === 1) ({ done } = context.defer());
        if (n === 2) void context.checkpoint();
      },
      { checkpoint: 'manual' },
    );
    await test.deliver(1, 2);
    expect(test.checkpoints).toEqual([]);

    done();
    await test.deliver();
    await test.deliver();
    await test.during(test.daemon.shutdownRequested());

    expect(test.checkpoints).toEqual(['2']);
  });

  it('takes done() for a declaration: the next action writes it', async () => {
    let done = (): void => undefined;
    const test = await session((_, context) => void ({ done } = context.defer()), { checkpoint: 'manual' });
    await test.deliver(1);

    done();
    await test.deliver();

    expect(test.checkpoints).toEqual(['1']);
  });

  it('answers a checkpoint that was asked for between actions in the next one', async () => {
    let context: RecordContext | undefined;
    const test = await session((_, given) => void (context = given), { checkpoint: 'manual' });
    await test.deliver(1);

    let stored = false;
    const asked = context?.checkpoint().then(() => (stored = true));
    await test.clock.settle();
    expect(stored).toBe(false);
    await test.deliver();
    await asked;

    expect(test.checkpoints).toEqual(['1']);
  });
});

describe('leaving', () => {
  it('waits for the open action and its checkpoint, not for the daemon', async () => {
    const test = await session(async (_, context) => context.sleep(1_000));
    const delivered = test.offer(1, 2);
    await test.clock.advance(500);

    test.runner.drain();
    test.runner.leave('afterAction');
    await test.clock.advance(500);
    await delivered;

    expect(await test.outcome).toEqual({ kind: 'ended', why: 'left' });
    expect(test.checkpoints).toEqual(['1']);
  });

  it('is immediate between actions', async () => {
    const test = await session(() => undefined);

    test.runner.leave('afterAction');

    expect(await test.outcome).toEqual({ kind: 'ended', why: 'left' });
    expect(test.disposed).toBe(1);
  });

  it('cuts an action off that does not end', async () => {
    const test = await session(() => new Promise(() => undefined));
    test.offer(1).catch(() => undefined);
    await test.clock.advance(10);

    test.runner.leave('cut');
    await test.clock.settle();

    expect(await test.outcome).toEqual({ kind: 'ended', why: 'left' });
    expect(test.abandoned).toEqual(['1']);
  });
});

describe('deferred records', () => {
  it('acknowledges the batch while they are open, and checkpoints when they are done', async () => {
    const open: (() => void)[] = [];
    const test = await session((_, context) => void open.push(context.defer().done));
    await test.deliver(1, 2, 3);
    expect(test.checkpoints).toEqual([]);

    open[1]?.();
    await test.deliver();
    expect(test.checkpoints).toEqual([]);
    open[0]?.();
    await test.deliver();

    expect(test.checkpoints).toEqual(['2']);
  });

  it('parks one that fails, once, without running it again', async () => {
    let runs = 0;
    const test = await session((_, context) => {
      runs += 1;
      const deferred = context.defer();
      deferred.fail(new Error('flush failed'));
      deferred.done();
    }, parkOn());

    await test.deliver(1);
    await test.deliver();

    expect(runs).toBe(1);
    expect(test.settled).toEqual(['1:parked']);
    expect(test.checkpoints).toEqual(['1']);
  });

  it('stops taking records at maxInFlight until one is done', async () => {
    const open: (() => void)[] = [];
    const test = await session(
      (_, context) => void open.push(context.defer().done),
      {},
      { properties: { maxInFlight: 2 } },
    );

    const delivered = test.offer(1, 2, 3);
    await test.clock.advance(10);
    expect(open).toHaveLength(2);
    expect(test.runner.status.held?.why).toContain('maxInFlight');
    open[0]?.();
    await test.during(delivered);

    expect(open).toHaveLength(3);
    expect(test.runner.status.held).toBeUndefined();
  });
});

describe('stopping', () => {
  it('lets the running handler finish, abandons the rest and writes the watermark', async () => {
    const test = await session(async (_, context) => context.sleep(1_000));

    const delivered = test.offer(1, 2, 3);
    await test.clock.advance(1_500);
    test.runner.drain();
    await test.clock.advance(500);
    await delivered;

    expect(test.settled).toEqual(['1:handled', '2:handled']);
    expect(test.abandoned).toEqual(['3']);
    expect(test.checkpoints).toEqual(['2']);
  });

  it('aborts what still runs when the budget is used up: half of the shorter grace', async () => {
    let reason: unknown;
    const test = await session(
      async (_, context) => {
        context.signal.addEventListener('abort', () => (reason = context.signal.reason));
        await new Promise(() => undefined);
      },
      {},
      { properties: { shutdownGraceMillis: 8_000 } },
    );

    const delivered = test.offer(1);
    await test.clock.advance(10);
    test.runner.drain();
    await test.clock.advance(3_999);
    expect(reason).toBeUndefined();
    await test.clock.advance(1);
    await delivered;

    expect(reason).toMatchObject({ code: 'WORKER_STOPPED' });
    expect(test.abandoned).toEqual(['1']);
    expect(test.checkpoints).toEqual([]);
  });

  it('ends the wait of a held record at once', async () => {
    const test = await session(
      () => {
        throw new Error('down');
      },
      { retry: { attempts: 1 } },
    );

    const delivered = test.offer(1);
    await test.clock.advance(1_000);
    test.runner.drain();
    await test.during(delivered);

    expect(test.abandoned).toEqual(['1']);
  });

  it('tells the hook why, waits for what it flushes, and writes before it acknowledges', async () => {
    const reasons: string[] = [];
    const open: (() => void)[] = [];
    const test = await session((_, context) => void open.push(context.defer().done), {
      hooks: {
        shutdownRequested: (context) => {
          reasons.push(context.reason);
          for (const done of open) done();
        },
      },
    });
    await test.deliver(1, 2);

    await test.during(test.daemon.shutdownRequested());

    expect(reasons).toEqual(['handoff']);
    expect(test.checkpoints).toEqual(['2']);
  });

  it('says workerStopping when the worker itself ends', async () => {
    const reasons: string[] = [];
    const test = await session(() => undefined, {
      hooks: { shutdownRequested: (context) => void reasons.push(context.reason) },
    });

    test.runner.drain();
    await test.during(test.daemon.shutdownRequested());

    expect(reasons).toEqual(['workerStopping']);
  });
});

describe('the end of a shard', () => {
  it('runs the hook, writes SHARD_END, disposes, then acknowledges', async () => {
    const log: string[] = [];
    const test = await session(() => undefined, {
      hooks: { shardEnd: () => void log.push(`hook, disposed ${test.disposed}`) },
    });
    await test.deliver(1);

    const ended = await test.during(test.daemon.shardEnded());

    expect(ended).toEqual({ checkpointed: true });
    expect(log).toEqual(['hook, disposed 0']);
    expect(test.disposed).toBe(1);
    expect(test.checkpoints).toEqual(['1', 'SHARD_END']);
    expect(await test.outcome).toEqual({ kind: 'ended', why: 'shardEnded' });
  });

  it('tries SHARD_END again as long as it takes', async () => {
    const test = await session(
      () => undefined,
      {},
      { checkpointErrors: Array.from({ length: 12 }, () => 'KinesisClientLibDependencyException') },
    );

    const ended = test.daemon.shardEnded();
    await test.clock.advance(300_000);

    expect(await test.during(ended)).toEqual({ checkpointed: true });
  });

  it('waits for deferred records', async () => {
    let done = (): void => undefined;
    const test = await session((_, context) => void ({ done } = context.defer()));
    await test.deliver(1);

    const ended = test.daemon.shardEnded();
    await test.clock.advance(120_000);
    expect(test.checkpoints).toEqual([]);
    done();

    expect(await test.during(ended)).toEqual({ checkpointed: true });
  });

  it('waits for a hook that fails, and is held meanwhile', async () => {
    let failing = true;
    const test = await session(() => undefined, {
      retry: { attempts: 2, maxDelayMs: 1_000 },
      hooks: {
        shardEnd: () => {
          if (failing) throw new Error('cannot flush');
        },
      },
    });

    const ended = test.daemon.shardEnded();
    await test.clock.advance(10_000);
    expect(test.runner.status.state).toBe('held');
    failing = false;
    await test.clock.advance(1_000);

    expect(await test.during(ended)).toEqual({ checkpointed: true });
  });

  it('is not written when the worker stops while its hook still fails', async () => {
    const test = await session(() => undefined, {
      hooks: {
        shardEnd: () => {
          throw new Error('cannot flush');
        },
      },
    });
    const ended = test.daemon.shardEnded();
    ended.catch(() => undefined);
    await test.clock.advance(1_000);

    test.runner.drain();
    await test.clock.advance(60_000);

    expect(test.checkpoints).toEqual([]);
    expect(test.runner.status.shardId).toBeDefined();
    await test.daemon.end();
    await expect(ended).rejects.toMatchObject({ code: 'TRANSPORT_FAILED' });
  });

  it('stops the worker when its hook says so', async () => {
    const test = await session(() => undefined, {
      hooks: {
        shardEnd: () => {
          throw new StopWorkerError('enough');
        },
      },
    });

    test.daemon.shardEnded().catch(() => undefined);
    await test.clock.advance(10);

    expect(test.stops).toMatchObject([{ code: 'STOP_WORKER' }]);
    expect(test.checkpoints).toEqual([]);
  });

  it('is held while records are open or the hook hangs', async () => {
    const open: (() => void)[] = [];
    const test = await session((_, context) => void open.push(context.defer().done), {
      retry: { timeoutMs: 1_000 },
      hooks: { shardEnd: () => new Promise(() => undefined) },
    });
    await test.deliver(1);

    test.daemon.shardEnded().catch(() => undefined);
    await test.clock.advance(7_000);

    expect(test.runner.status.held?.why).toContain('shardEnd');
  });

  it('is never acknowledged when a record was abandoned: its children must wait', async () => {
    const test = await session(async (_, context) => context.sleep(1e9));
    const delivered = test.offer(1);
    await test.clock.advance(10);
    test.runner.drain();
    await test.clock.advance(60_000);
    await delivered;

    const ended = test.daemon.shardEnded();
    ended.catch(() => undefined);
    await test.clock.advance(60_000);
    expect(test.checkpoints).toEqual([]);
    await test.daemon.end();

    expect(await test.outcome).toEqual({ kind: 'ended', why: 'endOfInput' });
    await expect(ended).rejects.toMatchObject({ code: 'TRANSPORT_FAILED' });
  });
});

describe('the life of the instance', () => {
  it('retries a failing initialize inside the open action', async () => {
    let tries = 0;
    const test = new TestSession({
      handlers: [recordHandler({ name: 'placed', handle: () => undefined })],
      hooks: {
        initialize: () => {
          tries += 1;
          if (tries < 3) throw new Error('no database yet');
        },
      },
    });

    const ready = test.daemon.initialize({ sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 });
    await test.clock.advance(5_000);
    await ready;

    expect(tries).toBe(3);
    expect(test.scopes).toBe(3);
    expect(test.disposed).toBe(2);
  });

  it('holds a consumer that can never start, and lets go when the worker stops', async () => {
    const test = new TestSession({
      create: () => {
        throw new NonRetryableError('no such table');
      },
      handlers: [recordHandler({ name: 'placed', handle: () => undefined })],
    });

    const ready = test.daemon.initialize({ sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 });
    await test.clock.advance(60_000);
    expect(test.runner.status).toMatchObject({ state: 'held' });
    test.runner.drain();
    await test.during(ready);
    await test.deliver(1);

    expect(test.settled).toEqual([]);
    expect(test.checkpoints).toEqual([]);
  });

  it('runs @OnLeaseLost for five seconds at most and then disposes', async () => {
    const test = await session(() => undefined, { hooks: { leaseLost: () => new Promise(() => undefined) } });

    const lost = test.daemon.leaseLost();
    await test.clock.advance(5_000);
    await test.during(lost);

    expect(test.disposed).toBe(1);
  });

  it('ends at end of input, whatever runs', async () => {
    const test = await session(async (_, context) => context.sleep(1e9));
    const delivered = test.offer(1);
    delivered.catch(() => undefined);
    await test.clock.advance(10);

    await test.daemon.end();
    await test.clock.settle();

    expect(await test.outcome).toEqual({ kind: 'ended', why: 'endOfInput' });
    expect(test.abandoned).toEqual(['1']);
    expect(test.disposed).toBe(1);
    expect(test.clock.pendingTimers).toBe(0);
  });
});
