import { describe, expect, it } from 'vitest';
import { batchHandler, recordHandler, type ConsumerData } from '../definition/define-consumer.js';
import type { RecordContext } from '../definition/context.js';
import type { CircuitBreakerOptions, RetryOptions } from '../definition/handler-options.js';
import { MillraceError, NonRetryableError } from '../errors.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { openCircuitBreaker } from './circuit-breaker.js';
import { LogLines, type SessionOptions, TestSession, wire } from './session.fixture.js';

/** What handlers call; the test says whether it works. */
class Downstream {
  up = true;
  calls: number[] = [];
  attempts: number[] = [];

  call(payload: unknown, context: RecordContext): void {
    const { n } = payload as { n: number };
    this.calls.push(n);
    this.attempts.push(context.attempt);
    if (!this.up) throw new Error('the downstream is down');
  }
}

const BREAKER = {
  minimumCalls: 3,
  openMs: 10_000,
  maxOpenMs: 35_000,
  probes: 1,
} as const satisfies CircuitBreakerOptions;
const RETRY = { attempts: 2, initialDelayMs: 100, maxDelayMs: 100 } as const satisfies RetryOptions;

type Data = Partial<ConsumerData<object>>;

function open(downstream: Downstream, data: Data = {}, options: SessionOptions = {}): TestSession {
  return new TestSession(
    {
      handlers: [recordHandler({ name: 'call', handle: (payload, context) => downstream.call(payload, context) })],
      checkpoint: 'batch',
      retry: RETRY,
      circuitBreaker: BREAKER,
      deadLetter: { sink: 'fake' },
      ...data,
    },
    options,
  );
}

async function started(downstream: Downstream, data: Data = {}, options: SessionOptions = {}): Promise<TestSession> {
  const test = open(downstream, data, options);
  await test.initialize();
  return test;
}

describe('while the downstream is down', () => {
  it('parks only what used its attempts up before the breaker opened, and goes on when a probe succeeds', async () => {
    const downstream = new Downstream();
    const test = await started(downstream);
    downstream.up = false;

    const delivered = test.offer(1, 2, 3, 4);
    await test.clock.advance(9_000);
    // Two runs of the first, one of the second: the third failure opens.
    expect(downstream.calls).toEqual([1, 1, 2]);
    expect(test.settled).toEqual(['1:parked']);
    expect(test.runner.status).toMatchObject({
      state: 'held',
      circuitBreaker: 'open',
      held: { recordId: undefined, why: 'the circuit breaker of Orders is open' },
    });
    await test.clock.advance(60 * 60_000);
    expect(test.settled).toEqual(['1:parked']);
    downstream.up = true;
    await test.clock.advance(35_000);
    await test.during(delivered);

    expect(test.settled).toEqual(['1:parked', '2:handled', '3:handled', '4:handled']);
    expect(test.checkpoints).toEqual(['4']);
    expect(test.runner.status).toMatchObject({ state: 'ready', circuitBreaker: 'closed', held: undefined });
    expect(test.clock.pendingTimers).toBe(0);
  });

  it('probes after openMs, then after twice as long each time, up to maxOpenMs', async () => {
    const downstream = new Downstream();
    const test = await started(downstream);
    downstream.up = false;
    test.offer(1, 2).catch(() => undefined);
    await test.clock.advance(1_000);
    const before = downstream.calls.length;

    const probes: number[] = [];
    for (let second = 1; second <= 120; second += 1) {
      const calls = downstream.calls.length;
      await test.clock.advance(1_000);
      if (downstream.calls.length > calls) probes.push(second);
    }

    expect(before).toBe(3);
    expect(probes).toEqual([10, 30, 65, 100]);
    await test.daemon.end();
  });

  it('uses up no attempt of a probe: the record has all of them when the breaker is closed again', async () => {
    const downstream = new Downstream();
    const test = await started(downstream, { circuitBreaker: { ...BREAKER, minimumCalls: 1 } });
    downstream.up = false;
    const delivered = test.offer(1);
    await test.clock.advance(100_000);
    expect(downstream.attempts.length).toBeGreaterThan(2);
    expect(test.settled).toEqual([]);

    downstream.up = true;
    await test.clock.advance(35_000);
    await test.during(delivered);

    expect(test.settled).toEqual(['1:handled']);
  });

  it('says what happens, once for each change', async () => {
    const downstream = new Downstream();
    const test = await started(downstream);
    downstream.up = false;
    const delivered = test.offer(1, 2);
    await test.clock.advance(15_000);
    downstream.up = true;
    await test.clock.advance(20_000);
    await test.during(delivered);

    expect(test.kinds('circuitBreaker').map((event) => 'state' in event && event.state)).toEqual([
      'open',
      'halfOpen',
      'open',
      'halfOpen',
      'closed',
    ]);
    expect(test.kinds('held', 'released').map(({ kind }) => kind)).toEqual(['held', 'released']);
    const said = test.log.lines.filter(({ message }) => message.includes('circuit breaker of Orders'));
    expect(said.map(({ level }) => level)).toEqual(['error', 'error', 'info', 'error', 'info', 'info']);
  });

  it('warns as the record that waits comes near the retention of the stream', async () => {
    const downstream = new Downstream();
    const test = await started(downstream, {}, { retentionMs: 3_600_000 });
    downstream.up = false;
    test.offer(1, 2).catch(() => undefined);
    await test.clock.advance(1_000_000);

    expect(test.log.lines.some(({ message }) => message.includes("25 % of the stream's retention"))).toBe(true);
    await test.daemon.end();
  });

  it('does not judge the age of a record by an attempt that counts for nothing', async () => {
    const downstream = new Downstream();
    const test = await started(downstream, {
      retry: { ...RETRY, maxRecordAgeMs: 60_000 },
      circuitBreaker: { ...BREAKER, minimumCalls: 1 },
    });
    downstream.up = false;
    const delivered = test.offer(wire(1, { approximateArrivalTimestamp: test.clock.now() }));
    await test.clock.advance(200_000);
    expect(test.settled).toEqual([]);

    downstream.up = true;
    await test.clock.advance(35_000);
    await test.during(delivered);
    expect(test.settled).toEqual(['1:handled']);
  });
});

