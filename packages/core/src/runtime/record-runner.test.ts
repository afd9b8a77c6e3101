import { describe, expect, it } from 'vitest';
import type { Deferred, RecordContext } from '../definition/context.js';
import { batchHandler, recordHandler } from '../definition/define-consumer.js';
import { RetryLaterError } from '../errors.js';
import { currentAttempt } from './attempt.js';
import { TestSession, wire, type SessionOptions } from './session.fixture.js';

type Handle = (payload: { readonly n: number }, context: RecordContext) => unknown;
type More = Omit<ConstructorParameters<typeof TestSession>[0], 'handlers'>;

async function session(handle: Handle, more: More = {}, options: SessionOptions = {}): Promise<TestSession> {
  const handler = recordHandler({
    name: 'placed',
    handle: handle as (payload: unknown, context: RecordContext) => unknown,
  });
  const test = new TestSession({ handlers: [handler], checkpoint: 'batch', ...more }, options);
  await test.initialize();
  return test;
}

describe('what a manual checkpoint declares', () => {
  it('declares nothing behind its record, also when that record is settled long since', async () => {
    let first: RecordContext | undefined;
    const test = await session(
      async ({ n }, context) => {
        if (n !== 1) return;
        first = context;
        await context.checkpoint();
      },
      { checkpoint: 'manual' },
    );
    await test.deliver(1, 2, 3);

    await first?.checkpoint();
    await test.deliver();

    expect(test.settled).toEqual(['1:handled']);
    expect(test.checkpoints).toEqual(['1']);
  });

  it('refuses the context of a failed attempt: its record has yet to run again', async () => {
    const contexts: RecordContext[] = [];
    const test = await session(
      (_, context) => {
        contexts.push(context);
        throw new Error('not yet');
      },
      { checkpoint: 'manual', retry: { attempts: 3 }, deadLetter: { sink: 'fake' } },
    );

    const delivered = test.offer(1);
    await test.clock.advance(100);
    const declared = contexts[0]?.checkpoint();
    await expect(declared).rejects.toMatchObject({ code: 'CONTEXT_EXPIRED' });
    await test.clock.advance(10_000);
    await delivered;

    expect(contexts).toHaveLength(3);
    expect(test.settled).toEqual(['1:parked']);
  });

  it('refuses to defer for an attempt that has ended, while the next one waits or runs', async () => {
    const contexts: RecordContext[] = [];
    const test = await session(async (_, context) => {
      contexts.push(context);
      if (context.attempt === 1) throw new Error('not yet');
      await context.sleep(1_000);
    });

    const delivered = test.offer(1);
    await test.clock.advance(10);
    expect(() => contexts[0]?.defer()).toThrow(expect.objectContaining({ code: 'CONTEXT_EXPIRED' }));
    await test.clock.advance(500);
    expect(contexts).toHaveLength(2);
    expect(() => contexts[0]?.defer()).toThrow(expect.objectContaining({ code: 'CONTEXT_EXPIRED' }));
    await test.clock.advance(1_000);
    await delivered;

    expect(test.settled).toEqual(['1:handled']);
  });
});

/** A schema that answers when it is told to. */
function slowSchema() {
  const answers: (() => void)[] = [];
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) =>
        new Promise<{ value: unknown }>((resolve) => answers.push(() => resolve({ value }))),
    },
  };
  return { schema, answer: () => answers.shift()?.() };
}

