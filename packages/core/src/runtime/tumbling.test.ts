import { describe, expect, it } from 'vitest';
import type { WindowContext, WindowRecordContext } from '../definition/context.js';
import { windowHandler } from '../definition/define-consumer.js';
import { NonRetryableError, StopWorkerError } from '../errors.js';
import type { WireRecord } from '../protocol/messages.js';
import { TestSession, wire, type SessionOptions } from './session.fixture.js';

type More = Omit<ConstructorParameters<typeof TestSession>[0], 'handlers'>;
type State = { readonly numbers: number[] };

const EVERY_MS = 60_000;
/** A multiple of a minute; the manual clock starts 20 s later. */
const T0 = 1_699_999_980_000;

/** Record n, arrived so many seconds after T0. */
function at(seconds: number, n: number, data?: string): WireRecord {
  const bytes = Buffer.from(data ?? JSON.stringify({ n }));
  return wire(n, { approximateArrivalTimestamp: T0 + seconds * 1_000, data: bytes });
}

interface Emitted {
  readonly numbers: readonly number[];
  readonly context: WindowContext;
}

interface Behaviour {
  readonly absorb?: (n: number, context: WindowRecordContext<State>) => unknown;
  /** Called before the state counts as emitted. */
  readonly emit?: (attempt: number, context: WindowContext) => unknown;
}

async function session(behaviour: Behaviour = {}, more: More = {}, options: SessionOptions = {}) {
  const emitted: Emitted[] = [];
  const totals = windowHandler({
    name: 'totals',
    everyMs: EVERY_MS,
    state: (): State => ({ numbers: [] }),
    handle: async (payload, context) => {
      const { n } = payload as { readonly n: number };
      await behaviour.absorb?.(n, context);
      context.state.numbers.push(n);
    },
    emit: async (state, context) => {
      await behaviour.emit?.(context.attempt, context);
      emitted.push({ numbers: [...state.numbers], context });
    },
  });
  const test = new TestSession({ handlers: [totals], checkpoint: 'batch', ...more }, options);
  await test.initialize();
  return { test, emitted, numbers: () => emitted.map((one) => one.numbers) };
}

describe('the circuit breaker', () => {
  it('keeps a window from being emitted while it is open, and the runs that it forgives are no attempts', async () => {
    let up = false;
    const runs: number[] = [];
    const emit = (attempt: number): void => {
      runs.push(attempt);
      if (!up) throw new Error('the downstream is down');
    };
    const { test, numbers } = await session(
      { emit },
      {
        retry: { attempts: 3, initialDelayMs: 10, maxDelayMs: 10, then: 'skip' },
        circuitBreaker: { minimumCalls: 2, failureRate: 0.5, openMs: 10_000, maxOpenMs: 10_000, probes: 1 },
      },
    );
    await test.deliver(at(1, 1));
    const delivered = test.offer(at(60, 2));
    await test.clock.advance(5_000);
    // The record succeeded, so the first failure is half of the calls and opens it.
    expect(runs).toEqual([1]);
    expect(test.runner.status).toMatchObject({ state: 'held', circuitBreaker: 'open' });
    await test.clock.advance(60_000);
    expect(runs.length).toBeGreaterThan(3);
    expect(numbers()).toEqual([]);
    expect(test.checkpoints).toEqual([]);

    up = true;
    await test.clock.advance(10_000);
    await test.during(delivered);
    expect(numbers()).toEqual([[1]]);
    expect(test.checkpoints).toEqual(['1']);
    expect(test.runner.status).toMatchObject({ circuitBreaker: 'closed', held: undefined });
  });
});

