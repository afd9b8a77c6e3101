import { describe, expect, it } from 'vitest';
import type { Batch, Deferred, RecordContext } from '../definition/context.js';
import { batchHandler, recordHandler } from '../definition/define-consumer.js';
import { NonRetryableError } from '../errors.js';
import { TestSession, wire } from './session.fixture.js';

type Handle = (payload: { readonly n: number }, context: RecordContext) => unknown;
type More = Omit<ConstructorParameters<typeof TestSession>[0], 'handlers'>;

async function session(handle: Handle, more: More = {}): Promise<TestSession> {
  const handler = recordHandler({
    name: 'placed',
    handle: handle as (payload: unknown, context: RecordContext) => unknown,
  });
  const test = new TestSession({ handlers: [handler], checkpoint: 'batch', ...more });
  await test.initialize();
  return test;
}

const idOf = (n: number) => `shardId-000000000000:${wire(n).sequenceNumber}:0`;
const parking = { deadLetter: { sink: 'fake' } };
const poison: Handle = ({ n }) => {
  if (n === 1) throw new NonRetryableError('cannot be mailed');
};

describe('a record that is held for good', () => {
  it('is shown with why, since when, its age and its error', async () => {
    const test = await session(poison);
    const delivered = test.offer(1, 2);
    await test.clock.advance(5_000);

    expect(test.runner.status).toMatchObject({
      state: 'held',
      heldCount: 1,
      heldRecords: [
        {
          recordId: idOf(1),
          why: 'running it again cannot help (cannot be mailed)',
          heldMs: 5_000,
          ageMs: 5_000,
          attempts: 1,
          error: { name: 'NonRetryableError', message: 'cannot be mailed' },
        },
      ],
    });
    test.runner.doubt('over');
    await test.during(delivered);
  });

  it('runs again when an operator says so, and the shard goes on', async () => {
    let broken = true;
    const test = await session((payload, context) => (broken ? poison(payload, context) : undefined));
    const delivered = test.offer(1, 2);
    await test.clock.settle();
    expect(await test.runner.operate(idOf(1), 'find')).toEqual({ kind: 'found' });

    broken = false;
    expect(await test.runner.operate(idOf(1), 'retry')).toEqual({ kind: 'done', text: 'It runs again now.' });
    await test.clock.advance(0);
    await test.during(delivered);

    expect(test.settled).toEqual(['1:handled', '2:handled']);
    expect(test.kinds('ordered')).toMatchObject([{ recordId: idOf(1), order: 'retry' }]);
    expect(test.log.lines).toContainEqual({ level: 'warn', message: 'An operator has ordered: retry.' });
    expect(test.kinds('held', 'released').map(({ kind }) => kind)).toEqual(['held', 'released']);
    expect(test.runner.status).toMatchObject({ held: undefined, heldCount: 0 });
  });

  it('is held again when running it again does not help', async () => {
    const test = await session(poison);
    const delivered = test.offer(1);
    await test.clock.settle();

    await test.runner.operate(idOf(1), 'retry');
    await test.clock.advance(0);
    expect(test.runner.status.heldRecords).toMatchObject([{ recordId: idOf(1), attempts: 2 }]);
    await test.runner.operate(idOf(1), 'skip');
    await test.during(delivered);

    expect(test.settled).toEqual(['1:skipped']);
  });

  it('is skipped, and the checkpoint covers it', async () => {
    const test = await session(poison);
    const delivered = test.offer(1, 2);
    await test.clock.settle();

    expect(await test.runner.operate(idOf(1), 'skip')).toEqual({ kind: 'done', text: 'It is skipped.' });
    await test.during(delivered);

    expect(test.settled).toEqual(['1:skipped', '2:handled']);
    expect(test.checkpoints).toEqual(['2']);
  });

  it('is parked only when the sink has it', async () => {
    const test = await session(poison, { ...parking, retry: { then: 'hold' } });
    const delivered = test.offer(1, 2);
    await test.clock.settle();

    expect(await test.runner.operate(idOf(1), 'park')).toEqual({ kind: 'done', text: 'It is parked.' });
    await test.during(delivered);

    expect(test.sink.parked.map(({ id }) => id)).toEqual([idOf(1)]);
    expect(test.settled).toEqual(['1:parked', '2:handled']);
  });

  it('cannot be parked without a sink', async () => {
    const test = await session(poison);
    const delivered = test.offer(1);
    await test.clock.settle();

    expect(await test.runner.operate(idOf(1), 'park')).toMatchObject({
      kind: 'refused',
      text: expect.stringContaining('no dead-letter sink') as string,
    });
    expect(test.kinds('ordered')).toEqual([]);
    await test.runner.operate(idOf(1), 'skip');
    await test.during(delivered);
  });

  it('that cannot be decoded is decoded anew', async () => {
    let decoder = () => {
      throw new Error('unknown schema 7');
    };
    const seen: unknown[] = [];
    const test = new TestSession({
      handlers: [
        recordHandler({
          name: 'placed',
          decode: (): unknown => decoder(),
          handle: (payload) => void seen.push(payload),
        }),
      ],
      checkpoint: 'batch',
    });
    await test.initialize();
    const delivered = test.offer(1);
    await test.clock.settle();

    decoder = () => 'decoded' as never;
    await test.runner.operate(idOf(1), 'retry');
    await test.clock.advance(0);
    await test.during(delivered);

    expect(seen).toEqual(['decoded']);
  });
});

