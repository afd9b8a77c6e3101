import { describe, expect, it } from 'vitest';
import type { Batch, BatchContext, RecordContext } from '../definition/context.js';
import { batchHandler, recordHandler } from '../definition/define-consumer.js';
import type { Middleware, Next } from '../definition/middleware.js';
import type { ContainerPort } from '../ports.js';
import { currentRecord } from './current-context.js';
import { TestSession, type SessionOptions } from './session.fixture.js';

type Handle = (payload: { readonly n: number }, context: RecordContext) => unknown;
type More = Omit<ConstructorParameters<typeof TestSession>[0], 'handlers'> & { readonly own?: readonly Middleware[] };

async function session(handle: Handle, more: More = {}, options: SessionOptions = {}): Promise<TestSession> {
  const { own = [], ...rest } = more;
  const handler = recordHandler({
    name: 'placed',
    use: own,
    handle: handle as (payload: unknown, context: RecordContext) => unknown,
  });
  const test = new TestSession({ handlers: [handler], checkpoint: 'batch', ...rest }, options);
  await test.initialize();
  return test;
}

const misuses = (test: TestSession): unknown[] =>
  test.events.flatMap((event) => (event.kind === 'handlerEnded' && event.error !== undefined ? [event.error] : []));
const once = { retry: { attempts: 1 }, deadLetter: { sink: 'fake' } } as const;

describe('middleware', () => {
  it("stands around the handler, the consumer's outside of the handler's own, with the context of the call", async () => {
    const seen: string[] = [];
    const named =
      (name: string): Middleware =>
      async (context: RecordContext, next: Next) => {
        seen.push(`${name} ${context.record.sequenceNumber.slice(-1)}`);
        await next();
        seen.push(`/${name}`);
      };
    const test = await session(({ n }) => void seen.push(`handler ${n}`), {
      use: [named('a'), named('b')],
      own: [named('c')],
    });

    await test.deliver(1);

    expect(seen).toEqual(['a 1', 'b 1', 'c 1', 'handler 1', '/c', '/b', '/a']);
    expect(test.settled).toEqual(['1:handled']);
    expect(test.checkpoints).toEqual(['1']);
  });

  it('fails the record with what it throws, which then runs again through all of it', async () => {
    let runs = 0;
    const test = await session(() => undefined, {
      use: [
        async (_, next) => {
          runs += 1;
          await next();
          if (runs === 1) throw new Error('no commit');
        },
      ],
    });

    const delivered = test.offer(1);
    await test.clock.advance(1_000);
    await delivered;

    expect(runs).toBe(2);
    expect(test.settled).toEqual(['1:handled']);
  });

  it('sees the failure of the handler, and may keep it to itself', async () => {
    const kept: unknown[] = [];
    const test = await session(
      () => {
        throw new Error('known');
      },
      { use: [(_, next) => next().catch((error: unknown) => void kept.push(error))] },
    );

    await test.deliver(1);

    expect(kept).toMatchObject([{ message: 'known' }]);
    expect(test.settled).toEqual(['1:handled']);
  });

  it('has the deadline and the signal of its attempt', async () => {
    const test = await session(() => undefined, {
      retry: { attempts: 1, timeoutMs: 1_000 },
      deadLetter: { sink: 'fake' },
      use: [(context) => context.sleep(5_000)],
    });

    const delivered = test.offer(1);
    await test.clock.advance(1_000);
    await delivered;

    expect(test.sink.parked).toMatchObject([{ causes: [{ code: 'HANDLER_TIMEOUT' }] }]);
  });
});

describe('a middleware that leaves the handler out', () => {
  it('says so, and the record is settled as skipped', async () => {
    const handled: number[] = [];
    const test = await session(({ n }) => void handled.push(n), {
      use: [
        async (context: RecordContext, next) => {
          if (context.record.sequenceNumber.endsWith('2')) next.skip('a test order');
          else await next();
        },
      ],
    });

    await test.deliver(1, 2, 3);

    expect(handled).toEqual([1, 3]);
    expect(test.settled).toEqual(['1:handled', '2:skipped', '3:handled']);
    expect(test.runner.status.settled).toMatchObject({ handled: 2, skipped: 1 });
    expect(test.checkpoints).toEqual(['3']);
  });

  it('settles its record under manual checkpoints, where nobody else could declare it', async () => {
    const test = await session(() => undefined, { checkpoint: 'manual', use: [(_, next) => next.skip('no')] });

    await test.deliver(1);

    expect(test.settled).toEqual(['1:skipped']);
  });

  it('fails the record when it does not say so', async () => {
    const test = await session(() => undefined, { ...once, use: [() => undefined] });

    await test.deliver(1);

    expect(test.settled).toEqual(['1:parked']);
    expect(misuses(test)).toMatchObject([
      { code: 'MIDDLEWARE_MISUSED', message: expect.stringContaining('neither next() nor next.skip(why)') },
    ]);
  });
});

