import { describe, expect, it } from 'vitest';
import type { Batch, BatchContext } from '../definition/context.js';
import { batchHandler } from '../definition/define-consumer.js';
import { type SessionOptions, TestSession, wire } from './session.fixture.js';

type Item = { readonly n: number };
type More = Omit<ConstructorParameters<typeof TestSession>[0], 'handlers'>;
interface Setup {
  readonly maxItems?: number;
  readonly maxWaitMs?: number;
  readonly handle?: (batch: Batch<Item>, context: BatchContext) => void | Promise<void>;
  readonly more?: More;
  readonly options?: SessionOptions;
}

const numbers = (batch: Batch<Item>): number[] => batch.map(({ value }) => value.n);

/** What the handler got is in `seen`, with the time of each call. */
async function session({ maxItems, maxWaitMs = 1_000, handle, more, options }: Setup = {}) {
  const seen: { readonly atMs: number; readonly items: readonly number[] }[] = [];
  const handler = batchHandler({
    name: 'insert',
    maxWaitMs,
    ...(maxItems === undefined ? {} : { maxItems }),
    handle: (given, context) => {
      // The payloads of the fixture.
      const batch = given as Batch<Item>;
      seen.push({ atMs: test.clock.monotonicMs(), items: numbers(batch) });
      return handle?.(batch, context);
    },
  });
  const test = new TestSession({ handlers: [handler], checkpoint: 'batch', ...more }, options);
  await test.initialize();
  return { test, seen, calls: () => seen.map(({ items }) => items) };
}

