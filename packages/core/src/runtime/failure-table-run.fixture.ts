/** Carries out a cell of the failure table: three records, the second of which fails, and what became of them. */
import type { Batch, RecordContext, ShardContext } from '../definition/context.js';
import { batchHandler, recordHandler } from '../definition/define-consumer.js';
import type { Exhausted } from '../definition/definition.js';
import { NonRetryableError, RetryLaterError, StopWorkerError } from '../errors.js';
import type { SessionEvent } from '../events.js';
import { TestSession, wire } from './session.fixture.js';

/** How the records of a shard run. */
type RecordMode = 'in order' | 'in lanes';
type BatchMode = 'batches' | 'strict batches' | 'gathered batches';
type HalvingMode = `${BatchMode}, bisect`;
export type Mode = RecordMode | BatchMode | HalvingMode;

/** What goes wrong with record 2; a batch that has it fails as a whole unless the item is marked. */
type EachFailure =
  | 'throws once'
  | 'throws always'
  | 'throws NonRetryableError'
  | 'throws RetryLaterError(500)'
  | 'throws StopWorkerError'
  | 'returns a value'
  | 'takes too long and heeds its signal'
  | 'takes too long and ignores its signal'
  | 'cannot be decoded'
  | 'does not fit its schema'
  | 'throws NonRetryableError, the sink is down'
  | 'throws NonRetryableError, the sink fails twice'
  | 'throws NonRetryableError, the session drains'
  | 'throws NonRetryableError, the lease is in doubt'
  | 'throws NonRetryableError, the shard ends'
  | 'takes too long and ignores its signal, the session drains'
  | 'takes too long and ignores its signal, the lease is in doubt'
  | 'throws always, the session drains'
  | 'throws always, the lease is in doubt'
  | 'throws always, the shard ends';
type RecordFailure = EachFailure | 'no handler takes it';
type BatchFailure =
  | EachFailure
  | 'marks it once'
  | 'marks it always'
  | 'marks it with NonRetryableError'
  | 'marks it with RetryLaterError(500)'
  | 'marks it with StopWorkerError';
type HalvingFailure =
  | 'throws NonRetryableError'
  | 'throws NonRetryableError for every batch'
  | 'throws NonRetryableError, the session drains';
export type Failure = RecordFailure | BatchFailure | HalvingFailure;

/** One outcome for each `then`, or one whatever it is. */
export type Cells = string | Readonly<Record<Exhausted, string>>;
export type Table = Readonly<
  Record<RecordMode, Readonly<Record<RecordFailure, Cells>>> &
    Record<BatchMode, Readonly<Record<BatchFailure, Cells>>> &
    Record<HalvingMode, Readonly<Record<HalvingFailure, Cells>>>
>;

/** Long enough for everything that ends: attempts with deadlines, holding, a stuck handler, a sink that comes back. */
const WATCHED_MS = 8_000;
/** In the middle of the first back-off. */
const EVENT_AT_MS = 50;

const RETRY = { attempts: 3, initialDelayMs: 100, maxDelayMs: 1_000, factor: 2, timeoutMs: 1_000 } as const;

interface Payload {
  readonly n: number;
}

export interface Cell {
  readonly mode: Mode;
  readonly failure: Failure;
  readonly then: Exhausted;
}

/** What has become of the records in the end, as the table says it. */
export async function outcomeOf({ mode, failure, then }: Cell): Promise<string> {
  const test = new TestSession(
    {
      handlers: handlersOf(mode, failure),
      checkpoint: { everyRecords: 1 },
      retry: { ...RETRY, then },
      deadLetter: { sink: 'fake' },
      ...(mode === 'in lanes' ? { concurrency: { perShard: 4 } } : {}),
    },
    // Half of it is the time to drain.
    { properties: { shutdownGraceMillis: 8_000 } },
  );
  if (failure.endsWith('the sink is down')) test.sink.failures = Infinity;
  if (failure.endsWith('the sink fails twice')) test.sink.failures = 2;
  await test.initialize();
  const bad = failure === 'cannot be decoded' ? wire(2, { data: Buffer.from('?') }) : 2;
  test.offer(1, bad, 3).catch(() => undefined);
  await test.clock.advance(EVENT_AT_MS);
  if (failure.endsWith('the session drains')) test.runner.drain();
  if (failure.endsWith('the lease is in doubt')) test.runner.doubt('another worker has it');
  if (failure.endsWith('the shard ends')) test.daemon.shardEnded().catch(() => undefined);
  await test.clock.advance(WATCHED_MS - EVENT_AT_MS);
  // What has settled between two actions is written in the next one.
  if (!failure.endsWith('the shard ends')) test.offer().catch(() => undefined);
  await test.clock.settle();
  return describe(test);
}

