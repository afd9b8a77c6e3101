import { describe, expect, it } from 'vitest';
import type { Batch } from '../definition/context.js';
import { batchHandler } from '../definition/define-consumer.js';
import { NonRetryableError } from '../errors.js';
import { TestSession } from './session.fixture.js';

type More = Omit<ConstructorParameters<typeof TestSession>[0], 'handlers'>;
type Handle = (numbers: readonly number[], batch: Batch<unknown>) => void;

async function session(handle: Handle, { order = 'any', ...more }: More & { order?: 'any' | 'strict' } = {}) {
  const seen: number[][] = [];
  const handler = batchHandler({
    name: 'insert',
    bisect: true,
    order,
    handle: (batch) => {
      const numbers = batch.map(({ value }) => (value as { n: number }).n);
      seen.push(numbers);
      handle(numbers, batch);
    },
  });
  const test = new TestSession({
    handlers: [handler],
    checkpoint: 'batch',
    deadLetter: { sink: 'fake' },
    retry: { attempts: 2, initialDelayMs: 10, maxDelayMs: 1_000 },
    ...more,
  });
  await test.initialize();
  return { test, seen };
}

/** Throws for the whole batch when one of the items is poison. */
function poison(...bad: readonly number[]): Handle {
  return (numbers) => {
    const found = numbers.filter((n) => bad.includes(n));
    if (found.length > 0) throw new NonRetryableError(`cannot insert ${found.join()}`);
  };
}
const down: Handle = () => {
  throw new NonRetryableError('the table is gone');
};

