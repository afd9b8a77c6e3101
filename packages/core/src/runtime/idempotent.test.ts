import { describe, expect, it } from 'vitest';
import type { RecordContext } from '../definition/context.js';
import { recordHandler } from '../definition/define-consumer.js';
import type { IdempotencyStoreDescription, IdempotentOptions, Middleware } from '../definition/middleware.js';
import { memoryStore } from '../idempotency/memory-store.js';
import type { IdempotencyAnswer, IdempotencyClaim, IdempotencyStore } from '../ports.js';
import { currentAttempt } from './attempt.js';
import { TestSession } from './session.fixture.js';

/** The store in memory, with a look at what is asked of it, and failures on demand. */
class WatchedStore implements IdempotencyStore {
  readonly calls: string[] = [];
  readonly claims: IdempotencyClaim[] = [];
  failing: 'acquire' | 'complete' | 'release' | undefined;
  /** What a call waits for. */
  gate: Promise<void> | undefined;
  private constructor(private readonly inner: IdempotencyStore) {}

  static async open(): Promise<WatchedStore> {
    const clock = { now: () => 0, monotonicMs: () => 0, setTimer: () => ({ cancel: () => undefined }) };
    const quiet = (): void => undefined;
    const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    const ports = { clock, random: () => 0, logger };
    return new WatchedStore(await memoryStore().open({ applicationName: 'a', stream: 's', region: undefined, ports }));
  }

  async acquire(claim: IdempotencyClaim): Promise<IdempotencyAnswer> {
    this.claims.push(claim);
    await this.note('acquire');
    return this.inner.acquire(claim);
  }
  async complete(claim: IdempotencyClaim): Promise<boolean> {
    await this.note('complete');
    return this.inner.complete(claim);
  }
  async release(claim: IdempotencyClaim): Promise<void> {
    await this.note('release');
    return this.inner.release(claim);
  }
  close(): Promise<void> {
    return this.inner.close();
  }
  private async note(call: 'acquire' | 'complete' | 'release'): Promise<void> {
    this.calls.push(call);
    await this.gate;
    if (this.failing === call) throw new Error('throttled');
  }
}

const description: IdempotencyStoreDescription = {
  store: 'millrace.idempotencyStore',
  label: 'watched',
  open: () => Promise.reject(new Error('opened by the test')),
};

type Payload = { readonly n: number };
type Handle = (payload: Payload, context: RecordContext) => unknown;
type More = Omit<ConstructorParameters<typeof TestSession>[0], 'handlers'> & {
  readonly store?: WatchedStore;
  readonly key?: IdempotentOptions['key'];
  readonly own?: readonly Middleware[];
};

async function session(handle: Handle, more: More = {}) {
  const { store = await WatchedStore.open(), key, own = [], ...rest } = more;
  const handler = recordHandler({
    name: 'placed',
    use: own,
    idempotent: { store: description, ...(key === undefined ? {} : { key }) },
    handle: handle as (payload: unknown, context: RecordContext) => unknown,
  });
  const test = new TestSession(
    { handlers: [handler], checkpoint: 'batch', ...rest },
    { stores: new Map([[description, store]]) },
  );
  await test.initialize();
  return { test, store };
}

const byOrder = (): string => 'order-1';