describe('an asynchronous schema', () => {
  async function validated(handle: () => void) {
    const { schema, answer } = slowSchema();
    const test = new TestSession({
      handlers: [recordHandler({ name: 'placed', schema, handle })],
      checkpoint: 'batch',
    });
    await test.initialize();
    return { test, answer };
  }

  it.each([
    ['drains', (test: TestSession) => test.runner.drain()],
    ['is in doubt', (test: TestSession) => test.runner.doubt('stolen')],
  ])('starts no handler with an answer that comes when the session %s', async (_, stop) => {
    let runs = 0;
    const { test, answer } = await validated(() => void (runs += 1));
    const delivered = test.offer(1, 2);
    await test.clock.settle();

    stop(test);
    answer();
    await test.during(delivered);

    expect(runs).toBe(0);
    expect(test.abandoned).toEqual(['1', '2']);
    expect(test.checkpoints).toEqual([]);
  });

  it('that never answers is held where everybody sees it, and does not outlive its session', async () => {
    const { test } = await validated(() => undefined);
    test.offer(1).catch(() => undefined);

    await test.clock.advance(65_000);
    expect(test.kinds('stuck')).toHaveLength(1);
    expect(test.runner.status.held?.why).toContain('validating');
    await test.daemon.end();
    await test.clock.settle();

    expect(await test.during(test.outcome)).toEqual({ kind: 'ended', why: 'endOfInput' });
    expect(test.clock.pendingTimers).toBe(0);
  });
});

describe('a deferred record', () => {
  it('keeps its signal after the handler has returned: it aborts when the lease is in doubt', async () => {
    let signal: AbortSignal | undefined;
    const test = await session((_, context) => {
      context.defer();
      ({ signal } = context);
    });
    await test.deliver(1);
    expect(signal?.aborted).toBe(false);

    test.runner.doubt('stolen');

    expect(signal?.reason).toMatchObject({ code: 'LEASE_LOST' });
  });

  it('fails by an error that escapes from what its handler left running, and does not wait for ever', async () => {
    const test = await session(
      ({ n }, context) => {
        if (n !== 1) return;
        context.defer();
        setImmediate(() => currentAttempt()?.escape(new Error('nobody awaits the flush')));
      },
      { deadLetter: { sink: 'fake' } },
    );

    await test.deliver(1, 2);
    await test.clock.settle();

    expect(test.settled.toSorted()).toEqual(['1:parked', '2:handled']);
    expect(test.sink.parked[0]?.causes[0]?.message).toBe('nobody awaits the flush');
  });

  it('fails by an escaped error also while its handler runs, which may never end because of it', async () => {
    const test = await session(
      async ({ n }, context) => {
        if (n !== 1) return;
        context.defer();
        setImmediate(() => currentAttempt()?.escape(new Error('thrown in a callback')));
        await new Promise(() => undefined);
      },
      { deadLetter: { sink: 'fake' } },
    );

    const delivered = test.offer(1, 2);
    await test.clock.advance(6_000);
    await delivered;

    expect(test.settled).toEqual(['1:parked', '2:handled']);
  });

  it('that is done takes no escaped error any more', async () => {
    let taken: boolean | undefined;
    const test = await session((_, context) => {
      context.defer().done();
      setImmediate(() => (taken = currentAttempt()?.escape(new Error('late'))));
    });

    await test.deliver(1);
    await test.clock.settle();

    expect(taken).toBe(false);
    expect(test.settled).toEqual(['1:handled']);
  });

  it('starts nothing while any of several that failed is still being decided', async () => {
    const open: Deferred[] = [];
    const test = await session(
      ({ n }, context) => {
        if (n < 3) open.push(context.defer());
      },
      { deadLetter: { sink: 'fake' } },
    );
    await test.deliver(1, 2);
    test.sink.failures = 2;

    open[0]?.fail(new Error('no'));
    await test.clock.settle();
    const delivered = test.offer(3);
    await test.clock.settle();
    test.sink.failures = 3;
    open[1]?.fail(new Error('no'));
    await test.clock.advance(10_000);
    await delivered;

    expect(test.settled).toEqual(['1:parked', '2:parked', '3:handled']);
  });

  it('that failed and is being decided keeps the next one from starting also when room comes meanwhile', async () => {
    const open: Deferred[] = [];
    const test = await session(
      (_, context) => void open.push(context.defer()),
      { deadLetter: { sink: 'fake' } },
      { properties: { maxInFlight: 2 } },
    );
    const delivered = test.offer(1, 2, 3);
    await test.clock.settle();
    test.sink.failures = 2;

    open[0]?.fail(new Error('no'));
    open[1]?.done();
    await test.clock.settle();
    expect(open).toHaveLength(2);
    await test.clock.advance(1_000);
    await delivered;

    expect(open).toHaveLength(3);
    expect(test.settled).toEqual(['2:handled', '1:parked']);
  });

  it('is given up for good when the session ends: a late word parks, holds and settles nothing', async () => {
    const open: Deferred[] = [];
    const test = await session((_, context) => void open.push(context.defer()), {}, { retentionMs: 86_400_000 });
    await test.deliver(1, 2, 3);
    open[2]?.fail(new Error('first'));
    await test.clock.settle();

    await test.during(test.daemon.leaseLost());
    await test.outcome;
    const events = test.events.length;
    open[0]?.fail(new Error('late'));
    open[1]?.done();
    await test.clock.settle();

    expect(test.abandoned.toSorted()).toEqual(['1', '2', '3']);
    expect(test.events).toHaveLength(events);
    expect(test.clock.pendingTimers).toBe(0);
  });
});

