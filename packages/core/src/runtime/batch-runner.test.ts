import { describe, expect, it } from 'vitest';
import type { Batch, BatchContext } from '../definition/context.js';
import { batchHandler } from '../definition/define-consumer.js';
import { NonRetryableError } from '../errors.js';
import { TestSession, wire } from './session.fixture.js';

type Item = { readonly n: number };
type Handle = (batch: Batch<Item>, context: BatchContext) => void | Promise<void>;
type More = Omit<ConstructorParameters<typeof TestSession>[0], 'handlers'>;

async function session(handle: Handle, more: More & { order?: 'any' | 'strict' } = {}): Promise<TestSession> {
  const { order, ...rest } = more;
  const handler = batchHandler({
    name: 'insert',
    handle: handle as (batch: Batch<unknown>, context: BatchContext) => void,
    ...(order === undefined ? {} : { order }),
  });
  const test = new TestSession({ handlers: [handler], checkpoint: 'batch', ...rest });
  await test.initialize();
  return test;
}

const numbers = (batch: Batch<Item>): number[] => batch.map(({ value }) => value.n);
const parking = { deadLetter: { sink: 'fake' } };

describe('a batch handler', () => {
  it('gets the delivered records in order and settles them when it returns', async () => {
    const seen: number[][] = [];
    const test = await session((batch) => void seen.push(numbers(batch)));

    await test.deliver(1, 2, 3);

    expect(seen).toEqual([[1, 2, 3]]);
    expect(test.checkpoints).toEqual(['3']);
  });

  it('is not called for an empty batch', async () => {
    const seen: number[][] = [];
    const test = await session((batch) => void seen.push(numbers(batch)));

    await test.deliver();

    expect(seen).toEqual([]);
  });

  it('gets marked items again as a smaller batch, while the watermark waits for them', async () => {
    const seen: number[][] = [];
    const test = await session((batch) => {
      seen.push(numbers(batch));
      for (const item of batch) if (item.value.n === 2 && seen.length === 1) item.fail(new Error('deadlock'));
    });

    const delivered = test.offer(1, 2, 3);
    await test.clock.advance(10);
    expect(test.settled).toEqual(['1:handled', '3:handled']);
    await test.clock.advance(200);
    await delivered;

    expect(seen).toEqual([[1, 2, 3], [2]]);
    expect(test.checkpoints).toEqual(['3']);
  });

  it('parks an exhausted item alone', async () => {
    const test = await session(
      (batch) => {
        for (const item of batch) if (item.value.n === 2) item.fail(new Error('unique violation'));
      },
      { ...parking, retry: { attempts: 2 } },
    );

    const delivered = test.offer(1, 2, 3);
    await test.clock.advance(1_000);
    await delivered;

    expect(test.sink.parked).toMatchObject([
      { attempts: 2, handler: 'insert', causes: [{ message: 'unique violation' }] },
    ]);
    expect(test.settled).toEqual(['1:handled', '3:handled', '2:parked']);
  });

  it('runs everything from the first failed item on again under strict order, without counting that as their attempt', async () => {
    const seen: number[][] = [];
    const test = await session(
      (batch) => {
        seen.push(numbers(batch));
        for (const item of batch) if (item.value.n === 2) item.fail(new Error('no'));
      },
      { ...parking, order: 'strict', retry: { attempts: 2, initialDelayMs: 10 } },
    );

    const delivered = test.offer(1, 2, 3);
    await test.clock.advance(1_000);
    await delivered;

    expect(seen).toEqual([[1, 2, 3], [2, 3], [3]]);
    expect(test.settled).toEqual(['1:handled', '2:parked', '3:handled']);
    expect(
      test.events.find(
        (event) => event.kind === 'recordSettled' && event.how === 'handled' && event.recordId.includes('4003'),
      ),
    ).toMatchObject({ attempts: 1 });
  });

  it('fails as a whole when it throws, and handles all when the next run succeeds', async () => {
    let runs = 0;
    const test = await session(async () => {
      runs += 1;
      if (runs === 1) throw new Error('connection lost');
    });

    const delivered = test.offer(1, 2);
    await test.clock.advance(500);
    await delivered;

    expect(runs).toBe(2);
    expect(test.settled).toEqual(['1:handled', '2:handled']);
  });

  it('may not return a value: that is no way to name failed items', async () => {
    const test = await session((() => [1]) as unknown as Handle, parking);

    await test.deliver(1, 2);

    expect(test.settled).toEqual(['1:parked', '2:parked']);
    expect(test.sink.parked[0]?.causes[0]?.code).toBe('HANDLER_RETURNED_VALUE');
  });

  it('parks what cannot be decoded before it gets the rest', async () => {
    const seen: number[][] = [];
    const test = await session((batch) => void seen.push(numbers(batch)), parking);

    await test.deliver(1, wire(2, { data: Buffer.from('?') }), 3);

    expect(seen).toEqual([[1, 3]]);
    expect(test.settled).toEqual(['2:parked', '1:handled', '3:handled']);
  });

  it('gets nothing behind a record that must be held', async () => {
    const seen: number[][] = [];
    const test = await session((batch) => void seen.push(numbers(batch)));

    const delivered = test.offer(1, wire(2, { data: Buffer.from('?') }), 3);
    await test.clock.advance(10);
    expect(test.runner.status.state).toBe('held');
    test.runner.drain();
    await test.during(delivered);

    expect(seen).toEqual([[1]]);
    expect(test.checkpoints).toEqual(['1']);
    expect(test.abandoned).toEqual(['2', '3']);
  });

  it('parks nine of a batch that fails as a whole and holds the rest: that is an outage', async () => {
    let down = true;
    const test = await session(
      () => {
        if (down) throw new Error('down');
      },
      { ...parking, retry: { attempts: 1, maxDelayMs: 1_000 } },
    );

    const delivered = test.offer(...Array.from({ length: 12 }, (_, n) => n + 1));
    await test.clock.advance(500);
    down = false;
    await test.clock.advance(1_000);
    await delivered;

    expect(test.sink.parked).toHaveLength(9);
    expect(test.settled.slice(9)).toEqual(['10:handled', '11:handled', '12:handled']);
  });

  it('is abandoned as a whole when the worker stops before it ends', async () => {
    const test = await session(() => new Promise(() => undefined));

    const delivered = test.offer(1, 2);
    await test.clock.advance(10);
    test.runner.drain();
    await test.clock.advance(20_000);
    await delivered;

    expect(test.abandoned).toEqual(['1', '2']);
    expect(test.checkpoints).toEqual([]);
  });

  it('declares its items done under manual checkpoints', async () => {
    const test = await session(
      async (batch, context) => {
        if (batch.length === 2) await context.checkpoint();
      },
      { checkpoint: 'manual' },
    );

    await test.deliver(1);
    await test.deliver(2, 3);

    expect(test.checkpoints).toEqual(['3']);
  });

  it('does not run a NonRetryableError again', async () => {
    let runs = 0;
    const test = await session(() => {
      runs += 1;
      throw new NonRetryableError('bad batch');
    }, parking);

    await test.deliver(1, 2);

    expect(runs).toBe(1);
    expect(test.settled).toEqual(['1:parked', '2:parked']);
  });
});