function handlersOf(mode: Mode, failure: Failure) {
  const schema = failure === 'does not fit its schema' ? { schema: onlyOdd } : {};
  const when = failure === 'no handler takes it' ? { when: (payload: unknown) => numberOf(payload) !== 2 } : {};
  const runs = { count: 0 };
  if (mode === 'in order' || mode === 'in lanes')
    return [
      recordHandler({
        name: 'one',
        ...schema,
        ...when,
        handle: (payload: unknown, context: RecordContext) =>
          numberOf(payload) === 2 ? fail(failure, runs, context) : undefined,
      }),
    ];
  const handle = (batch: Batch<unknown>, context: ShardContext): void | Promise<void> => {
    const item = batch.find(({ value }) => numberOf(value) === 2);
    if (failure === 'throws NonRetryableError for every batch') throw new NonRetryableError('no');
    if (item === undefined) return undefined;
    // Types forbid that a batch handler returns a value; JavaScript does not.
    return (failure.startsWith('marks') ? mark(failure, runs, item) : fail(failure, runs, context)) as void;
  };
  const gathers = mode.startsWith('gathered') ? { maxItems: 2, maxWaitMs: 100 } : {};
  const order = mode.startsWith('strict') ? 'strict' : 'any';
  const bisect = mode.endsWith('bisect');
  return [batchHandler({ name: 'many', order, bisect, ...gathers, ...schema, handle })];
}

interface Runs {
  count: number;
}

function fail(failure: Failure, runs: Runs, { signal }: ShardContext): unknown {
  runs.count += 1;
  const [kind = failure] = failure.split(',');
  switch (kind) {
    case 'throws once':
      if (runs.count > 1) return undefined;
      throw new Error('no');
    case 'throws always':
      throw new Error('no');
    case 'throws NonRetryableError':
      throw new NonRetryableError('no');
    case 'throws RetryLaterError(500)':
      throw new RetryLaterError(500);
    case 'throws StopWorkerError':
      throw new StopWorkerError('no');
    case 'returns a value':
      return [2];
    case 'takes too long and heeds its signal':
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    case 'takes too long and ignores its signal':
      return new Promise(() => undefined);
    default:
      return undefined;
  }
}

function mark(failure: Failure, runs: Runs, item: Batch<unknown>[number]): void {
  runs.count += 1;
  if (failure === 'marks it once' && runs.count > 1) return;
  if (failure === 'marks it with NonRetryableError') item.fail(new NonRetryableError('no'));
  else if (failure === 'marks it with RetryLaterError(500)') item.fail(new RetryLaterError(500));
  else if (failure === 'marks it with StopWorkerError') item.fail(new StopWorkerError('no'));
  else item.fail(new Error('no'));
}

const onlyOdd = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) => (numberOf(value) === 2 ? { issues: [{ message: 'even' }] } : { value }),
  },
} as const;

function numberOf(payload: unknown): number {
  return (payload as Payload).n;
}

/** `1 handled, 2 parked (3 runs), 3 handled; written 3`. */
function describe(test: TestSession): string {
  const fates = [1, 2, 3].map((n) => {
    const runs = ofRecord(test, n).filter(({ kind }) => kind === 'handlerStarted').length;
    return `${n} ${fateOf(test, n, runs)}${runs > 1 ? ` (${runs} runs)` : ''}`;
  });
  const written = `; written ${test.checkpoints.at(-1) ?? 'nothing'}`;
  return `${fates.join(', ')}${written}${test.stops.length > 0 ? '; the worker stops' : ''}`;
}

function fateOf(test: TestSession, n: number, runs: number): string {
  const settled = test.settled.find((each) => each.startsWith(`${n}:`));
  if (settled !== undefined) return settled.slice(2);
  if (test.abandoned.includes(String(n))) return 'abandoned';
  const last = ofRecord(test, n).findLast(({ kind }) => kind === 'held' || kind === 'released');
  if (last?.kind === 'held') return 'held';
  return runs === 0 ? 'waits' : 'undecided';
}

function ofRecord({ events }: TestSession, n: number): SessionEvent[] {
  const { sequenceNumber } = wire(n);
  return events.filter((event) => 'recordId' in event && event.recordId?.endsWith(`:${sequenceNumber}:0`) === true);
}