describe('a record that waits for its next attempt', () => {
  const once = (): Handle => {
    let failed = false;
    return () => {
      if (failed) return;
      failed = true;
      throw new Error('down');
    };
  };

  it('need not wait any longer', async () => {
    const test = await session(once(), { retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 } });
    const delivered = test.offer(1);
    await test.clock.settle();

    await test.runner.operate(idOf(1), 'retry');
    await test.clock.advance(0);
    await test.during(delivered);

    expect(test.settled).toEqual(['1:handled']);
    expect(test.clock.pendingTimers).toBe(0);
  });

  it('waits no longer than before when an order was refused', async () => {
    const test = await session(once(), { retry: { initialDelayMs: 1_000 } });
    const delivered = test.offer(1);
    await test.clock.advance(400);
    await test.runner.operate(idOf(1), 'park');
    await test.clock.advance(598);
    expect(test.settled).toEqual([]);
    await test.clock.advance(1);
    await test.during(delivered);

    expect(test.settled).toEqual(['1:handled']);
  });
});

describe('a record whose key is parked', () => {
  it('runs when an operator says so, and so do its successors', async () => {
    const test = await session(poison, { deadLetter: { sink: 'fake', sameKey: 'hold' } });
    const delivered = test.offer(1, 4, 7);
    await test.clock.settle();
    expect(test.runner.status.heldRecords).toMatchObject([{ recordId: idOf(4), error: { name: 'MillraceError' } }]);

    await test.runner.operate(idOf(4), 'retry');
    await test.clock.advance(0);
    await test.during(delivered);

    expect(test.settled).toEqual(['1:parked', '4:handled', '7:handled']);
  });

  it('may be skipped, and the next one waits', async () => {
    const test = await session(poison, { deadLetter: { sink: 'fake', sameKey: 'hold' } });
    const delivered = test.offer(1, 4, 7);
    await test.clock.settle();

    await test.runner.operate(idOf(4), 'skip');
    await test.clock.settle();
    expect(test.runner.status.heldRecords).toMatchObject([{ recordId: idOf(7) }]);
    await test.runner.operate(idOf(7), 'park');
    await test.during(delivered);

    expect(test.settled).toEqual(['1:parked', '4:skipped', '7:parked']);
  });
});

