import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { RecordContext } from '../definition/context.js';
import { recordHandler } from '../definition/define-consumer.js';
import type { ConcurrencyOptions } from '../definition/handler-options.js';
import { NonRetryableError } from '../errors.js';
import type { WireRecord } from '../protocol/messages.js';
import { TestSession, wire, type SessionOptions } from './session.fixture.js';

interface Payload {
  readonly n: number;
}
type More = Omit<ConstructorParameters<typeof TestSession>[0], 'handlers'>;

/** Handlers that end when the test says so, and the order in which they started. */
class Work {
  readonly started: number[] = [];
  readonly #ends = new Map<number, (error?: Error) => void>();
  contexts = new Map<number, RecordContext>();

  handle({ n }: Payload, context: RecordContext): Promise<void> {
    this.started.push(n);
    this.contexts.set(n, context);
    return new Promise((resolve, reject) => {
      this.#ends.set(n, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  end(n: number, error?: Error): void {
    this.#ends.get(n)?.(error);
    this.#ends.delete(n);
  }
}

/** Record n of the key. */
function of(key: string, n: number): WireRecord {
  return wire(n, { partitionKey: key });
}

async function session(concurrency: ConcurrencyOptions, more: More = {}, options: SessionOptions = {}) {
  const work = new Work();
  const placed = recordHandler({
    name: 'placed',
    handle: (payload, context) => work.handle(payload as Payload, context),
  });
  const test = new TestSession({ handlers: [placed], concurrency, checkpoint: 'batch', ...more }, options);
  await test.initialize();
  return { test, work };
}

describe('lanes', () => {
  it('run other keys beside each other and the same key one after the other', async () => {
    const { test, work } = await session({ perShard: 9 });
    await test.deliver(of('a', 0), of('b', 1), of('a', 2), of('c', 3), of('b', 4), of('a', 5));

    expect(work.started).toEqual([0, 1, 3]);
    work.end(0);
    await test.clock.settle();
    expect(work.started).toEqual([0, 1, 3, 2]);
    work.end(2);
    work.end(1);
    await test.clock.settle();
    expect(work.started).toEqual([0, 1, 3, 2, 5, 4]);
  });

  it('run no more handlers at once than perShard, the oldest record first', async () => {
    const { test, work } = await session({ perShard: 2 });
    await test.deliver(0, 1, 2, 3);

    expect(work.started).toEqual([0, 1]);
    work.end(0);
    await test.clock.settle();
    expect(work.started).toEqual([0, 1, 2]);
    work.end(1);
    await test.clock.settle();
    expect(work.started).toEqual([0, 1, 2, 3]);
  });

  it('give the place of a record that waits for its next attempt to another key, and keep its own key waiting', async () => {
    const { test, work } = await session({ perShard: 1 }, { retry: { attempts: 2, initialDelayMs: 1_000 } });
    await test.deliver(of('a', 0), of('b', 1), of('a', 3));

    work.end(0, new Error('busy'));
    await test.clock.settle();
    expect(work.started).toEqual([0, 1]);
    await test.clock.advance(1_000);
    expect(work.started).toEqual([0, 1]);
    work.end(1);
    await test.clock.settle();
    expect(work.started).toEqual([0, 1, 0]);
    work.end(0);
    await test.clock.settle();
    expect(work.started).toEqual([0, 1, 0, 3]);
  });

  it('let other keys go on beside a handler that ignores its signal', async () => {
    const { test, work } = await session({ perShard: 1 }, { retry: { timeoutMs: 1_000 } });
    await test.deliver(of('a', 0), of('b', 1), of('a', 3));

    await test.clock.advance(1_000 + 5_000);

    expect(test.kinds('stuck')).toHaveLength(1);
    expect(work.started).toEqual([0, 1]);
    work.end(0);
    work.end(1);
    await test.clock.settle();
    expect(test.settled).toEqual(['0:handled', '1:handled']);
    expect(work.started).toEqual([0, 1, 3]);
  });

  it('hold only the key of a held record', async () => {
    const { test, work } = await session({ perShard: 4 }, { retry: { then: 'hold' } });
    await test.deliver(0, 1, 3, 4);
    work.end(0, new NonRetryableError('poison'));
    work.end(1);
    await test.clock.settle();
    work.end(4);
    await test.clock.settle();

    expect(work.started).toEqual([0, 1, 4]);
    expect(test.settled).toEqual(['1:handled', '4:handled']);
    expect(test.runner.status).toMatchObject({ state: 'held', unsettled: 4 });
    await test.deliver();
    expect(test.checkpoints).toEqual([]);
  });
});

describe('acknowledging ahead', () => {
  it('acknowledges a batch whose handlers still run, and checkpoints in a later action what they settle', async () => {
    const { test, work } = await session({ perShard: 4 });
    await test.deliver(0, 1, 2);
    expect(test.kinds('acknowledged')).toHaveLength(2);
    expect(test.checkpoints).toEqual([]);

    work.end(1);
    await test.clock.settle();
    await test.deliver();
    expect(test.checkpoints).toEqual([]);
    work.end(0);
    await test.clock.settle();
    await test.deliver();
    expect(test.checkpoints).toEqual(['1']);
  });

  it('keeps the action open when a record would be maxInFlight ahead of the oldest unsettled one', async () => {
    const { test, work } = await session({ perShard: 2, maxInFlight: 3 });
    const delivered = test.offer(of('a', 0), of('b', 1), of('c', 2), of('d', 3));
    await test.clock.settle();
    work.end(1);
    await test.clock.settle();
    work.end(2);
    await test.clock.settle();
    expect(work.started).toEqual([0, 1, 2]);
    expect(test.runner.status.action).toMatchObject({ name: 'processRecords' });

    work.end(0);
    await test.during(delivered);
    expect(work.started).toEqual([0, 1, 2, 3]);
  });

  it('calls a full window held only after it has stood still for ten seconds', async () => {
    const { test, work } = await session({ perShard: 1, maxInFlight: 1 });
    const delivered = test.offer(0, 1);
    await test.clock.advance(9_999);
    expect(test.kinds('held')).toEqual([]);
    await test.clock.advance(1);
    expect(test.kinds('held')).toMatchObject([{ why: expect.stringMatching(/maxInFlight is 1/) }]);
    work.end(0);
    await test.during(delivered);
    expect(test.kinds('released')).toHaveLength(1);
  });

  it("writes each step of the watermark under 'record' without waiting for it", async () => {
    const { test, work } = await session({ perShard: 2, maxInFlight: 2 }, { checkpoint: 'record' });
    const delivered = test.offer(0, 1, 2, 4);
    await test.clock.settle();
    work.end(0);
    await test.clock.settle();
    expect(test.checkpoints).toEqual(['0']);
    work.end(1);
    await test.during(delivered);
    expect(test.checkpoints).toEqual(['0', '1']);
  });
});

describe('the memory of a window', () => {
  it('keeps no payload of what is settled and waits for an older record', async () => {
    const { test, work } = await session({ perShard: 4 });
    await test.deliver(0, 1);
    const kept = recordOf(work, 1);
    work.end(1);
    await test.clock.settle();
    work.contexts.clear();
    await test.clock.advance(1);

    collectGarbage();
    expect(test.settled).toEqual(['1:handled']);
    expect(kept.deref()).toBeUndefined();
  });
});

describe('the end of a session with lanes', () => {
  it('runs @OnShardEnd when the last handler has ended, and then ends the shard', async () => {
    const seen: string[] = [];
    const { test, work } = await session({ perShard: 4 }, { hooks: { shardEnd: () => void seen.push('hook') } });
    await test.deliver(0, 1);
    const ended = test.daemon.shardEnded();
    await test.clock.settle();
    expect(seen).toEqual([]);

    work.end(0);
    work.end(1);
    await test.during(ended);
    expect(seen).toEqual(['hook']);
    expect(test.checkpoints).toEqual(['SHARD_END']);
  });

  it('gives up what has not started when the shard is handed over, waits for what runs, and writes the watermark', async () => {
    const seen: string[] = [];
    const { test, work } = await session(
      { perShard: 2 },
      { hooks: { shutdownRequested: () => void seen.push(`hook after ${test.settled.join()}`) } },
    );
    await test.deliver(0, 1, 2, 3);
    const requested = test.daemon.shutdownRequested();
    await test.clock.settle();
    expect(test.abandoned.toSorted()).toEqual(['2', '3']);
    expect(seen).toEqual([]);

    work.end(0);
    work.end(1);
    await test.during(requested);
    expect(seen).toEqual(['hook after 0:handled,1:handled']);
    expect(work.started).toEqual([0, 1]);
    expect(test.checkpoints).toEqual(['1']);
  });

  it('starts nothing and writes nothing once the lease is in doubt, and leaves no timer', async () => {
    const { test, work } = await session({ perShard: 2 });
    await test.deliver(0, 1, 2, 3);
    work.end(0, new Error('again'));
    await test.clock.settle();
    test.runner.doubt('stolen');
    work.end(1);
    await test.clock.advance(60_000);
    await test.during(test.daemon.leaseLost());
    await test.outcome;

    expect(work.started).toEqual([0, 1, 2]);
    expect(test.settled).toEqual([]);
    expect(test.abandoned.toSorted()).toEqual(['0', '1', '2', '3']);
    expect(test.checkpoints).toEqual([]);
    expect(test.clock.pendingTimers).toBe(0);
  });
});

describe('the key of a lane', () => {
  it("is the partition key, or what `by` makes of the record, or what the handler's own key makes of the payload", async () => {
    const orders = { partitionKey: 'one', data: Buffer.from('{"n":7}') };
    const beside = async (concurrency: ConcurrencyOptions, key?: (payload: unknown) => string) => {
      const work = new Work();
      const placed = recordHandler({
        name: 'placed',
        ...(key === undefined ? {} : { key }),
        handle: (payload, context) => work.handle(payload as Payload, context),
      });
      const test = new TestSession({ handlers: [placed], concurrency });
      await test.initialize();
      await test.deliver(wire(1, { partitionKey: 'one' }), wire(2, { partitionKey: 'two' }), wire(3, orders));
      return work.started;
    };

    expect(await beside({ perShard: 4 })).toEqual([1, 2]);
    expect(await beside({ perShard: 4, by: ({ sequenceNumber }) => sequenceNumber })).toEqual([1, 2, 7]);
    expect(await beside({ perShard: 4 }, () => 'all')).toEqual([1]);
    expect(await beside({ perShard: 4 }, (payload) => String((payload as Payload).n))).toEqual([1, 2, 7]);
  });

  it.each([
    ['throws', () => failing(), 'but it is not there'],
    ['gives no text', (() => 5) as never, 'but it gave number'],
  ])('that %s fails the record, which is not run', async (_, by, why) => {
    const { test, work } = await session({ perShard: 2, by }, { deadLetter: { sink: 'fake' } });
    await test.deliver(1);

    expect(work.started).toEqual([]);
    expect(test.settled).toEqual(['1:parked']);
    expect(test.sink.parked[0]?.causes[0]).toMatchObject({
      code: 'LANE_KEY_FAILED',
      message: expect.stringContaining(why),
    });
  });

  it("is what sameKey: 'hold' keeps waiting behind a parked record", async () => {
    const { test, work } = await session(
      { perShard: 4, by: ({ sequenceNumber }) => String(Number(BigInt(sequenceNumber) % 2n)) },
      { deadLetter: { sink: 'fake', sameKey: 'hold' } },
    );
    await test.deliver(0, 1);
    work.end(0, new NonRetryableError('poison'));
    await test.clock.settle();
    await test.deliver(2, 3);
    work.end(1);
    await test.clock.settle();

    expect(work.started).toEqual([0, 1, 3]);
    expect(test.runner.status.held?.why).toContain('key "0" is parked');

    const [held] = test.runner.status.heldRecords;
    await test.runner.operate(held?.recordId ?? '', 'retry');
    await test.clock.advance(0);
    expect(work.started).toEqual([0, 1, 3, 2]);
  });
});

describe("lanes under 'manual'", () => {
  it('settle an earlier record of another key when it returns after a later one was declared', async () => {
    const { test, work } = await session({ perShard: 4 }, { checkpoint: 'manual' });
    await test.deliver(0, 1, 2);
    const declared = work.contexts.get(1)?.checkpoint();
    await test.clock.settle();
    expect(test.settled).toEqual(['1:handled']);

    work.end(0);
    await test.clock.settle();
    await test.deliver();
    await declared;
    expect(test.settled).toEqual(['1:handled', '0:handled']);
    expect(test.checkpoints).toEqual(['1']);
  });

  it("keep a key waiting while what becomes of its deferred record's failure is decided", async () => {
    const { test, work } = await session({ perShard: 4 }, { deadLetter: { sink: 'fake' } });
    await test.deliver(0, 3);
    const deferred = work.contexts.get(0)?.defer();
    test.sink.failures = 1;
    deferred?.fail(new Error('the flush failed'));
    work.end(0);
    await test.clock.settle();
    expect(work.started).toEqual([0]);

    await test.clock.advance(1_000);
    expect(test.settled).toEqual(['0:parked']);
    expect(work.started).toEqual([0, 3]);
  });
});

function recordOf(work: Work, n: number): WeakRef<object> {
  return new WeakRef(work.contexts.get(n)?.record ?? {});
}

/** Node hides it from programs unless it is asked for. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

function failing(): string {
  throw new Error('it is not there');
}