describe('an idempotent handler', () => {
  it('runs once for a key; what comes again is settled as deduplicated', async () => {
    const handled: number[] = [];
    const { test, store } = await session(({ n }) => void handled.push(n), { key: byOrder });

    await test.deliver(1, 2);

    expect(handled).toEqual([1]);
    expect(test.settled).toEqual(['1:handled', '2:deduplicated']);
    expect(test.runner.status.settled).toMatchObject({ handled: 1, deduplicated: 1 });
    expect(test.checkpoints).toEqual(['2']);
    expect(store.calls).toEqual(['acquire', 'complete', 'acquire']);
  });

  it('goes by the id of the record when no key is declared, also in the next session', async () => {
    const handled: number[] = [];
    const handle: Handle = ({ n }) => void handled.push(n);
    const { test, store } = await session(handle);
    await test.deliver(1, 2);
    const next = await session(handle, { store });

    await next.test.deliver(1, 2, 3);

    expect(handled).toEqual([1, 2, 3]);
    expect(next.test.settled).toEqual(['1:deduplicated', '2:deduplicated', '3:handled']);
    expect(store.claims[0]?.key).toMatch(/^orders-app:orders:placed:shardId-000000000000:\d+:0$/);
  });

  it('gives the key back when it fails, and completes it when it has succeeded', async () => {
    const { test, store } = await session((_, context) => {
      if (context.attempt === 1) throw new Error('not yet');
    });

    const delivered = test.offer(1);
    await test.clock.advance(1_000);
    await delivered;

    expect(store.calls).toEqual(['acquire', 'release', 'acquire', 'complete']);
    expect(test.settled).toEqual(['1:handled']);
  });

  it('gives the key back when an error escapes from a handler that returned', async () => {
    const { test, store } = await session(
      async () => {
        currentAttempt()?.escape(new Error('from a callback'));
      },
      { retry: { attempts: 1 }, deadLetter: { sink: 'fake' } },
    );

    const delivered = test.offer(1);
    await test.clock.advance(10_000);
    await delivered;

    expect(store.calls).toEqual(['acquire', 'release']);
    expect(test.settled).toEqual(['1:parked']);
  });

  it('takes a completed key back when an error escapes before the attempt has ended', async () => {
    const { test, store } = await session(() => undefined, {
      retry: { attempts: 1 },
      deadLetter: { sink: 'fake' },
      use: [],
    });
    let open = (): void => undefined;
    const complete = store.complete.bind(store);
    store.complete = async (claim) => {
      await new Promise<void>((resolve) => (open = resolve));
      return complete(claim);
    };
    const attempts: unknown[] = [];
    const acquire = store.acquire.bind(store);
    store.acquire = (claim) => {
      attempts.push(currentAttempt());
      return acquire(claim);
    };

    const delivered = test.offer(1);
    await test.clock.settle();
    (attempts[0] as { escape(error: Error): boolean }).escape(new Error('late'));
    open();
    await test.clock.advance(10_000);
    await delivered;

    expect(store.calls).toEqual(['acquire', 'complete', 'release']);
    expect(test.settled).toEqual(['1:parked']);
  });

  it('leaves the key to the next attempt when it settles after an error has escaped and nobody waits for it', async () => {
    const ends: (() => void)[] = [];
    const { test, store } = await session(
      (_, context) => {
        if (context.attempt === 2) return undefined;
        currentAttempt()?.escape(new Error('from a callback'));
        return new Promise<void>((_resolve, reject) => void ends.push(() => reject(new Error('late'))));
      },
      { retry: { attempts: 2 } },
    );

    const delivered = test.offer(1);
    await test.clock.advance(10_000);
    await delivered;
    for (const end of ends) end();
    await test.clock.settle();

    expect(test.settled).toEqual(['1:handled']);
    expect(store.calls).toEqual(['acquire', 'acquire', 'complete']);
  });

  it('does not complete the key of a record that its middleware has left out', async () => {
    const { test, store } = await session(() => undefined, { own: [(_, next) => next.skip('closed')] });

    await test.deliver(1);

    expect(store.calls).toEqual(['acquire', 'release']);
    expect(test.settled).toEqual(['1:skipped']);
  });

  it('has its middleware inside: the key is completed after all of it', async () => {
    const seen: string[] = [];
    const { test, store } = await session(() => undefined, {
      use: [
        async (_, next) => {
          await next();
          seen.push([...store.calls].join());
        },
      ],
    });

    await test.deliver(1);

    expect(seen).toEqual(['acquire']);
    expect(store.calls).toEqual(['acquire', 'complete']);
  });

  it('refuses to defer: the key would be completed before the effect', async () => {
    const { test } = await session((_, context) => void context.defer(), {
      retry: { attempts: 1 },
      deadLetter: { sink: 'fake' },
    });

    await test.deliver(1);

    expect(test.sink.parked).toMatchObject([{ causes: [{ code: 'MIDDLEWARE_MISUSED' }] }]);
  });

  it('fails a record whose key is none: all of them would count as the same', async () => {
    const handled: number[] = [];
    const key = (payload: unknown): string => (payload as { orderId: string }).orderId;
    const { test, store } = await session(({ n }) => void handled.push(n), {
      key,
      retry: { attempts: 1 },
      deadLetter: { sink: 'fake' },
    });

    await test.deliver(1, 2);

    expect(handled).toEqual([]);
    expect(store.calls).toEqual([]);
    expect(test.sink.parked.map(({ causes }) => causes[0]?.code)).toEqual(['IDEMPOTENCY_FAILED', 'IDEMPOTENCY_FAILED']);
  });
});