describe('a tumbling window', () => {
  it('is emitted when a later record comes, with what its records left in the state, and then checkpointed', async () => {
    const { test, emitted } = await session();
    await test.deliver(at(1, 1), at(30, 2), at(59.999, 3));
    expect(emitted).toEqual([]);
    expect(test.checkpoints).toEqual([]);
    expect(test.runner.status).toMatchObject({
      unsettled: 3,
      settled: { handled: 0 },
      window: { startMs: T0, endMs: T0 + EVERY_MS, records: 3 },
    });

    await test.deliver(at(60, 4));
    expect(emitted).toMatchObject([
      {
        numbers: [1, 2, 3],
        context: {
          startMs: T0,
          endMs: T0 + EVERY_MS,
          records: 3,
          closedBy: 'record',
          attempt: 1,
          shardId: 'shardId-000000000000',
        },
      },
    ]);
    expect(emitted[0]?.context.id).toBe(`shardId-000000000000:${T0}:${wire(1).sequenceNumber}:0`);
    expect(emitted[0]?.context.last).toEqual({ sequenceNumber: wire(3).sequenceNumber, subSequenceNumber: 0 });
    expect(test.checkpoints).toEqual(['3']);
    expect(test.settled).toEqual(['1:handled', '2:handled', '3:handled']);
    expect(test.runner.status).toMatchObject({ unsettled: 1, settled: { handled: 3 } });
  });

  it('keeps nothing of its records but a position: they are not in flight', async () => {
    const { test, numbers } = await session({}, {}, { properties: { maxInFlight: 2 } });
    await test.deliver(...Array.from({ length: 50 }, (_, n) => at(1, n)));
    expect(test.kinds('held')).toEqual([]);
    await test.deliver(at(60, 50));
    expect(numbers()).toEqual([Array.from({ length: 50 }, (_, n) => n)]);
  });

  it('is closed by the clock of an idle shard, at the tip only', async () => {
    const { test, emitted, numbers } = await session();
    await test.during(test.daemon.processRecords([at(1, 1)], 500));
    await test.clock.advance(2 * EVERY_MS);
    await test.during(test.daemon.processRecords([], 500));
    expect(numbers()).toEqual([]);

    await test.deliver();
    expect(numbers()).toEqual([[1]]);
    expect(emitted[0]?.context.closedBy).toBe('clock');
    expect(test.checkpoints).toEqual(['1']);
  });

  it('does not open again for a record that arrived before its end and comes after it was emitted', async () => {
    const { test, emitted, numbers } = await session();
    await test.deliver(at(1, 1), at(60, 2), at(59, 3));
    await test.deliver(at(120, 4), at(59, 5), at(180, 6));
    expect(numbers()).toEqual([[1], [2, 3], [4, 5]]);
    expect(emitted.map(({ context }) => (context.startMs - T0) / 1_000)).toEqual([0, 60, 120]);
  });

  it('does not open again for a record that comes after the clock has closed it', async () => {
    const { test, emitted } = await session();
    await test.deliver(at(1, 1));
    await test.clock.advance(EVERY_MS);
    await test.deliver();
    await test.deliver(at(59, 2), at(61, 3), at(120, 4));
    expect(emitted.map(({ numbers, context }) => [(context.startMs - T0) / 1_000, ...numbers])).toEqual([
      [0, 1],
      [60, 2, 3],
    ]);
  });

  it('takes a later record after an empty minute without emitting empty windows', async () => {
    const { test, emitted } = await session();
    await test.deliver(at(1, 1), at(600, 2), at(660, 3));
    expect(emitted.map(({ context }) => (context.startMs - T0) / 1_000)).toEqual([0, 600]);
  });

  it('has a state of its own each, which may be a plain value', async () => {
    const counts: unknown[] = [];
    const count = windowHandler({
      name: 'count',
      everyMs: EVERY_MS,
      state: () => 0,
      handle: (_, context) => {
        context.state += 1;
      },
      emit: (state) => void counts.push(state),
    });
    const test = new TestSession({ handlers: [count] });
    await test.initialize();
    await test.deliver(at(1, 1), at(2, 2), at(60, 3), at(120, 4));
    expect(counts).toEqual([2, 1]);
  });
});

describe('records that cannot be taken', () => {
  it('are parked, and the checkpoint waits for the window all the same', async () => {
    const { test, numbers } = await session(
      { absorb: (n) => (n === 2 ? Promise.reject(new NonRetryableError('poison')) : undefined) },
      { deadLetter: { sink: 'fake' } },
    );
    await test.deliver(at(1, 1), at(2, 2), at(3, 3, 'no json'), at(4, 4));
    expect(test.settled).toEqual(['2:parked', '3:parked']);
    expect(test.checkpoints).toEqual([]);
    await test.deliver(at(61, 5));
    expect(numbers()).toEqual([[1, 4]]);
    expect(test.checkpoints).toEqual(['4']);
  });

  it('alone make no window, and are checkpointed at once', async () => {
    const { test, numbers } = await session({}, { deadLetter: { sink: 'fake' } });
    await test.deliver(at(1, 1, 'no json'));
    await test.deliver(at(61, 2, 'no json'));
    expect(numbers()).toEqual([]);
    expect(test.checkpoints).toEqual(['1', '2']);
  });

  it('fail when the state cannot be made', async () => {
    const broken = windowHandler({
      name: 'broken',
      everyMs: EVERY_MS,
      state: (): number => {
        throw new NonRetryableError('no state');
      },
      handle: (_, context) => void context.state,
      emit: () => undefined,
    });
    const test = new TestSession({ handlers: [broken], deadLetter: { sink: 'fake' } });
    await test.initialize();
    await test.deliver(at(1, 1));
    expect(test.settled).toEqual(['1:parked']);
  });

  it('run again into the same window', async () => {
    const { test, numbers } = await session(
      { absorb: (n, { attempt }) => (n === 1 && attempt < 3 ? Promise.reject(new Error('busy')) : undefined) },
      { retry: { initialDelayMs: 10 } },
    );
    const delivered = test.offer(at(1, 1), at(2, 2));
    await test.clock.advance(100);
    await delivered;
    await test.deliver(at(60, 3));
    expect(numbers()).toEqual([[1, 2]]);
  });
});