describe('a record that the sink does not take', () => {
  async function waiting(failures: number) {
    const test = await session(poison, parking);
    test.sink.failures = failures;
    const delivered = test.offer(1, 2);
    await test.clock.advance(10_000);
    expect(test.runner.status.heldRecords).toMatchObject([
      { recordId: idOf(1), why: 'the dead-letter sink failed 5 times in a row' },
    ]);
    return { test, delivered };
  }

  it('is written at once when an operator says so, who hears whether that helped', async () => {
    const { test, delivered } = await waiting(7);

    const answers = [];
    for (let times = 0; times < 3; times += 1) {
      answers.push(await test.runner.operate(idOf(1), 'park'));
      await test.clock.settle();
    }
    await test.during(delivered);

    expect(answers.map((answer) => answer?.kind)).toContain('refused');
    expect(answers.find((answer) => answer?.kind === 'refused')).toMatchObject({
      text: expect.stringContaining('did not take it (sink down)') as string,
    });
    expect(test.settled).toEqual(['1:parked', '2:handled']);
  });

  it('may be skipped', async () => {
    const { test, delivered } = await waiting(1_000);

    await test.runner.operate(idOf(1), 'skip');
    await test.during(delivered);

    expect(test.settled).toEqual(['1:skipped', '2:handled']);
    expect(test.runner.status.heldCount).toBe(0);
  });

  it('may run again', async () => {
    let runs = 0;
    const test = await session(({ n }) => {
      if (n === 1 && (runs += 1) < 2) throw new NonRetryableError('cannot be mailed');
    }, parking);
    test.sink.failures = 1_000;
    const delivered = test.offer(1, 2);
    await test.clock.settle();

    await test.runner.operate(idOf(1), 'retry');
    await test.clock.advance(0);
    await test.during(delivered);

    expect(test.settled).toEqual(['1:handled', '2:handled']);
  });
});

describe('an order is refused', () => {
  it('while the handler runs, and for what does not wait here', async () => {
    const test = await session(({ n }) => (n === 1 ? new Promise(() => undefined) : undefined), {
      retry: { timeoutMs: 1_000 },
    });
    const delivered = test.offer(1, 2);
    await test.clock.advance(500);
    expect(test.runner.operate(idOf(1), 'retry')).toBeUndefined();
    await test.clock.advance(10_000);

    expect(await test.runner.operate(idOf(1), 'skip')).toMatchObject({
      kind: 'refused',
      text: expect.stringMatching(/at work with it .* ignores its aborted signal/) as string,
    });
    expect(test.runner.operate(idOf(2), 'skip')).toBeUndefined();
    expect(test.runner.operate('other', 'find')).toBeUndefined();
    test.runner.doubt('over');
    await test.during(delivered);
  });

  it.each([
    ['drains', (test: TestSession) => test.runner.drain(), /session of its shard is ending/],
    ['is in doubt', (test: TestSession) => test.runner.doubt('stolen'), /may not own the shard/],
  ])('when the session %s, also in the same moment', async (_, end, text) => {
    const test = await session(poison);
    const delivered = test.offer(1, 2);
    await test.clock.settle();

    const before = test.runner.operate(idOf(1), 'skip');
    end(test);
    const after = test.runner.operate(idOf(1), 'skip');
    await test.during(delivered);

    expect(await before).toMatchObject({ kind: 'refused' });
    expect(await after).toMatchObject({ kind: 'refused', text: expect.stringMatching(text) as string });
    expect(test.settled).toEqual([]);
    expect(test.checkpoints).toEqual([]);
  });

  it('to run a deferred record again, whose successors have run', async () => {
    const deferred: Deferred[] = [];
    const test = await session(({ n }, context) => void (n === 1 && deferred.push(context.defer())), {
      retry: { then: 'hold' },
    });
    await test.deliver(1, 2);
    deferred[0]?.fail(new Error('later'));
    await test.clock.settle();

    expect(await test.runner.operate(idOf(1), 'retry')).toMatchObject({
      kind: 'refused',
      text: expect.stringContaining('would break the order') as string,
    });
    await test.runner.operate(idOf(1), 'skip');
    await test.deliver(3);

    expect(test.settled).toEqual(['2:handled', '1:skipped', '3:handled']);
    expect(test.checkpoints.at(-1)).toBe('3');
  });
});