describe('what opens a breaker', () => {
  it.each<[string, () => Error, Partial<CircuitBreakerOptions>, RetryOptions]>([
    ['errors that no run can mend', () => new NonRetryableError('no'), {}, {}],
    [
      'errors that an override calls so',
      () => new RangeError('no'),
      {},
      { overrides: [{ error: RangeError, retryable: false }] },
    ],
    ['errors that `only` leaves out', () => new RangeError('no'), { only: (error) => error.name === 'TypeError' }, {}],
    [
      'errors about which `only` throws',
      () => new RangeError('no'),
      {
        only: () => {
          throw new Error('in only');
        },
      },
      {},
    ],
  ])('not %s', async (_, failure, breaker, retry) => {
    const test = await started(new Downstream(), {
      handlers: [
        recordHandler({
          name: 'fail',
          handle: () => {
            throw failure();
          },
        }),
      ],
      circuitBreaker: { ...BREAKER, ...breaker },
      retry: { ...RETRY, ...retry },
    });

    const delivered = test.offer(1, 2, 3, 4, 5);
    await test.clock.advance(2_000);
    await test.during(delivered);

    expect(test.settled).toHaveLength(5);
    expect(test.runner.status.circuitBreaker).toBe('closed');
  });

  it('not records that cannot be decoded', async () => {
    const test = await started(new Downstream());

    await test.deliver(...[1, 2, 3, 4, 5].map((n) => wire(n, { data: Buffer.from('{') })));

    expect(test.settled).toHaveLength(5);
    expect(test.runner.status.circuitBreaker).toBe('closed');
  });

  it('a record that a middleware leaves out: it has called nobody', async () => {
    const downstream = new Downstream();
    const left = new Set([3]);
    const test = await started(downstream, {
      use: [
        ({ record }: RecordContext, next) =>
          left.has(Number(record.sequenceNumber.slice(-1))) ? next.skip('seen before') : next(),
      ],
    });
    downstream.up = false;
    const delivered = test.offer(1, 2, 3, 4);
    await test.clock.advance(9_000);
    expect(test.runner.status).toMatchObject({ circuitBreaker: 'open' });
    await test.clock.advance(2_000);
    expect(downstream.calls).toEqual([1, 1, 2, 2]);
    left.add(2);
    await test.clock.advance(25_000);

    // Left out as the probe, 2 and 3 are settled, and 4 is called because nothing is known yet.
    expect(test.settled).toEqual(['1:parked', '2:skipped', '3:skipped']);
    expect(downstream.calls).toEqual([1, 1, 2, 2, 4]);
    expect(test.runner.status).toMatchObject({ circuitBreaker: 'open' });
    downstream.up = true;
    await test.clock.advance(40_000);
    await test.during(delivered);
    expect(test.settled.at(-1)).toBe('4:handled');
  });

  it('a poison record that `only` leaves out is parked although it is the probe', async () => {
    let up = true;
    const test = await started(new Downstream(), {
      handlers: [
        recordHandler({
          name: 'call',
          handle: (payload) => {
            if ((payload as { n: number }).n === 2 && up) throw new RangeError('poison');
            if (!up) throw new TypeError('fetch failed');
          },
        }),
      ],
      circuitBreaker: { ...BREAKER, only: (error) => error instanceof TypeError },
    });
    up = false;
    const delivered = test.offer(1, 2, 3);
    await test.clock.advance(5_000);
    up = true;
    await test.clock.advance(60_000);
    await test.during(delivered);

    expect(test.settled).toEqual(['1:parked', '2:parked', '3:handled']);
  });

  it('a handler that ignores its signal: nobody waits for what its probe says', async () => {
    const test = await started(new Downstream(), {
      handlers: [recordHandler({ name: 'hang', handle: () => new Promise(() => undefined) })],
      circuitBreaker: { ...BREAKER, minimumCalls: 1 },
      retry: { ...RETRY, timeoutMs: 1_000 },
    });
    test.offer(1).catch(() => undefined);
    await test.clock.advance(5_999);
    expect(test.runner.status.circuitBreaker).toBe('closed');
    await test.clock.advance(1);

    expect(test.runner.status.circuitBreaker).toBe('open');
    await test.daemon.end();
  });
});