describe('a middleware that does not wait for its next()', () => {
  it('ends with it: the record is handled when its handler is', async () => {
    const test = await session((_, context) => context.sleep(1_000), { use: [(_, next) => void next()] });

    const delivered = test.offer(1);
    await test.clock.advance(999);
    expect(test.settled).toEqual([]);
    await test.clock.advance(1);
    await delivered;

    expect(test.settled).toEqual(['1:handled']);
  });

  it('gives its record the failure that comes later', async () => {
    const test = await session(
      async (_, context) => {
        await context.sleep(1_000);
        throw new Error('late');
      },
      { ...once, use: [(_, next) => void next()] },
    );

    const delivered = test.offer(1);
    await test.clock.advance(1_000);
    await delivered;

    expect(test.sink.parked).toMatchObject([{ causes: [{ message: 'late' }] }]);
  });

  it('has no second attempt beside the handler of the first, when it throws itself', async () => {
    let running = 0;
    let most = 0;
    const test = await session(
      async (_, context) => {
        running += 1;
        most = Math.max(most, running);
        await context.sleep(2_000);
        running -= 1;
      },
      {
        retry: { attempts: 2 },
        deadLetter: { sink: 'fake' },
        use: [
          async (_, next) => {
            void next();
            throw new Error('too slow for me');
          },
        ],
      },
    );

    const delivered = test.offer(1);
    await test.clock.advance(10_000);
    await delivered;

    expect(most).toBe(1);
    expect(test.sink.parked).toMatchObject([{ attempts: 2, causes: [{ message: 'too slow for me' }] }]);
  });
});

describe('a middleware that calls next() again', () => {
  it('runs the handler once and fails the record, whatever it does with the error', async () => {
    let runs = 0;
    const test = await session(() => void (runs += 1), {
      ...once,
      use: [
        async (_, next) => {
          await next();
          await next().catch(() => undefined);
        },
      ],
    });

    await test.deliver(1);

    expect(runs).toBe(1);
    expect(misuses(test)).toMatchObject([
      { code: 'MIDDLEWARE_MISUSED', message: expect.stringContaining('a second time') },
    ]);
  });

  it('gets nothing run after it has ended', async () => {
    let late: Next | undefined;
    let runs = 0;
    const test = await session(() => void (runs += 1), {
      use: [
        (_, next) => {
          late ??= next;
          return next();
        },
      ],
    });
    await test.deliver(1);

    await expect(late?.()).rejects.toMatchObject({ code: 'MIDDLEWARE_MISUSED' });
    expect(runs).toBe(1);
  });

  it('gets nothing run once the session has given the record up', async () => {
    let runs = 0;
    const ends: unknown[] = [];
    const test = await session(() => void (runs += 1), {
      use: [
        async (context, next) => {
          await context.sleep(1_000).catch(() => undefined);
          await next().catch((error: unknown) => void ends.push(error));
        },
      ],
    });

    void test.offer(1).catch(() => undefined);
    await test.clock.settle();
    test.runner.doubt('somebody else has the lease');
    await test.clock.advance(1_000);

    expect(runs).toBe(0);
    expect(ends).toHaveLength(1);
    expect(test.abandoned).toEqual(['1']);
  });
});

describe('middleware of a batch handler', () => {
  async function batches(use: readonly Middleware[], handle: (batch: Batch<unknown>) => void) {
    const handler = batchHandler({ name: 'insert', handle });
    const test = new TestSession({ handlers: [handler], checkpoint: 'batch', use, ...once });
    await test.initialize();
    return test;
  }

  it('stands around the whole batch', async () => {
    const seen: unknown[] = [];
    const use: Middleware = async (context: BatchContext, next) => {
      seen.push(['before', context.attempt]);
      await next();
      seen.push('after');
    };
    const test = await batches([use], (batch) => void seen.push(batch.length));

    await test.deliver(1, 2);

    expect(seen).toEqual([['before', 1], 2, 'after']);
    expect(test.settled).toEqual(['1:handled', '2:handled']);
  });

  it('leaves out the whole batch', async () => {
    const test = await batches([(_, next) => next.skip('night')], () => undefined);

    await test.deliver(1, 2);

    expect(test.settled).toEqual(['1:skipped', '2:skipped']);
    expect(test.checkpoints).toEqual(['2']);
  });

  it('does not hide that the handler returned a value', async () => {
    const test = await batches([(_, next) => next()], () => ['failed']);

    await test.deliver(1);

    expect(test.sink.parked).toMatchObject([{ causes: [{ code: 'HANDLER_RETURNED_VALUE' }] }]);
  });
});

describe('middleware from the container', () => {
  const port = (services: Readonly<Record<string, unknown>>, asked: unknown[] = []): ContainerPort => ({
    openScope: async () => ({
      resolve: async <T>(token: unknown) => {
        asked.push(token);
        return services[String(token)] as T;
      },
      dispose: () => Promise.resolve(),
    }),
  });

  it('is resolved once for a lease, whoever names it', async () => {
    const asked: unknown[] = [];
    const ids: unknown[] = [];
    const handle = (context: RecordContext, next: Next) => {
      ids.push(currentRecord() === context);
      return next();
    };
    const handler = recordHandler({ name: 'placed', use: ['tracing'], handle: () => undefined });
    const test = new TestSession(
      { handlers: [handler], use: ['tracing'] },
      { container: port({ tracing: { handle } }, asked) },
    );
    await test.initialize();

    await test.deliver(1, 2);

    expect(asked).toEqual(['tracing']);
    expect(ids).toEqual([true, true, true, true]);
  });

  it('keeps the consumer from starting when it is none', async () => {
    const handler = recordHandler({ name: 'placed', use: ['tracing'], handle: () => undefined });
    const test = new TestSession({ handlers: [handler] }, { container: port({ tracing: {} }) });
    void test.initialize().catch(() => undefined);
    await test.clock.settle();

    expect(test.log.lines).toContainEqual({ level: 'error', message: 'The consumer did not start on this shard.' });
  });
});

describe('without middleware', () => {
  it('a synchronous handler is not put into a promise', async () => {
    const order: string[] = [];
    const test = await session(({ n }) => {
      order.push(`${n}`);
      queueMicrotask(() => order.push(`/${n}`));
    });

    await test.deliver(1, 2, 3);

    expect(order).toEqual(['1', '2', '3', '/1', '/2', '/3']);
  });
});