describe('a filter', () => {
  const filter = { data: { n: [{ numeric: ['>', 2] as const }] } };

  it('settles what it leaves out without a handler, and the watermark moves over it', async () => {
    const seen: number[] = [];
    const test = await session(({ n }) => void seen.push(n), { filter });

    await test.deliver(1, 2, 3);
    await test.deliver(1, 2);

    expect(seen).toEqual([3]);
    expect(test.settled).toEqual(['1:filtered', '2:filtered', '3:handled']);
    expect(test.checkpoints).toEqual(['3']);
    expect(test.runner.status).toMatchObject({ unsettled: 0, settled: { handled: 1, filtered: 2 } });
    expect(test.kinds('progress').at(-1)).toMatchObject({ settled: { filtered: 2 } });
  });

  it('covers a batch that it leaves out as a whole', async () => {
    const test = await session(() => undefined, { filter });

    await test.deliver(1, 2);

    expect(test.checkpoints).toEqual(['2']);
  });

  it('parks what cannot be decoded: nobody can say that it does not fit', async () => {
    const test = await session(() => undefined, { filter, deadLetter: { sink: 'fake' } });

    await test.deliver(1, wire(2, { data: Buffer.from('{') }));

    expect(test.settled).toEqual(['1:filtered', '2:parked']);
    expect(test.sink.parked[0]?.causes[0]?.code).toBe('DECODE_FAILED');
  });

  it('moves no watermark over a record before it that is not settled', async () => {
    const deferred: Deferred[] = [];
    const test = await session((_, context) => void deferred.push(context.defer()), { filter: { data: { n: [1] } } });

    await test.deliver(1, 2);
    expect(test.settled).toEqual(['2:filtered']);
    expect(test.runner.status.unsettled).toBe(2);
    expect(test.checkpoints).toEqual([]);
    deferred[0]?.done();
    await test.deliver();

    expect(test.checkpoints).toEqual(['2']);
  });
});