describe('a key that somebody else holds', () => {
  const lock = { key: 'orders-app:orders:placed:order-1', owner: 'other', expiresAtMs: Number.MAX_SAFE_INTEGER };

  it('is waited for without an attempt, and taken when it is given back', async () => {
    const attempts: number[] = [];
    const { test, store } = await session((_, context) => void attempts.push(context.attempt), {
      key: byOrder,
      retry: { attempts: 2, maxRecordAgeMs: 1 },
      deadLetter: { sink: 'fake' },
    });
    const claim = { ...lock, nowMs: test.clock.now(), lockedUntilMs: test.clock.now() + 60_000 };
    await store.acquire(claim);

    const delivered = test.offer(1);
    await test.clock.advance(10_000);
    expect(test.settled).toEqual([]);
    await store.release(claim);
    await test.clock.advance(1_000);
    await delivered;

    expect(attempts).toEqual([1]);
    expect(test.settled).toEqual(['1:handled']);
    expect(test.log.lines.filter(({ message }) => message.startsWith('Another run'))).toHaveLength(1);
  });

  it('is taken when its lock has expired: its owner was killed', async () => {
    const { test, store } = await session(() => undefined, { key: byOrder });
    await store.acquire({ ...lock, nowMs: test.clock.now(), lockedUntilMs: test.clock.now() + 2_500 });

    const delivered = test.offer(1);
    await test.clock.advance(2_400);
    expect(test.settled).toEqual([]);
    await test.clock.advance(200);
    await delivered;

    expect(test.settled).toEqual(['1:handled']);
  });

  it('ends in deduplicated when the other one completes it', async () => {
    const handled: number[] = [];
    const { test, store } = await session(({ n }) => void handled.push(n), { key: byOrder });
    const claim = { ...lock, nowMs: test.clock.now(), lockedUntilMs: test.clock.now() + 60_000 };
    await store.acquire(claim);

    const delivered = test.offer(1);
    await test.clock.advance(1_500);
    await store.complete(claim);
    await test.clock.advance(1_000);
    await delivered;

    expect(handled).toEqual([]);
    expect(test.settled).toEqual(['1:deduplicated']);
  });

  it('does not keep a session from ending', async () => {
    const { test, store } = await session(() => undefined, { key: byOrder });
    await store.acquire({ ...lock, nowMs: test.clock.now(), lockedUntilMs: test.clock.now() + 60_000 });

    const delivered = test.offer(1);
    await test.clock.advance(1_500);
    test.runner.drain();
    await test.clock.settle();
    await delivered;

    expect(test.abandoned).toEqual(['1']);
    expect(test.checkpoints).toEqual([]);
  });

  it('is locked until its handler has had its time and its grace', async () => {
    const { test, store } = await session(() => undefined, { retry: { timeoutMs: 30_000 } });
    await test.deliver(1);
    const [claim] = store.claims;
    expect((claim?.lockedUntilMs ?? 0) - (claim?.nowMs ?? 0)).toBe(45_000);
    expect((claim?.expiresAtMs ?? 0) - (claim?.nowMs ?? 0)).toBe(86_400_000);
  });
});

describe('a store that fails', () => {
  it('fails the record before its handler has run, so that it runs later', async () => {
    const handled: number[] = [];
    const { test, store } = await session(({ n }) => void handled.push(n));
    store.failing = 'acquire';

    const delivered = test.offer(1);
    await test.clock.advance(10);
    expect(handled).toEqual([]);
    store.failing = undefined;
    await test.clock.advance(60_000);
    await delivered;

    expect(handled).toEqual([1]);
    expect(test.settled).toEqual(['1:handled']);
  });

  it('does not run a handler again that has succeeded', async () => {
    const handled: number[] = [];
    const { test, store } = await session(({ n }) => void handled.push(n));
    store.failing = 'complete';

    await test.deliver(1);

    expect(handled).toEqual([1]);
    expect(test.settled).toEqual(['1:handled']);
    expect(test.log.lines).toContainEqual({
      level: 'error',
      message: expect.stringContaining('could not be completed'),
    });
  });

  it('lets the same record go on although its key was not given back', async () => {
    const { test, store } = await session((_, context) => {
      if (context.attempt === 1) throw new Error('not yet');
    });
    store.failing = 'release';

    const delivered = test.offer(1);
    await test.clock.advance(1_000);
    await delivered;

    expect(store.calls).toEqual(['acquire', 'release', 'acquire', 'complete']);
    expect(test.settled).toEqual(['1:handled']);
  });

  it('does not hold up its shard when it never answers', async () => {
    const { test, store } = await session(() => undefined, {
      retry: { attempts: 1 },
      deadLetter: { sink: 'fake' },
    });
    store.gate = new Promise(() => undefined);

    const delivered = test.offer(1);
    await test.clock.advance(10_000);
    await delivered;

    expect(test.sink.parked).toMatchObject([
      { causes: [{ code: 'IDEMPOTENCY_FAILED', message: expect.stringContaining('no answer within 10000 ms') }] },
    ]);
  });

  it('starts no handler when the session has given the record up meanwhile', async () => {
    const handled: number[] = [];
    let open = (): void => undefined;
    const { test, store } = await session(({ n }) => void handled.push(n));
    store.gate = new Promise((resolve) => (open = resolve));

    void test.offer(1).catch(() => undefined);
    await test.clock.settle();
    test.runner.doubt('somebody else has the lease');
    await test.clock.settle();
    open();
    await test.clock.settle();

    expect(handled).toEqual([]);
    expect(store.calls).toEqual(['acquire', 'release']);
  });

  it('notes the effect of a handler that succeeds after its session has ended', async () => {
    let finish = (): void => undefined;
    const { test, store } = await session(() => new Promise<void>((resolve) => (finish = resolve)));

    void test.offer(1).catch(() => undefined);
    await test.clock.settle();
    test.runner.doubt('somebody else has the lease');
    await test.clock.settle();
    finish();
    await test.clock.settle();

    expect(test.abandoned).toEqual(['1']);
    expect(store.calls).toEqual(['acquire', 'complete']);
  });
});
