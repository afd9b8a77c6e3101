import { describe, expect, it } from 'vitest';
import type { Batch } from '../definition/context.js';
import { batchHandler, recordHandler, type ConsumerData } from '../definition/define-consumer.js';
import { NonRetryableError } from '../errors.js';
import { DyingProcesses } from './flights.fixture.js';
import { TestSession, wire } from './session.fixture.js';

type Data = Partial<ConsumerData<object>>;

/** A record whose handler never comes back: in these tests the process dies there. */
class Deadly {
  readonly ran: number[] = [];
  constructor(readonly deadly: ReadonlySet<number>) {}

  one(payload: unknown): void | Promise<void> {
    const { n } = payload as { n: number };
    this.ran.push(n);
    return this.deadly.has(n) ? new Promise(() => undefined) : undefined;
  }

  many(batch: Batch<unknown>): void | Promise<void> {
    return this.some(batch.map(({ value }) => (value as { n: number }).n));
  }

  some(numbers: readonly number[]): void | Promise<void> {
    this.ran.push(...numbers);
    return numbers.some((n) => this.deadly.has(n)) ? new Promise(() => undefined) : undefined;
  }
}

const RECORDS = [1, 2, 3, 4, 5] as const;

async function live(processes: DyingProcesses, deadly: Deadly, data: Data = {}): Promise<TestSession> {
  const test = new TestSession(
    {
      handlers: [recordHandler({ name: 'one', handle: (payload) => deadly.one(payload) })],
      checkpoint: 'batch',
      deadLetter: { sink: 'fake' },
      ...data,
    },
    { flights: processes.recorder },
  );
  await test.initialize();
  return test;
}

/** Lives that end in the middle of the batch, and then one that is looked at. */
async function after(deaths: number, data: (deadly: Deadly) => Data = () => ({}), deadlyOnes = [3]) {
  const processes = new DyingProcesses();
  const ran: number[][] = [];
  for (let death = 0; death < deaths; death += 1) {
    const deadly = new Deadly(new Set(deadlyOnes));
    const test = await live(processes, deadly, data(deadly));
    test.offer(...RECORDS).catch(() => undefined);
    await test.clock.advance(1_000);
    ran.push(deadly.ran);
    processes.die();
  }
  const deadly = new Deadly(new Set(deadlyOnes));
  const test = await live(processes, deadly, data(deadly));
  return { processes, deadly, test, ran };
}

