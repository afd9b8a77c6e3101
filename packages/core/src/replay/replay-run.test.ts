import { describe, expect, it } from 'vitest';
import { deadLetter } from '../../test/support/dead-letter.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { resolveConsumer } from '../config/resolve.js';
import type { Deferred, RecordContext } from '../definition/context.js';
import {
  batchHandler,
  defineConsumer,
  recordHandler,
  windowHandler,
  type ConsumerData,
} from '../definition/define-consumer.js';
import { NonRetryableError, StopWorkerError } from '../errors.js';
import { memoryStore } from '../idempotency/memory-store.js';
import type { ContainerPort, DeadLetterEntry } from '../ports.js';
import type { ParkedSource, Wants } from './parked-source.js';
import { grouped, inOrder } from './replay-order.js';
import { replay, type ReplayOptions } from './replay-run.js';

const CONTAINER: ContainerPort = {
  openScope: () =>
    Promise.resolve({ resolve: () => Promise.reject(new Error('nothing here')), dispose: () => Promise.resolve() }),
};
const logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Entries in memory; what is removed is told in order. */
class MemorySource implements ParkedSource {
  readonly label = 'memory';
  readonly removed: string[] = [];
  ended = false;
  failRemoval = false;

  constructor(
    readonly entries: readonly DeadLetterEntry[],
    readonly view: ParkedSource['view'] = 'whole',
  ) {}

  async *look() {
    for (const entry of this.entries) yield await Promise.resolve({ entry, place: entry.id });
  }