describe('the end of a session while the breaker is open', () => {
  it.each<[string, (test: TestSession) => void]>([
    ['drains', (test) => test.runner.drain()],
    ['is in doubt', (test) => test.runner.doubt('stolen')],
  ])('abandons what waits when it %s, and leaves nothing behind', async (_, stop) => {
    const downstream = new Downstream();
    const test = await started(downstream);
    downstream.up = false;
    const delivered = test.offer(1, 2, 3);
    await test.clock.advance(1_000);
    const calls = downstream.calls.length;

    stop(test);
    await test.during(delivered);
    await test.clock.advance(100_000);

    expect(downstream.calls).toHaveLength(calls);
    expect(test.abandoned).toEqual(['2', '3']);
    await test.daemon.end();
    await test.clock.settle();
    expect(test.clock.pendingTimers).toBe(0);
  });

  it('holds the end of the shard as long as records wait', async () => {
    const downstream = new Downstream();
    const test = await started(downstream, { concurrency: { perShard: 2 } });
    downstream.up = false;
    const delivered = test.offer(1, 2, 3, 4, 5);
    await test.clock.advance(1_000);
    await test.during(delivered);
    const ended = test.daemon.shardEnded();
    await test.clock.advance(1_000);
    expect(test.checkpoints).not.toContain('SHARD_END');

    downstream.up = true;
    await test.clock.advance(60_000);

    expect((await test.during(ended)).checkpointed).toBe(true);
    expect(test.abandoned).toEqual([]);
  });
});