describe('a record with which the process dies', () => {
  it('runs in four lives and is parked in the fifth, and the others are handled', async () => {
    const { test, deadly, ran, processes } = await after(4);

    await test.deliver(...RECORDS);

    expect(ran).toEqual(Array.from({ length: 4 }, () => [1, 2, 3]));
    expect(deadly.ran).toEqual([1, 2, 4, 5]);
    expect(test.settled).toEqual(['1:handled', '2:handled', '3:parked', '4:handled', '5:handled']);
    expect(test.sink.parked[0]).toMatchObject({ handler: 'one', attempts: 0, causes: [{ code: 'SUSPECT_RECORD' }] });
    expect(test.checkpoints).toEqual(['5']);
    await test.daemon.end();
    await test.outcome;
    expect(processes.left).toBe(0);
  });

  it('runs as ever when it does not end the process the fourth time', async () => {
    const { test, deadly } = await after(3);
    const harmless = new Deadly(new Set());
    deadly.one = (payload) => harmless.one(payload);

    await test.deliver(...RECORDS);

    expect(test.settled).toHaveLength(5);
    expect(harmless.ran).toEqual([...RECORDS]);
  });

  it('is held unrun where there is no sink', async () => {
    const { test, deadly } = await after(4, () => ({ deadLetter: undefined }) as unknown as Data);

    test.offer(...RECORDS).catch(() => undefined);
    await test.clock.advance(100_000);

    expect(deadly.ran).toEqual([1, 2]);
    expect(test.runner.status.held?.why).toContain('died again and again');
    await test.daemon.end();
  });

  it.each<[string, Data]>([
    ['one after the other', {}],
    ['in lanes whose keys are values of the payload', { concurrency: { perShard: 2 } }],
  ])('while it is decoded is found like one that dies in its handler: %s', async (_, more) => {
    const decoded: number[] = [];
    const decode = (bytes: Uint8Array): unknown => {
      const payload = JSON.parse(Buffer.from(bytes).toString()) as { n: number };
      decoded.push(payload.n);
      return payload.n === 3 ? new Promise(() => undefined) : payload;
    };
    const { test } = await after(4, () => ({
      handlers: [
        recordHandler({
          name: 'one',
          decode,
          ...(more.concurrency === undefined ? {} : { key: (payload) => String((payload as { n: number }).n) }),
          handle: () => undefined,
        }),
      ],
      ...more,
    }));
    decoded.splice(0);

    await test.deliver(...RECORDS);

    expect(new Set(decoded)).toEqual(new Set([1, 2, 4, 5]));
    expect(test.settled.toSorted()).toEqual(['1:handled', '2:handled', '3:parked', '4:handled', '5:handled']);
    expect(test.sink.parked[0]?.causes[0]?.code).toBe('SUSPECT_RECORD');
  });

  it('is found among the others of its batch', async () => {
    const batch = (deadly: Deadly): Data => ({
      handlers: [batchHandler({ name: 'many', handle: (items) => deadly.many(items) })],
    });
    const { test, deadly, ran } = await after(4, batch);

    await test.deliver(...RECORDS);

    expect(ran).toEqual([[...RECORDS], [...RECORDS], [...RECORDS], [1, 2, 3]]);
    expect(deadly.ran).toEqual([1, 2, 4, 5]);
    expect(test.settled).toEqual(['3:parked', '1:handled', '2:handled', '4:handled', '5:handled']);
  });

  it('keeps the successors of its key from running when it is parked, in the same batch as well', async () => {
    const batch = (handle: (numbers: readonly number[]) => void | Promise<void>): Data => ({
      handlers: [
        batchHandler({ name: 'many', handle: (items) => handle(items.map(({ value }) => (value as { n: number }).n)) }),
      ],
      deadLetter: { sink: 'fake', sameKey: 'hold' },
    });
    let lives = 0;
    const ran: (readonly number[])[] = [];
    const { test } = await after(3, (deadly) => {
      lives += 1;
      if (lives <= 3) return batch((numbers) => deadly.some(numbers));
      return batch((numbers) => {
        ran.push(numbers);
        if (numbers.includes(1)) throw new NonRetryableError('poison');
      });
    });

    test.offer(...RECORDS).catch(() => undefined);
    await test.clock.advance(1_000);

    // 4 has the key of 1.
    expect(ran).toEqual([[1], [2], [3]]);
    expect(test.settled).toEqual(['1:parked', '2:handled', '3:handled']);
    expect(test.runner.status.heldRecords).toMatchObject([{ error: { name: 'MillraceError' } }]);
    await test.daemon.end();
  });

  it('in lanes runs alone once all three of its lane, and the innocent beside it are cleared', async () => {
    const lanes = (): Data => ({ concurrency: { perShard: 3 } });
    const processes = new DyingProcesses();
    // 1 hangs as well, without being to blame: it is in flight at each death, and alone it comes back.
    const keys = (n: number) => wire(n, { partitionKey: `key-${n}` });
    for (let death = 0; death < 3; death += 1) {
      const test = await live(processes, new Deadly(new Set([1, 3])), lanes());
      test.offer(...RECORDS.map(keys)).catch(() => undefined);
      await test.clock.advance(1_000);
      processes.die();
    }
    const deadly = new Deadly(new Set([3]));
    const fourth = await live(processes, deadly, lanes());
    fourth.offer(...RECORDS.map(keys)).catch(() => undefined);
    await fourth.clock.advance(1_000);
    expect(fourth.settled).toContain('1:handled');
    expect(fourth.settled).not.toContain('3:handled');
    processes.die();

    const test = await live(processes, new Deadly(new Set([3])), lanes());
    await test.deliver(...RECORDS.map(keys));
    await test.clock.advance(1_000);
    expect(test.settled.toSorted()).toEqual(['1:handled', '2:handled', '3:parked', '4:handled', '5:handled']);
  });
});