describe('overrides of the retry policy', () => {
  class Throttled extends Error {}

  it('give a throttled record more attempts, and end a poison one at once', async () => {
    const runs: number[] = [];
    const test = new TestSession({
      handlers: [
        recordHandler({
          name: 'placed',
          handle: (payload, { attempt }) => {
            const { n } = payload as { n: number };
            runs.push(n);
            if (n === 1 && attempt < 5) throw new Error('wrapped', { cause: new Throttled('slow down') });
            if (n === 2) throw Object.assign(new Error('unknown account'), { code: 'UNKNOWN_ACCOUNT' });
            if (n === 3) throw new Error('other');
          },
        }),
      ],
      checkpoint: 'batch',
      retry: {
        attempts: 2,
        initialDelayMs: 10,
        overrides: [
          { error: Throttled, attempts: 10, initialDelayMs: 5_000, factor: 1 },
          { error: 'UNKNOWN_ACCOUNT', retryable: false, then: 'skip' },
        ],
      },
      deadLetter: { sink: 'fake' },
    });
    await test.initialize();

    const delivered = test.offer(1, 2, 3);
    await test.clock.advance(4_000);
    expect(runs).toEqual([1]);
    await test.clock.advance(20_000);
    await test.during(delivered);

    expect(runs).toEqual([1, 1, 1, 1, 1, 2, 3, 3]);
    expect(test.settled).toEqual(['1:handled', '2:skipped', '3:parked']);
  });

  it('with a function that throws: it counts as not fitting, and the log says so', async () => {
    const test = await session(
      () => {
        throw new Error('no');
      },
      {
        retry: {
          attempts: 1,
          overrides: [
            {
              error: () => {
                throw new Error('in the predicate');
              },
              attempts: 9,
            },
          ],
        },
        deadLetter: { sink: 'fake' },
      },
    );

    await test.deliver(1);

    expect(test.settled).toEqual(['1:parked']);
    expect(test.log.lines.filter(({ message }) => message.includes('overrides'))).toHaveLength(1);
  });
});

describe('RetryLaterError', () => {
  it('uses up an attempt each time: a record that asks for it for ever is parked', async () => {
    const test = await session(
      () => {
        throw new RetryLaterError(60_000);
      },
      { retry: { attempts: 3 }, deadLetter: { sink: 'fake' } },
    );

    const delivered = test.offer(1);
    await test.clock.advance(119_999);
    expect(test.settled).toEqual([]);
    await test.clock.advance(1);
    await test.during(delivered);

    expect(test.settled).toEqual(['1:parked']);
  });

  it('does not outlive the age limit, whatever its attempts', async () => {
    const test = await session(
      () => {
        throw new RetryLaterError(60_000);
      },
      { retry: { attempts: 1_000, maxRecordAgeMs: 150_000 }, deadLetter: { sink: 'fake' } },
    );

    const delivered = test.offer(wire(1, { approximateArrivalTimestamp: test.clock.now() }));
    await test.clock.advance(180_000);
    await test.during(delivered);

    expect(test.settled).toEqual(['1:parked']);
    expect(test.sink.parked[0]?.causes[0]?.code).toBe('RECORD_TOO_OLD');
  });
});

describe('maxRecordAgeMs', () => {
  const retry = { attempts: 1_000, initialDelayMs: 1_000, maxDelayMs: 1_000, factor: 1, maxRecordAgeMs: 10_500 };
  const fail = (): never => {
    throw new Error('no');
  };

  it.each<[string, ConstructorParameters<typeof TestSession>[0]]>([
    ['lanes', { handlers: [recordHandler({ name: 'one', handle: fail })], concurrency: { perShard: 4 } }],
    ['a batch handler', { handlers: [batchHandler({ name: 'many', handle: fail })] }],
  ])('ends what fails longer than that with %s, record by record', async (_, data) => {
    const test = new TestSession({ ...data, retry, checkpoint: 'batch', deadLetter: { sink: 'fake' } });
    await test.initialize();
    const aged = (n: number, ageMs: number) =>
      wire(n, { approximateArrivalTimestamp: test.clock.now() - ageMs, partitionKey: String(n) });

    const delivered = test.offer(aged(1, 0), aged(2, 5_000));
    await test.clock.advance(7_000);
    expect(test.settled).toEqual(['2:parked']);
    await test.clock.advance(5_000);
    await test.during(delivered);

    expect(test.settled).toEqual(['2:parked', '1:parked']);
    expect(test.sink.parked.map(({ causes }) => causes[0]?.code)).toEqual(['RECORD_TOO_OLD', 'RECORD_TOO_OLD']);
  });
});