describe('several shards', () => {
  async function pair(downstream: Downstream) {
    const clock = new ManualClock();
    const logger = new LogLines();
    const { definition } = open(downstream, {}, { clock });
    const breaker = openCircuitBreaker(definition, { clock, logger });
    if (breaker === undefined) throw new Error('There is a breaker.');
    const left = await started(downstream, {}, { clock, breaker });
    const right = await started(downstream, {}, { clock, breaker });
    return { clock, left, right, breaker, logger };
  }

  it('share it: the failures of one hold the other, and one log line tells it', async () => {
    const downstream = new Downstream();
    const { clock, left, right, logger } = await pair(downstream);
    downstream.up = false;
    const failing = left.offer(1, 2);
    await clock.advance(1_000);
    const waiting = right.offer(11);
    await clock.advance(1_000);

    expect(downstream.calls).not.toContain(11);
    expect([left, right].map(({ runner }) => runner.status.state)).toEqual(['held', 'held']);
    expect(logger.lines.filter(({ message }) => message.includes('is open'))).toHaveLength(1);
    downstream.up = true;
    await clock.advance(20_000);
    await left.during(Promise.all([failing, waiting]));
    expect(right.settled).toEqual(['11:handled']);
  });

  it('take turns with the probes, so a poison record does not keep the other from closing it', async () => {
    const downstream = new Downstream();
    const clock = new ManualClock();
    const poison = recordHandler({
      name: 'call',
      handle: (payload, context) => {
        downstream.call(payload, context);
        if ((payload as { n: number }).n === 2) throw new Error('poison that looks like an outage');
      },
    });
    const data = { handlers: [poison] };
    const breaker = openCircuitBreaker(open(downstream, data, { clock }).definition, { clock, logger: new LogLines() });
    if (breaker === undefined) throw new Error('There is a breaker.');
    const left = await started(downstream, data, { clock, breaker });
    const right = await started(downstream, data, { clock, breaker });
    downstream.up = false;
    const failing = left.offer(1, 2, 3);
    await clock.advance(1_000);
    const waiting = right.offer(11);
    await clock.advance(1_000);

    downstream.up = true;
    await clock.advance(120_000);
    await left.during(Promise.all([failing, waiting]));

    expect(right.settled).toEqual(['11:handled']);
    expect(left.settled).toEqual(['1:parked', '2:parked', '3:handled']);
  });

  it('a session that ends while it waits gives its place to the other', async () => {
    const downstream = new Downstream();
    const { clock, left, right } = await pair(downstream);
    downstream.up = false;
    const failing = left.offer(1, 2);
    await clock.advance(1_000);
    const waiting = right.offer(11);
    await clock.advance(1_000);
    downstream.up = true;
    left.runner.doubt('stolen');
    await clock.advance(20_000);
    await left.during(Promise.all([failing, waiting]));

    expect(right.settled).toEqual(['11:handled']);
  });
});

describe('a batch handler', () => {
  it('is one call: a poison item does not open the breaker, a batch that fails does', async () => {
    let up = true;
    let runs = 0;
    const many = batchHandler({
      name: 'many',
      handle: (batch) => {
        runs += 1;
        if (!up) throw new MillraceError('HANDLER_FAILED', 'down');
        for (const item of batch) if ((item.value as { n: number }).n % 10 === 0) item.fail(new Error('poison'));
      },
    });
    const test = await started(new Downstream(), { handlers: [many], retry: { ...RETRY, attempts: 1 } });
    for (const first of [1, 11, 21, 31]) {
      const numbers = Array.from({ length: 10 }, (_, index) => first + index);
      await test.deliver(...numbers);
    }
    expect(test.runner.status.circuitBreaker).toBe('closed');
    expect(test.settled.filter((each) => each.endsWith('parked'))).toHaveLength(4);

    up = false;
    for (const n of [41, 42, 43, 44, 45]) test.offer(n).catch(() => undefined);
    await test.clock.advance(5_000);
    const runsWhileDown = runs;
    await test.clock.advance(4_000);
    expect([runs, test.runner.status.circuitBreaker]).toEqual([runsWhileDown, 'open']);
    up = true;
    await test.clock.advance(60_000);
    expect(test.runner.status.circuitBreaker).toBe('closed');
    expect(test.abandoned).toEqual([]);
  });
});