describe('careful sessions', () => {
  it('write once for a batch without a death before them, and stop when the records of the dead are done', async () => {
    const processes = new DyingProcesses();
    const calm = await live(processes, new Deadly(new Set()));
    await calm.deliver(...RECORDS);
    expect(processes.writes).toBe(1);
    processes.die();

    const careful = await live(processes, new Deadly(new Set()));
    const before = processes.writes;
    await careful.deliver(...RECORDS);
    const forOld = processes.writes - before;
    await careful.deliver(6, 7, 8);

    // Decoding and handling each take off and land.
    expect(forOld).toBe(1 + 5 * 4);
    expect(processes.writes - before - forOld).toBe(1);
  });

  it('are not made by an end in order, and keep what the next one has to know', async () => {
    const { test, processes } = await after(3);
    await test.daemon.end();
    await test.outcome;
    expect(processes.left).toBe(1);
    processes.next();

    const deadly = new Deadly(new Set([3]));
    const next = await live(processes, deadly);
    next.offer(...RECORDS).catch(() => undefined);
    await next.clock.advance(1_000);
    processes.die();
    const last = await live(processes, deadly);
    await last.deliver(...RECORDS);

    expect(last.settled).toContain('3:parked');
  });

  it('do not blame what an earlier checkpoint covers', async () => {
    const { processes } = await after(3);
    const test = new TestSession(
      { handlers: [recordHandler({ name: 'one', handle: () => undefined })], checkpoint: 'batch' },
      { flights: processes.recorder },
    );
    await test.initialize(wire(5).sequenceNumber);
    const before = processes.writes;
    await test.deliver(6, 7);

    expect(processes.writes - before).toBe(1);
    expect(test.settled).toHaveLength(2);
  });

  it('start a suspect when nothing of another shard runs, and nothing of it beside the suspect', async () => {
    const processes = new DyingProcesses();
    for (let death = 0; death < 3; death += 1) {
      const test = await live(processes, new Deadly(new Set([3])));
      test.offer(...RECORDS).catch(() => undefined);
      await test.clock.advance(1_000);
      processes.die();
    }
    const running = new Set<string>();
    const most: number[] = [];
    const release: (() => void)[] = [];
    const shard = (name: string) =>
      recordHandler({
        name,
        handle: async (payload) => {
          running.add(name);
          if ((payload as { n: number }).n === 3) most.push(running.size);
          await new Promise<void>((resolve) => release.push(resolve));
          running.delete(name);
        },
      });
    const left = await live(processes, new Deadly(new Set()), { handlers: [shard('left')] });
    const right = await live(processes, new Deadly(new Set()), { handlers: [shard('right')] });
    const delivered = [left.offer(...RECORDS), right.offer(21, 22, 23, 24, 25)];

    for (let turn = 0; turn < 20; turn += 1) {
      await left.clock.settle();
      release.shift()?.();
    }
    await left.during(Promise.all(delivered));

    expect(most).toEqual([1]);
    expect([left, right].map(({ settled }) => settled.length)).toEqual([5, 5]);
  });

  it.each<[string, (test: TestSession) => void]>([
    ['drains', (test) => test.runner.drain()],
    ['is in doubt', (test) => test.runner.doubt('stolen')],
  ])('let the others go on when the session of a suspect %s while it waits to be alone', async (_, stop) => {
    const processes = new DyingProcesses();
    for (let death = 0; death < 3; death += 1) {
      const test = await live(processes, new Deadly(new Set([3])));
      test.offer(...RECORDS).catch(() => undefined);
      await test.clock.advance(1_000);
      processes.die();
    }
    const release: (() => void)[] = [];
    const slow = recordHandler({ name: 'slow', handle: () => new Promise<void>((resolve) => release.push(resolve)) });
    const left = await live(processes, new Deadly(new Set()));
    const right = await live(processes, new Deadly(new Set()), { handlers: [slow] });
    const others = right.offer(21, 22);
    await right.clock.settle();
    const delivered = left.offer(...RECORDS);
    await left.clock.settle();
    release.shift()?.();
    await right.clock.settle();

    stop(left);
    await left.during(delivered);
    for (let turn = 0; turn < 3; turn += 1) {
      await right.clock.settle();
      release.shift()?.();
    }
    await right.during(others);

    expect(right.settled).toHaveLength(2);
  });
});