describe('what a manual checkpoint of a batch declares', () => {
  it('leaves out the items that are marked as failed', async () => {
    const test = await session(
      async (batch, context) => {
        for (const item of batch) if (item.value.n === 2) item.fail(new NonRetryableError('no'));
        await context.checkpoint();
      },
      { checkpoint: 'manual', ...parking },
    );

    await test.deliver(1, 2, 3);

    expect(test.settled).toEqual(['1:handled', '3:handled', '2:parked']);
    expect(test.checkpoints).toEqual(['1']);
  });

  it('under `strict` leaves out everything from the first failed item on, which runs again', async () => {
    const seen: number[][] = [];
    const test = await session(
      async (batch, context) => {
        seen.push(numbers(batch));
        if (seen.length === 1) batch[1]?.fail(new Error('not yet'));
        await context.checkpoint();
      },
      { checkpoint: 'manual', order: 'strict' },
    );

    const delivered = test.offer(1, 2, 3);
    await test.clock.advance(200);
    await delivered;

    expect(seen).toEqual([
      [1, 2, 3],
      [2, 3],
    ]);
    expect(test.settled).toEqual(['1:handled', '2:handled', '3:handled']);
    expect(test.checkpoints).toEqual(['1', '3']);
  });

  it('leaves out what a failed run left to the next one', async () => {
    const contexts: BatchContext[] = [];
    const test = await session(
      async (_, context) => {
        contexts.push(context);
        if (contexts.length === 1) throw new Error('not yet');
        await context.sleep(1_000);
      },
      { checkpoint: 'manual' },
    );

    const delivered = test.offer(1, 2);
    await test.clock.advance(10);
    void contexts[0]?.checkpoint();
    await test.clock.advance(500);
    expect(contexts).toHaveLength(2);
    void contexts[0]?.checkpoint();
    await test.clock.advance(1_000);
    await delivered;

    expect(test.settled).toEqual([]);
    expect(test.checkpoints).toEqual([]);
  });

  it('leaves out items that run again although an earlier run did not fail them', async () => {
    const contexts: BatchContext[] = [];
    const test = await session(
      async (batch, context) => {
        contexts.push(context);
        const run = contexts.length;
        if (run === 3) return context.sleep(1_000);
        // Run 1 fails item 2, and under strict 3 runs again with it; run 2 declares 2 and fails 3.
        batch[run === 1 ? 1 : batch.length - 1]?.fail(new Error('not yet'));
        if (run === 2) await context.checkpoint();
      },
      { checkpoint: 'manual', order: 'strict' },
    );

    test.offer(1, 2, 3).catch(() => undefined);
    await test.clock.advance(900);
    expect(contexts).toHaveLength(3);
    void contexts[0]?.checkpoint();
    await test.clock.settle();

    expect(test.settled).toEqual(['1:handled', '2:handled']);
  });

  it('declares what succeeded in an earlier run of the same batch', async () => {
    const test = await session(
      async (batch, context) => {
        if (batch.length === 1) return context.checkpoint();
        batch[1]?.fail(new Error('not yet'));
      },
      { checkpoint: 'manual' },
    );

    const delivered = test.offer(1, 2, 3);
    await test.clock.advance(200);
    await delivered;

    expect(test.checkpoints).toEqual(['3']);
  });

  it('declares nothing of a later batch', async () => {
    const contexts: BatchContext[] = [];
    const test = await session((_, context) => void contexts.push(context), { checkpoint: 'manual' });
    await test.deliver(1, 2);
    await test.deliver(3, 4);

    void contexts[0]?.checkpoint();
    await test.deliver();

    expect(test.settled).toEqual(['1:handled', '2:handled']);
    expect(test.checkpoints).toEqual(['2']);
  });

  it('declares nothing of a run whose promise has been rejected, however soon it is asked', async () => {
    const test = await session(
      (_, context) => {
        const failing = Promise.reject<void>(new NonRetryableError('no'));
        failing.catch(() => queueMicrotask(() => void context.checkpoint()));
        return failing;
      },
      { checkpoint: 'manual', ...parking },
    );

    await test.deliver(1, 2);

    expect(test.settled).toEqual(['1:parked', '2:parked']);
  });
});

describe('a filter before a batch handler', () => {
  it('keeps what it leaves out from the handler', async () => {
    const seen: number[][] = [];
    const test = await session((batch) => void seen.push(numbers(batch)), { filter: { data: { n: [2, 4] } } });

    await test.deliver(1, 2, 3, 4);
    await test.deliver(5);

    expect(seen).toEqual([[2, 4]]);
    expect(test.settled).toEqual(['1:filtered', '3:filtered', '2:handled', '4:handled', '5:filtered']);
    expect(test.checkpoints).toEqual(['4', '5']);
  });
});