describe('a window that cannot be emitted', () => {
  it('is tried again by the policy, and nothing behind it runs', async () => {
    const { test, emitted, numbers } = await session(
      { emit: (attempt) => (attempt < 3 ? Promise.reject(new Error('busy')) : undefined) },
      { retry: { attempts: 5, initialDelayMs: 100 } },
    );
    await test.deliver(at(1, 1));
    const delivered = test.offer(at(60, 2));
    await test.clock.settle();
    expect(test.kinds('recordAbsorbed')).toHaveLength(1);
    await test.clock.advance(1_000);
    await delivered;
    expect(numbers()).toEqual([[1]]);
    expect(emitted[0]?.context.attempt).toBe(3);
    expect(test.runner.status.retries).toBe(2);
    expect(test.checkpoints).toEqual(['1']);
  });

  it.each(['deadLetter', 'hold'] as const)('holds the shard under %s and goes on when it works', async (then) => {
    let broken = true;
    const { test, numbers } = await session(
      { emit: () => (broken ? Promise.reject(new Error('down')) : undefined) },
      { retry: { attempts: 2, initialDelayMs: 10, maxDelayMs: 1_000, then }, deadLetter: { sink: 'fake' } },
    );
    await test.deliver(at(1, 1));
    const delivered = test.offer(at(60, 2));
    await test.clock.advance(5_000);
    expect(test.runner.status).toMatchObject({
      state: 'held',
      held: { why: expect.stringMatching(/cannot be emitted \(down\)/) },
    });
    expect(test.checkpoints).toEqual([]);
    broken = false;
    await test.clock.advance(1_000);
    await delivered;
    expect(numbers()).toEqual([[1]]);
    expect(test.runner.status.held).toBeUndefined();
    expect(test.checkpoints).toEqual(['1']);
  });

  it('is skipped when the policy says so, and stops the worker when its error says so', async () => {
    const skipping = await session(
      { emit: () => Promise.reject(new NonRetryableError('never')) },
      { retry: { then: 'skip' } },
    );
    await skipping.test.deliver(at(1, 1), at(60, 2));
    expect(skipping.test.settled).toEqual(['1:skipped']);
    expect(skipping.test.checkpoints).toEqual(['1']);

    const stopping = await session({ emit: () => Promise.reject(new StopWorkerError('enough')) });
    await stopping.test.deliver(at(1, 1), at(60, 2));
    expect(stopping.test.stops).toMatchObject([{ message: 'enough' }]);
    expect(stopping.test.checkpoints).toEqual([]);
    expect(stopping.test.abandoned).toEqual(['2']);
  });

  it('says so when its handler ignores its signal', async () => {
    const { test } = await session({ emit: () => new Promise(() => undefined) }, { retry: { timeoutMs: 1_000 } });
    await test.deliver(at(1, 1));
    void test.offer(at(60, 2)).catch(() => undefined);
    await test.clock.advance(6_000);
    expect(test.kinds('stuck')).toMatchObject([{ handler: 'Orders.totals (emit)', runningMs: 6_000 }]);
    expect(test.runner.status.state).toBe('held');
  });
});

describe('the end of a session with an open window', () => {
  it('emits the rest at the end of the shard, before its hook, and ends the shard', async () => {
    const seen: string[] = [];
    const { test, emitted } = await session(
      { emit: () => void seen.push('emit') },
      { hooks: { shardEnd: () => void seen.push('hook') } },
    );
    await test.deliver(at(1, 1), at(2, 2));
    await test.during(test.daemon.shardEnded());
    expect(seen).toEqual(['emit', 'hook']);
    expect(emitted[0]).toMatchObject({ numbers: [1, 2], context: { closedBy: 'shardEnd' } });
    expect(test.checkpoints).toEqual(['SHARD_END']);
    expect(test.settled).toEqual(['1:handled', '2:handled']);
  });

  it('emits nothing when the worker stops, and gives the records to the next owner', async () => {
    const { test, numbers } = await session();
    await test.deliver(at(1, 1), at(60, 2), at(61, 3));
    await test.during(test.daemon.shutdownRequested());
    await test.during(test.daemon.leaseLost());
    await test.outcome;
    expect(numbers()).toEqual([[1]]);
    expect(test.checkpoints).toEqual(['1']);
    expect(test.abandoned).toEqual(['2', '3']);
    expect(test.kinds('sessionEnded')).toMatchObject([{ abandoned: 2 }]);
    expect(test.clock.pendingTimers).toBe(0);
  });

  it('emits nothing after the lease is in doubt, and does not wait for an emit that runs', async () => {
    const { test, numbers } = await session({ emit: () => new Promise(() => undefined) });
    await test.deliver(at(1, 1));
    const delivered = test.offer(at(60, 2));
    await test.clock.settle();
    test.runner.doubt('stolen');
    await test.during(delivered);
    await test.during(test.daemon.leaseLost());
    await test.outcome;
    expect(numbers()).toEqual([]);
    expect(test.checkpoints).toEqual([]);
    expect(test.abandoned.toSorted()).toEqual(['1', '2']);
  });

  it('does not take a redelivered record twice', async () => {
    const { test, numbers } = await session();
    await test.deliver(at(1, 1), at(2, 2));
    await test.deliver(at(1, 1), at(2, 2), at(60, 3));
    expect(numbers()).toEqual([[1, 2]]);
  });
});
