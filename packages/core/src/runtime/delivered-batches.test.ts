import { describe, expect, it } from 'vitest';
import { batchHandler } from '../definition/define-consumer.js';
import { TestSession, wire } from './session.fixture.js';

type More = Omit<ConstructorParameters<typeof TestSession>[0], 'handlers'>;

/** A session whose handler gets two items at most; what it got is in `seen`. */
async function session(fail: (n: number) => Error | undefined = () => undefined, more: More = {}) {
  const seen: number[][] = [];
  const handler = batchHandler({
    name: 'insert',
    maxItems: 2,
    handle: (batch) => {
      const items = batch.map((item) => ({ item, n: (item.value as { n: number }).n }));
      seen.push(items.map(({ n }) => n));
      for (const { item, n } of items) {
        const error = fail(n);
        if (error !== undefined) item.fail(error);
      }
    },
  });
  const test = new TestSession({ handlers: [handler], checkpoint: 'batch', ...more });
  await test.initialize();
  return { test, seen };
}

describe('maxItems', () => {
  it('cuts a delivery into batches that run one after the other', async () => {
    const { test, seen } = await session();

    await test.deliver(1, 2, 3, 4, 5);

    expect(seen).toEqual([[1, 2], [3, 4], [5]]);
    expect(test.checkpoints).toEqual(['5']);
  });

  it('starts the next batch when every item of the one before has come to its end', async () => {
    let failures = 0;
    const { test, seen } = await session((n) => (n === 2 && ++failures < 3 ? new Error('deadlock') : undefined));

    const delivered = test.offer(1, 2, 3);
    await test.clock.advance(1_000);
    await delivered;

    expect(seen).toEqual([[1, 2], [2], [2], [3]]);
  });

  it('does not count what cannot be decoded', async () => {
    const { test, seen } = await session(undefined, { deadLetter: { sink: 'fake' } });

    await test.deliver(1, wire(2, { data: Buffer.from('?') }), 3, 4);

    expect(seen).toEqual([[1, 3], [4]]);
    expect(test.settled).toEqual(['2:parked', '1:handled', '3:handled', '4:handled']);
  });

  it("writes a checkpoint after each batch under 'record'", async () => {
    const { test } = await session(undefined, { checkpoint: 'record' });

    await test.deliver(1, 2, 3);

    expect(test.checkpoints).toEqual(['2', '3']);
  });

  it('gives up the batches of a delivery that have not begun when the session drains', async () => {
    const { test, seen } = await session((n) => (n === 2 ? new Error('down') : undefined));

    const delivered = test.offer(1, 2, 3, 4);
    await test.clock.advance(10);
    test.runner.drain();
    await test.during(delivered);

    expect(seen).toEqual([[1, 2]]);
    expect(test.abandoned).toEqual(['2', '3', '4']);
    expect(test.checkpoints).toEqual(['1']);
  });
});