  take(wants: Wants) {
    const items = this.entries.filter(wants).map((entry) => ({ ...entry, bytes: entry.data.length, entry }));
    const groups = this.view === 'whole' ? grouped(inOrder(items)) : items.map((item) => [item]);
    return Promise.resolve({ groups: () => this.groups(groups), end: () => this.end() });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async *groups(groups: readonly (readonly { readonly entry: DeadLetterEntry }[])[]) {
    for (const group of groups) {
      yield await Promise.resolve(
        group.map(({ entry }) => ({ entry, place: entry.id, remove: () => this.remove(entry) })),
      );
    }
  }

  private async remove(entry: DeadLetterEntry): Promise<void> {
    await Promise.resolve();
    if (this.failRemoval) throw new Error('the disk is full');
    if (this.ended) throw new Error('removed after the end');
    this.removed.push(entry.sequenceNumber);
  }

  private end(): Promise<void> {
    this.ended = true;
    return Promise.resolve();
  }
}

type Declaration = Partial<ConsumerData<object>>;

function consumerOf(declaration: Declaration) {
  const definition = defineConsumer({
    name: 'mailer',
    stream: 'orders',
    applicationName: 'mailer',
    create: () => ({}),
    retry: { attempts: 1 },
    options: { decode: 'text' },
    handlers: [],
    ...declaration,
  });
  return resolveConsumer(definition, { options: undefined, env: {}, file: undefined, scoped: false, engine: 'local' });
}

type Handle = (payload: unknown, context: RecordContext) => unknown;
const handling = (handle: Handle): ConsumerData<object>['handlers'] => [recordHandler({ name: 'placed', handle })];

async function run(
  source: MemorySource,
  declaration: Declaration,
  change: Partial<ReplayOptions> & { readonly clock?: ManualClock } = {},
) {
  const results: string[] = [];
  const end = await replay({
    source,
    consumer: consumerOf(declaration),
    container: CONTAINER,
    stores: new Map(),
    ports: { clock: change.clock ?? new ManualClock(), random: () => 0, logger },
    wants: () => true,
    limit: undefined,
    interrupted: new AbortController().signal,
    onOutcome: ({ item, result }) => void results.push(`${item.entry.sequenceNumber} ${result.kind}`),
    ...change,
  });
  return { results, stoppedBy: end.stoppedBy };
}

const record = (sequenceNumber: string, change: Partial<DeadLetterEntry> = {}) =>
  deadLetter(sequenceNumber, { data: Buffer.from(`text ${sequenceNumber}`), partitionKey: 'k', ...change });

describe('a replay', () => {
  it('runs each record with its own id, payload and key, by shard and in order, and says that it is one', async () => {
    const source = new MemorySource([
      record('20', { shardId: 'shardId-b' }),
      record('9'),
      record('100'),
      record('9', { subSequenceNumber: 3, partitionKey: 'other' }),
    ]);
    const seen: unknown[] = [];
    const handlers = handling((payload, { record: { id, partitionKey }, replayed, attempt, shardId }) => {
      seen.push([payload, id, partitionKey, replayed, attempt, shardId]);
    });
    const { results, stoppedBy } = await run(source, { handlers });
    expect(seen).toEqual([
      ['text 9', 'shardId-000000000000:9:0', 'k', true, 1, 'shardId-000000000000'],
      ['text 9', 'shardId-000000000000:9:3', 'other', true, 1, 'shardId-000000000000'],
      ['text 100', 'shardId-000000000000:100:0', 'k', true, 1, 'shardId-000000000000'],
      ['text 20', 'shardId-b:20:0', 'k', true, 1, 'shardId-b'],
    ]);
    expect(results).toEqual(['9 handled', '9 handled', '100 handled', '20 handled']);
    expect({ removed: source.removed, stoppedBy }).toEqual({ removed: ['9', '9', '100', '20'], stoppedBy: undefined });
  });

  it.each(['deadLetter', 'hold', 'stop', 'skip'] as const)(
    'leaves a record that fails again where it is, and goes on, under then: %s',
    async (then) => {
      const sink = {
        sink: 'millrace.sink' as const,
        label: 'own',
        durable: true,
        open: () => Promise.reject(new Error('never opened')),
      };
      const source = new MemorySource([record('1'), record('2'), record('3')]);
      const { results, stoppedBy } = await run(source, {
        retry: { attempts: 1, then },
        ...(then === 'deadLetter' ? { deadLetter: { sink } } : {}),
        handlers: handling((_, { record: { sequenceNumber } }) => {
          if (sequenceNumber === '2') throw new NonRetryableError('still wrong');
        }),
      });
      expect(results.toSorted()).toEqual(['1 handled', '2 failed', '3 handled']);
      expect({ removed: source.removed, stoppedBy }).toEqual({ removed: ['1', '3'], stoppedBy: undefined });
    },
  );

  it('leaves what cannot be decoded or is taken by no handler', async () => {
    const source = new MemorySource([record('1', { data: Uint8Array.from([0xff]) }), record('2')]);
    const handlers = [recordHandler({ name: 'never', when: () => false, handle: () => undefined })];
    expect((await run(source, { handlers })).results).toEqual(['1 failed', '2 failed']);
  });

  it("holds the later records of a key that failed again, under sameKey: 'hold'", async () => {
    const source = new MemorySource([record('1'), record('2'), record('3', { partitionKey: 'other' })]);
    const ran: string[] = [];
    const { results } = await run(source, {
      deadLetter: { sink: 'A_TOKEN', sameKey: 'hold' },
      handlers: handling((_, { record: { sequenceNumber } }) => {
        ran.push(sequenceNumber);
        if (sequenceNumber === '1') throw new NonRetryableError('still wrong');
      }),
    });
    expect(ran).toEqual(['1', '3']);
    expect(results).toEqual(['1 failed', '2 left', '3 handled']);
  });

  it('stops when ten records in a row fail on what may pass', async () => {
    const source = new MemorySource(Array.from({ length: 15 }, (_, index) => record(String(index + 1))));
    const handlers = handling(() => {
      throw new Error('the database is down');
    });
    const { results, stoppedBy } = await run(source, { handlers });
    expect(results.filter((result) => result.endsWith('failed'))).toHaveLength(10);
    expect(results).toHaveLength(15);
    expect(stoppedBy).toMatchObject({
      code: 'REPLAY_FAILED',
      message: expect.stringContaining('looks like an outage') as string,
    });
    expect(source.removed).toEqual([]);
  });

  it('stops when a handler asks the worker to stop', async () => {
    const source = new MemorySource([record('1'), record('2')]);
    const handlers = handling(() => {
      throw new StopWorkerError('no licence');
    });
    const { results, stoppedBy } = await run(source, { handlers });
    expect(stoppedBy).toMatchObject({ code: 'STOP_WORKER', message: 'no licence' });
    expect(results.toSorted()).toEqual(['1 failed', '2 left']);
  });

  it('stops when the consumer cannot start', async () => {
    const source = new MemorySource([record('1')]);
    const { results, stoppedBy } = await run(source, {
      create: () => {
        throw new NonRetryableError('no password');
      },
      handlers: handling(() => undefined),
    });
    expect(stoppedBy?.message).toContain('no password');
    expect({ results, removed: source.removed }).toEqual({ results: ['1 left'], removed: [] });
  });

  it('stops at a handler that ignores its deadline', async () => {
    const clock = new ManualClock();
    const source = new MemorySource([record('1'), record('2')]);
    const running = run(
      source,
      { retry: { attempts: 1, timeoutMs: 1_000 }, handlers: handling(() => new Promise(() => undefined)) },
      { clock },
    );
    await clock.settle();
    await clock.advance(6_000);
    const { results, stoppedBy } = await running;
    expect(stoppedBy?.message).toContain('ignores its aborted signal');
    expect(results.toSorted()).toEqual(['1 failed', '2 left']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('stores no checkpoint, and does not wait for one', async () => {
    const source = new MemorySource([record('1'), record('2')]);
    const { results } = await run(source, {
      checkpoint: 'record',
      handlers: handling((_, context) => context.checkpoint()),
    });
    expect(results).toEqual(['1 handled', '2 handled']);
  });

  it('removes under `manual` what the handler has declared, and leaves the rest', async () => {
    const clock = new ManualClock();
    const source = new MemorySource([record('1'), record('2'), record('3')]);
    const handlers = handling((_, context) =>
      context.record.sequenceNumber === '2' ? context.checkpoint() : undefined,
    );
    const running = run(source, { checkpoint: 'manual', handlers }, { clock });
    // A worker that stops waits for them as well, within its grace.
    await clock.advance(60_000);
    const { results } = await running;
    expect(results.toSorted()).toEqual(['1 handled', '2 handled', '3 left']);
    expect(source.removed).toEqual(['1', '2']);
  });

  it('waits for deferred records before it lets go of the source', async () => {
    const source = new MemorySource([record('1'), record('2')]);
    const handles: Deferred[] = [];
    const { results } = await run(source, {
      handlers: handling((_, context) => void handles.push(context.defer())),
      hooks: {
        shutdownRequested: () => {
          handles[0]?.done();
          handles[1]?.fail(new NonRetryableError('late'));
        },
      },
    });
    expect(results.toSorted()).toEqual(['1 handled', '2 failed']);
    expect(source.removed).toEqual(['1']);
  });

  it('hands batches to a batch handler, and removes all but the marked items', async () => {
    const source = new MemorySource([record('1'), record('2'), record('3')]);
    const sizes: number[] = [];
    const handlers = [
      batchHandler({
        name: 'all',
        handle: (batch, { replayed }) => {
          expect(replayed).toBe(true);
          sizes.push(batch.length);
          batch[1]?.fail(new NonRetryableError('still wrong'));
        },
      }),
    ];
    const { results } = await run(source, { handlers });
    expect(sizes).toEqual([3]);
    expect(results.toSorted()).toEqual(['1 handled', '2 failed', '3 handled']);
  });

  it('runs what a queue gives out of order, and twice, without taking any of it for done', async () => {
    const source = new MemorySource([record('5'), record('3'), record('3')], 'sample');
    const ran: string[] = [];
    const handlers = handling((_, { record: { sequenceNumber } }) => void ran.push(sequenceNumber));
    expect((await run(source, { handlers })).results).toEqual(['5 handled', '3 handled', '3 handled']);
    expect(ran).toEqual(['5', '3', '3']);
  });

  it('stops when what was handled cannot be removed', async () => {
    const source = new MemorySource([record('1')]);
    source.failRemoval = true;
    const { results, stoppedBy } = await run(source, { handlers: handling(() => undefined) });
    expect(results).toEqual(['1 failed']);
    expect(stoppedBy?.message).toContain('the next replay runs it again: the disk is full');
  });

  it('takes no more records than it may, nor others than are wanted', async () => {
    const source = new MemorySource([record('1'), record('2'), record('3')]);
    const wants = ({ sequenceNumber }: DeadLetterEntry): boolean => sequenceNumber !== '1';
    const { results } = await run(source, { handlers: handling(() => undefined) }, { wants, limit: 1 });
    expect(results).toEqual(['2 handled']);
  });

  it('lets a running handler finish when it is interrupted, and starts no other', async () => {
    const source = new MemorySource([record('1'), record('2')]);
    const interrupt = new AbortController();
    const handlers = handling(async () => {
      interrupt.abort();
      await Promise.resolve();
    });
    const { results, stoppedBy } = await run(source, { handlers }, { interrupted: interrupt.signal });
    expect(results.toSorted()).toEqual(['1 handled', '2 left']);
    expect({ removed: source.removed, ended: source.ended, stoppedBy }).toEqual({
      removed: ['1'],
      ended: true,
      stoppedBy: undefined,
    });
  });

  it('retries as the policy says, whatever the age of the record', async () => {
    const clock = new ManualClock();
    const source = new MemorySource([record('1', { approximateArrivalTimestamp: 1 })]);
    const attempts: number[] = [];
    const running = run(
      source,
      {
        retry: { attempts: 3, initialDelayMs: 1_000, maxRecordAgeMs: 10 },
        handlers: handling((_, { attempt }) => {
          attempts.push(attempt);
          if (attempt < 3) throw new Error('not yet');
        }),
      },
      { clock },
    );
    for (let times = 0; times < 3; times += 1) await clock.advance(1_000);
    expect((await running).results).toEqual(['1 handled']);
    expect(attempts).toEqual([1, 2, 3]);
  });
});

describe('a replay of a consumer with more around its handlers', () => {
  it('takes out what middleware skips, what the filter leaves out, and what was handled under its key', async () => {
    const store = memoryStore();
    const context = { applicationName: 'mailer', stream: 'orders', region: undefined };
    const opened = await store.open({ ...context, ports: { clock: new ManualClock(), random: () => 0, logger } });
    const handled: unknown[] = [];
    const placed = recordHandler({
      name: 'placed',
      idempotent: { store, key: () => 'always the same' },
      handle: (payload) => void handled.push(payload),
    });
    const source = new MemorySource([record('1'), record('2'), record('3', { partitionKey: 'left out' })]);
    const { results } = await run(
      source,
      {
        handlers: [placed],
        filter: { partitionKey: ['k'] },
        use: [(_, next) => next()],
        concurrency: { perShard: 4 },
      },
      { stores: new Map([[store, opened]]) },
    );
    expect(handled).toEqual(['text 1']);
    expect(results.map((line) => line.split(' ').at(-1))).toEqual(['handled', 'deduplicated', 'filtered']);
  });

  it('is refused for a window, which was emitted without them', async () => {
    const nothing = (): void => undefined;
    const totals = windowHandler({ name: 'totals', everyMs: 1_000, state: nothing, handle: nothing, emit: nothing });
    await expect(run(new MemorySource([record('1')]), { handlers: [totals] })).rejects.toMatchObject({
      code: 'REPLAY_FAILED',
      message: expect.stringContaining('windows that were emitted long since'),
    });
  });
});