describe('a deferred record that the sink does not take', () => {
  it('cannot run again either', async () => {
    const deferred: Deferred[] = [];
    const test = await session(({ n }, context) => void (n === 1 && deferred.push(context.defer())), parking);
    test.sink.failures = 1_000;
    await test.deliver(1, 2);
    deferred[0]?.fail(new NonRetryableError('later'));
    await test.clock.settle();

    expect(await test.runner.operate(idOf(1), 'retry')).toMatchObject({ kind: 'refused' });
    await test.runner.operate(idOf(1), 'skip');
    await test.deliver();

    expect(test.settled).toEqual(['2:handled', '1:skipped']);
  });
});

describe('a batch handler', () => {
  type Item = { readonly n: number };
  async function batches(handle: (batch: Batch<Item>) => void, more: More & { order?: 'any' | 'strict' } = {}) {
    const { order = 'any', ...rest } = more;
    const handler = batchHandler({ name: 'insert', order, handle: handle as (batch: Batch<unknown>) => void });
    const test = new TestSession({ handlers: [handler], checkpoint: 'batch', ...rest });
    await test.initialize();
    return test;
  }
  const numbers = (batch: Batch<Item>) => batch.map(({ value }) => value.n);

  it.each(['any', 'strict'] as const)('goes on behind an item that is skipped (%s)', async (order) => {
    const seen: number[][] = [];
    const test = await batches(
      (batch) => {
        seen.push(numbers(batch));
        for (const item of batch) if (item.value.n === 2) item.fail(new NonRetryableError('no'));
      },
      { order },
    );
    const delivered = test.offer(1, 2, 3);
    await test.clock.settle();

    await test.runner.operate(idOf(2), 'skip');
    await test.clock.advance(0);
    await test.during(delivered);

    expect(seen).toEqual(order === 'any' ? [[1, 2, 3]] : [[1, 2, 3], [3]]);
    expect(test.settled.toSorted()).toEqual(['1:handled', '2:skipped', '3:handled']);
    expect(test.checkpoints).toEqual(['3']);
  });

  it('runs again at once with the rest, when an operator wants one of them again', async () => {
    const seen: number[][] = [];
    const test = await batches(
      (batch) => {
        seen.push(numbers(batch));
        if (seen.length === 1) for (const item of batch) if (item.value.n > 1) item.fail(new Error('down'));
      },
      { ...parking, retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 } },
    );
    const delivered = test.offer(1, 2, 3, 4);
    await test.clock.settle();

    await test.runner.operate(idOf(2), 'park');
    await test.clock.settle();
    await test.runner.operate(idOf(4), 'retry');
    await test.during(delivered);

    expect(seen).toEqual([
      [1, 2, 3, 4],
      [3, 4],
    ]);
    expect(test.settled).toEqual(['1:handled', '2:parked', '3:handled', '4:handled']);
  });

  it.each([
    ['skip', ['1:handled', '2:skipped', '3:handled']],
    ['retry', ['1:handled', '2:handled', '3:handled']],
  ] as const)('%s lets what stands behind an item that cannot be decoded run', async (order, settled) => {
    let broken = true;
    const decode = (bytes: Uint8Array): unknown => {
      const value = JSON.parse(Buffer.from(bytes).toString()) as Item;
      if (value.n === 2 && broken) throw new Error('unknown schema');
      return value;
    };
    const handler = batchHandler({ name: 'insert', decode, handle: () => undefined });
    const test = new TestSession({ handlers: [handler], checkpoint: 'batch' });
    await test.initialize();
    const delivered = test.offer(1, 2, 3);
    await test.clock.settle();
    expect(test.settled).toEqual(['1:handled']);

    broken = false;
    await test.runner.operate(idOf(2), order);
    await test.during(delivered);

    expect(test.settled).toEqual(settled);
    expect(test.checkpoints).toEqual(['3']);
  });
});