describe('records that gather', () => {
  it('come together when maxItems are there, and their deliveries are acknowledged before', async () => {
    const { test, seen } = await session({ maxItems: 3 });

    await test.deliver(1, 2);
    expect(seen).toEqual([]);
    await test.deliver(3, 4);
    await test.clock.settle();

    expect(seen).toEqual([{ atMs: 0, items: [1, 2, 3] }]);
    expect(test.settled).toEqual(['1:handled', '2:handled', '3:handled']);
  });

  it('come together when the first of them has waited for maxWaitMs, while no action is open', async () => {
    const { test, seen } = await session({ maxItems: 3, maxWaitMs: 1_000 });

    await test.deliver(1);
    await test.clock.advance(600);
    await test.deliver(2);
    await test.clock.advance(600);

    expect(seen).toEqual([{ atMs: 1_000, items: [1, 2] }]);
  });

  it('are written down in the next action, an empty one, too', async () => {
    const { test } = await session();

    await test.deliver(1, 2);
    await test.clock.advance(1_000);
    expect(test.checkpoints).toEqual([]);
    await test.deliver();

    expect(test.checkpoints).toEqual(['2']);
  });

  it('are given to the handler in pieces of maxItems when more have come', async () => {
    const { test, calls } = await session({ maxItems: 2 });

    await test.deliver(1, 2, 3, 4, 5);
    await test.clock.settle();
    expect(calls()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    await test.clock.advance(1_000);

    expect(calls()).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('wait for the retries of those before them', async () => {
    let runs = 0;
    const { test, seen } = await session({
      maxItems: 2,
      handle: () => {
        if (++runs === 1) throw new Error('connection lost');
      },
    });

    await test.deliver(1, 2);
    await test.deliver(3, 4);
    await test.clock.advance(300);

    expect(seen.map(({ items }) => items)).toEqual([
      [1, 2],
      [1, 2],
      [3, 4],
    ]);
    expect(seen[1]?.atMs).toBe(199);
  });

  it('hold the daemon back when the window is full, and run at once then', async () => {
    const { test, seen } = await session({
      maxWaitMs: 60_000,
      handle: (_, context) => context.sleep(500),
      options: { properties: { maxInFlight: 3 } },
    });

    const delivered = test.offer(1, 2, 3, 4);
    await test.clock.advance(400);
    expect(seen).toEqual([{ atMs: 0, items: [1, 2, 3] }]);
    expect(test.kinds('acknowledged')).toHaveLength(1);
    await test.clock.advance(100);
    await test.during(delivered);

    expect(seen).toHaveLength(1);
    await test.clock.advance(60_000);
    expect(seen[1]).toEqual({ atMs: 60_500, items: [4] });
  });

  it('count from the first record that waits, whatever ran before', async () => {
    const { test, seen } = await session({ maxItems: 2, handle: (_, context) => context.sleep(5_000) });

    await test.deliver(1, 2, 3);
    await test.clock.advance(4_999);
    expect(seen).toHaveLength(1);
    await test.clock.advance(1);

    expect(seen[1]).toEqual({ atMs: 5_000, items: [3] });
  });

  it('do not count what cannot be decoded, which ends with them', async () => {
    const { test, calls } = await session({ maxItems: 2, more: { deadLetter: { sink: 'fake' } } });

    await test.deliver(1, wire(2, { data: Buffer.from('?') }));
    expect(test.settled).toEqual([]);
    await test.deliver(3);
    await test.clock.settle();

    expect(calls()).toEqual([[1, 3]]);
    expect(test.settled).toEqual(['2:parked', '1:handled', '3:handled']);
  });

  it('may consist of nothing that can be decoded', async () => {
    const { test, calls } = await session({ more: { deadLetter: { sink: 'fake' } } });

    await test.deliver(wire(1, { data: Buffer.from('?') }));
    await test.clock.advance(1_000);

    expect(calls()).toEqual([]);
    expect(test.settled).toEqual(['1:parked']);
  });

  it('are held behind a parked record of their key', async () => {
    const { test, calls } = await session({
      maxItems: 1,
      handle: (batch) => batch.forEach((item) => item.value.n === 1 && item.fail(new Error('no'))),
      more: { deadLetter: { sink: 'fake', sameKey: 'hold' }, retry: { attempts: 1 } },
    });

    await test.deliver(1, 2, 4, 5);
    await test.clock.settle();

    expect(calls()).toEqual([[1], [2]]);
    expect(test.runner.status).toMatchObject({ state: 'held', unsettled: 2 });
  });

  it('go on behind a blocked one that an operator has skipped', async () => {
    const { test, calls } = await session({ maxItems: 2 });

    await test.deliver(1, wire(2, { data: Buffer.from('?') }), 3, 4);
    await test.clock.settle();
    expect(calls()).toEqual([[1]]);
    await test.runner.operate(test.events.findLast((event) => event.kind === 'held')?.recordId ?? '', 'skip');
    await test.clock.advance(1_000);

    expect(calls()).toEqual([[1], [3], [4]]);
    expect(test.settled).toEqual(['1:handled', '2:skipped', '3:handled', '4:handled']);
  });

  it("are written as they settle under 'record', while an action is open", async () => {
    const { test } = await session({
      maxItems: 1,
      more: { checkpoint: 'record' },
      options: { properties: { maxInFlight: 1 } },
    });

    await test.deliver(1, 2, 3);

    expect(test.checkpoints).toEqual(['1', '2', '3']);
  });

  it('stay undeclared under `manual` until a call declares them', async () => {
    const { test } = await session({
      maxItems: 2,
      more: { checkpoint: 'manual' },
      handle: (batch, context) => {
        if (batch.length === 2) void context.checkpoint();
      },
    });

    await test.deliver(1, 2, 3);
    await test.clock.advance(1_000);
    await test.deliver();

    expect(test.settled).toEqual(['1:handled', '2:handled']);
    expect(test.checkpoints).toEqual(['2']);
  });

  it('are acknowledged only when no checkpoint is in flight, however fast they settle', async () => {
    const { test } = await session({
      maxItems: 1,
      more: { checkpoint: 'record' },
      handle: (batch, context) => {
        if (batch[0]?.value.n !== 2) void context.checkpoint();
      },
    });

    await test.deliver(1);
    await test.deliver(2, 3);

    const kinds = test.kinds('checkpointRequested', 'checkpointAnswered', 'acknowledged').map(({ kind }) => kind);
    for (const [at, kind] of kinds.entries())
      if (kind === 'acknowledged') expect(kinds[at - 1]).not.toBe('checkpointRequested');
  });
});

describe('what has gathered', () => {
  it('runs at once when the shard ends, before its hook', async () => {
    const order: string[] = [];
    const { test } = await session({
      handle: (batch) => void order.push(numbers(batch).join()),
      more: { hooks: { shardEnd: () => void order.push('hook') } },
    });

    await test.deliver(1, 2);
    await test.during(test.daemon.shardEnded());

    expect(order).toEqual(['1,2', 'hook']);
    expect(test.checkpoints).toEqual(['SHARD_END']);
  });

  it('is called once when KCL hands the shard over, before the hook and the checkpoint', async () => {
    const order: string[] = [];
    const { test } = await session({
      maxItems: 2,
      handle: (batch) => void order.push(numbers(batch).join()),
      more: { hooks: { shutdownRequested: () => void order.push('hook') } },
    });

    await test.deliver(1);
    await test.during(test.daemon.shutdownRequested());

    expect(order).toEqual(['1', 'hook']);
    expect(test.checkpoints).toEqual(['1']);
  });

  it('is called when the worker stops, although no action is open', async () => {
    const { test, calls } = await session();

    await test.deliver(1, 2);
    test.runner.drain();
    await test.clock.settle();

    expect(calls()).toEqual([[1, 2]]);
    expect(test.settled).toEqual(['1:handled', '2:handled']);
    await test.deliver(3);
    expect(test.abandoned).toEqual(['3']);
    expect(test.checkpoints).toEqual(['2']);
  });

  it('runs batch by batch within the drain budget, and is given up after it', async () => {
    const { test, calls } = await session({
      maxItems: 1,
      handle: async (_, context) => {
        await context.sleep(6_000);
      },
    });

    await test.deliver(1, 2, 3, 4);
    test.runner.drain();
    await test.clock.advance(13_000);

    expect(calls()).toEqual([[1], [2], [3]]);
    expect(test.settled).toEqual(['1:handled', '2:handled']);
    expect(test.abandoned).toEqual(['3', '4']);
  });

  it('does not run again while the session drains, and nothing runs behind what failed', async () => {
    const { test, calls } = await session({
      maxItems: 2,
      handle: (batch) => batch[0]?.fail(new Error('down')),
    });

    await test.deliver(1);
    await test.during(test.daemon.shutdownRequested());
    expect(calls()).toEqual([[1]]);
    expect(test.abandoned).toEqual(['1']);

    const other = await session({ maxItems: 1, handle: (batch) => batch[0]?.fail(new Error('down')) });
    await other.test.deliver(1, 2);
    other.test.runner.drain();
    await other.test.clock.settle();
    expect(other.calls()).toEqual([[1]]);
    expect(other.test.abandoned).toEqual(['1', '2']);
  });

  it('may be parked while the session drains, and the next batch runs', async () => {
    const { test, calls } = await session({
      maxWaitMs: 1_000,
      handle: (batch) => batch[0]?.fail(new Error('down')),
      more: { deadLetter: { sink: 'fake' }, retry: { attempts: 1 } },
    });

    await test.deliver(1, 2);
    await test.during(test.daemon.shutdownRequested());

    expect(calls()).toEqual([[1, 2]]);
    expect(test.settled).toEqual(['2:handled', '1:parked']);
    expect(test.checkpoints).toEqual(['2']);
  });

  it('is given up, unrun, when the lease is in doubt', async () => {
    const { test, calls } = await session({ maxItems: 3 });

    await test.deliver(1, 2);
    test.runner.doubt('another worker took it');
    await test.clock.advance(5_000);

    expect(calls()).toEqual([]);
    expect(test.abandoned).toEqual(['1', '2']);
    expect(test.clock.pendingTimers).toBe(0);
  });

  it('is not even skipped when the lease is in doubt', async () => {
    const { test } = await session({ more: { retry: { then: 'skip' } } });

    await test.deliver(wire(1, { data: Buffer.from('?') }), 2);
    test.runner.doubt('another worker took it');
    await test.clock.settle();

    expect(test.settled).toEqual([]);
    expect(test.abandoned).toEqual(['1', '2']);
  });

  it('is given up with the call that runs when the lease is in doubt', async () => {
    const { test, calls } = await session({ maxItems: 1, handle: () => new Promise(() => undefined) });

    await test.deliver(1, 2);
    test.runner.doubt('another worker took it');
    await test.clock.settle();

    expect(calls()).toEqual([[1]]);
    expect(test.abandoned).toEqual(['1', '2']);
  });

  it('is given up when a call stops the worker', async () => {
    const { test, calls } = await session({
      maxItems: 1,
      handle: () => {
        throw new Error('no');
      },
      more: { retry: { attempts: 1, then: 'stop' } },
    });

    await test.deliver(1, 2);
    await test.clock.settle();

    expect(calls()).toEqual([[1]]);
    expect(test.stops).toHaveLength(1);
    expect(test.abandoned).toEqual(['1', '2']);
  });
});