describe('bisect', () => {
  it('finds the one item that its batch fails for, left half first', async () => {
    const { test, seen } = await session(poison(3));

    await test.deliver(1, 2, 3, 4);

    expect(seen).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [3], [4]]);
    expect(test.settled).toEqual(['1:handled', '2:handled', '4:handled', '3:parked']);
    expect(test.checkpoints).toEqual(['4']);
  });

  it('counts each run, and takes none of the halved ones off the attempts', async () => {
    let failures = 0;
    const { test, seen } = await session((numbers, batch) => {
      poison(1)(numbers, batch);
      if (numbers.length === 1 && numbers[0] === 2 && ++failures === 1) throw new Error('connection lost');
    });

    const delivered = test.offer(1, 2);
    await test.clock.advance(100);
    await delivered;

    expect(seen).toEqual([[1, 2], [1], [2], [2]]);
    expect(test.sink.parked).toMatchObject([{ attempts: 2 }]);
    expect(test.settled).toEqual(['2:handled', '1:parked']);
  });

  it('leaves a failure alone that can be tried again, that names items, or that is a value', async () => {
    const retried = await session((numbers) => {
      if (retried.seen.length === 1) throw new Error(`lost ${numbers.length}`);
    });
    const delivered = retried.test.offer(1, 2);
    await retried.test.clock.advance(100);
    await delivered;
    expect(retried.seen).toEqual([
      [1, 2],
      [1, 2],
    ]);

    const named = await session((_, batch) => {
      batch[0]?.fail(new NonRetryableError('row 1'));
      throw new NonRetryableError('1 of 2 rows');
    });
    await named.test.deliver(1, 2);
    expect(named.seen).toEqual([[1, 2]]);
    expect(named.test.sink.parked.map(({ causes }) => causes[0]?.message)).toEqual(['row 1', '1 of 2 rows']);

    const valued = await session(() => [1]);
    await valued.test.deliver(1, 2);
    expect(valued.seen).toHaveLength(1);
  });

  it('runs the right half when the left one is settled, under `strict`', async () => {
    const { test, seen } = await session(poison(1, 4), { order: 'strict' });

    await test.deliver(1, 2, 3, 4);

    expect(seen).toEqual([[1, 2, 3, 4], [1, 2], [1], [2], [3, 4], [3], [4]]);
    expect(test.settled).toEqual(['1:parked', '2:handled', '3:handled', '4:parked']);
  });

  it('parks several items that differ in what they say', async () => {
    const { test } = await session(poison(1, 2, 5));

    await test.deliver(1, 2, 3, 4, 5);

    expect(test.settled.toSorted()).toEqual(['1:parked', '2:parked', '3:handled', '4:handled', '5:parked']);
  });

  it('takes it for an outage when both halves fail alike, parks nothing and tries the whole again', async () => {
    let isDown = true;
    const { test, seen } = await session((numbers, batch) => {
      if (isDown) down(numbers, batch);
    });

    const delivered = test.offer(1, 2, 3, 4);
    await test.clock.advance(1_500);
    expect(test.runner.status).toMatchObject({ state: 'held', unsettled: 4 });
    expect(test.sink.parked).toEqual([]);
    isDown = false;
    await test.clock.advance(1_000);
    await delivered;

    const round = [
      [1, 2, 3, 4],
      [1, 2],
      [3, 4],
    ];
    expect(seen).toEqual([...round, ...round, [1, 2, 3, 4]]);
    expect(test.settled).toEqual(['1:handled', '2:handled', '3:handled', '4:handled']);
    expect(test.runner.status.held).toBeUndefined();
  });

  it('looks for poison again once the outage is over', async () => {
    let isDown = true;
    const { test } = await session((numbers, batch) => (isDown ? down : poison(2))(numbers, batch));

    const delivered = test.offer(1, 2, 3, 4);
    await test.clock.advance(500);
    isDown = false;
    await test.clock.advance(1_000);
    await delivered;

    expect(test.settled.toSorted()).toEqual(['1:handled', '2:parked', '3:handled', '4:handled']);
  });

  it('parks one item of an outage at most under `strict`, where nothing may run before it has ended', async () => {
    let isDown = true;
    const { test, seen } = await session(
      (numbers, batch) => {
        if (isDown) down(numbers, batch);
      },
      { order: 'strict' },
    );

    const delivered = test.offer(1, 2, 3, 4);
    await test.clock.advance(5_500);
    expect(test.settled).toEqual(['1:parked']);
    expect(test.runner.status.state).toBe('held');
    isDown = false;
    await test.clock.advance(1_000);
    await delivered;

    expect(seen.slice(0, 4)).toEqual([[1, 2, 3, 4], [1, 2], [1], [2]]);
    expect(test.settled).toEqual(['1:parked', '2:handled', '3:handled', '4:handled']);
  });

  it('does not take two poison items for an outage when something else of their batch is handled', async () => {
    const { test } = await session((numbers) => {
      if (numbers.some((n) => n <= 2)) throw new NonRetryableError('cannot insert');
    });

    await test.deliver(1, 2, 3, 4);

    expect(test.settled.toSorted()).toEqual(['1:parked', '2:parked', '3:handled', '4:handled']);
  });

  it('skips nothing of an outage, and stops the worker where that is what follows', async () => {
    const skipping = await session(down, {
      deadLetter: undefined,
      retry: { then: 'skip', maxDelayMs: 1_000 },
    } as never);
    skipping.test.offer(1, 2).catch(() => undefined);
    await skipping.test.clock.advance(3_000);
    expect(skipping.test.settled).toEqual([]);

    const stopping = await session(down, { deadLetter: undefined, retry: { then: 'stop' } } as never);
    await stopping.test.deliver(1, 2);
    expect(stopping.test.stops).toHaveLength(1);
    expect(stopping.test.abandoned).toEqual(['1', '2']);
  });

  it('parks a single item at once: it has no halves', async () => {
    const { test, seen } = await session(down);

    await test.deliver(1);

    expect(seen).toEqual([[1]]);
    expect(test.settled).toEqual(['1:parked']);
  });

  it('parks nothing when the session drains before the halves have run', async () => {
    const { test } = await session(down);

    const delivered = test.offer(1, 2, 3, 4);
    await test.clock.advance(500);
    test.runner.drain();
    await test.during(delivered);

    expect(test.sink.parked).toEqual([]);
    expect(test.abandoned).toEqual(['1', '2', '3', '4']);
  });
});
