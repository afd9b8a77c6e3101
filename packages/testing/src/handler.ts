/** `handler(Consumer, 'placed').run(payload)`: one method, no stream. The first test that people write. */
import {
  MillraceError,
  readDefinition,
  type Batch,
  type ConsumerDefinition,
  type Decode,
  type BatchHandler,
  type Handler,
  type RecordHandler,
} from '@millrace/core';
import type { TestBedOptions } from './bed-options.js';
import type { DeliveredRecord } from './history.js';
import { records, type SingleRecord } from './record-builders.js';
import { resolveFor } from './resolve-for.js';
import { testBed, type TestBed } from './test-bed.js';

/** A payload as the handler gets it, or a whole record when bytes, key or arrival time matter. */
export type HandlerInput<P> = P | SingleRecord;

export interface RecordOutcome {
  /** `deferred`: the handler took a handle and has not used it. `filtered`, `skipped`: the filter, or middleware, left it out. */
  readonly kind: 'handled' | 'failed' | 'deferred' | 'filtered' | 'skipped';
  /** What it threw, or what was wrong with the payload; undefined unless it failed. */
  readonly error: Error | undefined;
}

export interface HandlerOutcome extends RecordOutcome, HandlerTrace {}

export interface BatchOutcome extends HandlerTrace {
  /** In the order of the payloads. */
  readonly items: readonly RecordOutcome[];
}

export interface HandlerTrace {
  /** How many checkpoints were stored because the handler asked for them. */
  readonly checkpoints: number;
  /** Virtual milliseconds from its start to its end: its sleeps. */
  readonly elapsedMs: number;
  /** The lines it logged through `context.log`, and those of the runtime. */
  readonly log: TestBed['log']['lines'];
}

export type HandlerOptions = Omit<TestBedOptions, 'shards' | 'clock'> & {
  /**
   * The handler's deadline, in virtual milliseconds. Given here, the clock moves on to it without waiting for the handler
   * in real time: for tests of what it does with its aborted signal. @defaultValue the one of its retry policy
   */
  readonly timeoutMs?: number;
};

type PayloadOf<M> = M extends (payload: infer P, ...rest: never[]) => unknown ? P : never;
type MethodNames<C> = { [K in keyof C]: C[K] extends (...args: never[]) => unknown ? K : never }[keyof C] & string;
type ConsumerOf<C extends object> = abstract new (...args: never[]) => C;

export interface HandlerHarness<P> {
  /**
   * Runs the handler once, on what a record with this payload would give it: decoded, filtered, routed, validated, with a context
   * on a virtual clock, in an instance of its own. Nothing is retried or parked.
   *
   * @throws what opening a test bed throws, and TEST_NOT_IDLE when the handler does not come back.
   */
  run(
    input: P extends Batch<infer T> ? readonly HandlerInput<T>[] : HandlerInput<P>,
  ): Promise<P extends Batch<unknown> ? BatchOutcome : HandlerOutcome>;
}

/**
 * A harness for one handler of a consumer.
 *
 * @param name - the method's name, or the handler's name in defineConsumer.
 * @param options - overrides, services, properties, as for testBed.
 */
export function handler<C extends object, K extends MethodNames<C>>(
  consumer: ConsumerOf<C>,
  name: K,
  options?: HandlerOptions,
): HandlerHarness<PayloadOf<C[K]>>;
/** For consumers that were defined as data: a batch handler gives a BatchOutcome. */
export function handler(
  consumer: ConsumerDefinition,
  name: string,
  options?: HandlerOptions,
): { run(input: unknown): Promise<HandlerOutcome & Partial<BatchOutcome>> };
export function handler(
  consumer: ConsumerOf<object> | ConsumerDefinition,
  name: string,
  options: HandlerOptions = {},
): HandlerHarness<unknown> {
  const definition = typeof consumer === 'function' ? readDefinition(consumer) : consumer;
  const found = definition.handlers.find((each) => each.name === name);
  if (found === undefined) throw noSuchHandler(definition, name);
  if (found.kind === 'window') throw onlyInWindows(found);
  // The overloads say what comes for which handler.
  return { run: (input) => runOnce(definition, found, { input, options }) as Promise<never> };
}

async function runOnce(
  definition: ConsumerDefinition,
  found: RecordHandler | BatchHandler,
  { input, options }: { readonly input: unknown; readonly options: HandlerOptions },
): Promise<HandlerOutcome | BatchOutcome> {
  const decode = found.decode ?? resolveFor(definition, options).settings.decode;
  const inputs = found.kind === 'batch' ? (input as readonly unknown[]) : [input];
  const sent = inputs.map((each) => toRecord(each, decode));
  // Not `await using`: the oldest Node that runs this does not know it.
  const bed = await testBed(onlyThis(definition, found, options.timeoutMs), options);
  try {
    const delivered: readonly DeliveredRecord[] = bed.shard().deliver(...sent);
    await bed.settle();
    if (options.timeoutMs !== undefined) await bed.advance(options.timeoutMs + STUCK_AFTER_MS);
    await bed.idle();
    return outcomesOf(bed, found, delivered);
  } finally {
    await bed.dispose();
  }
}

function outcomesOf(
  bed: TestBed,
  found: RecordHandler | BatchHandler,
  delivered: readonly DeliveredRecord[],
): HandlerOutcome | BatchOutcome {
  const outcomes = delivered.map((record) => outcomeOf(bed, record));
  const [first] = outcomes;
  const checkpoints = bed.history.stored().length;
  const trace = { checkpoints, elapsedMs: elapsedIn(bed), log: bed.log.lines };
  if (found.kind === 'batch') return { ...trace, items: outcomes };
  if (first === undefined || outcomes.length > 1) throw aggregated(found);
  return { ...trace, ...first };
}

/** So long after its deadline a handler that ignores its signal holds its shard. */
const STUCK_AFTER_MS = 5_000;

/** The consumer with this one handler, which runs once and whose own checkpoints are the only ones. */
function onlyThis(
  definition: ConsumerDefinition,
  found: RecordHandler | BatchHandler,
  timeoutMs: number | undefined,
): ConsumerDefinition {
  const policy = found.retry ?? definition.retry;
  const retry = { ...policy, attempts: 1, then: 'skip' as const, timeoutMs: timeoutMs ?? policy.timeoutMs };
  const once = { retry, deadLetter: undefined };
  const only =
    found.kind === 'batch'
      ? { ...found, ...once, maxItems: undefined, maxWaitMs: undefined, bisect: false }
      : { ...found, ...once };
  const never = { kind: 'periodic', everyMs: undefined, everyRecords: undefined } as const;
  return {
    ...definition,
    handlers: only.kind === 'batch' ? [only] : [only],
    retry,
    deadLetter: undefined,
    checkpoint: definition.checkpoint.kind === 'manual' ? definition.checkpoint : never,
  };
}

function outcomeOf(bed: TestBed, record: DeliveredRecord): RecordOutcome {
  const settled = bed.history.settled(record.id);
  if (settled?.how === 'handled' || settled?.how === 'filtered') return { kind: settled.how, error: undefined };
  if (settled?.how === 'skipped' && settled.error === undefined) return { kind: 'skipped', error: undefined };
  const [stopped] = bed.stopRequests;
  const held = bed.history.events('held').at(-1)?.error;
  const error = settled?.error ?? stopped ?? held;
  if (error !== undefined) return { kind: 'failed', error };
  const deferred = bed.history.events('recordDeferred').some(({ recordId }) => recordId === record.id);
  // Under `manual` a handler may return without having declared anything.
  return { kind: deferred ? 'deferred' : 'handled', error: undefined };
}

function elapsedIn({ history }: TestBed): number {
  const [started] = history.events('handlerStarted');
  const ended = history.events('handlerEnded').at(-1);
  return started === undefined || ended === undefined ? 0 : ended.at - started.at;
}

/** Payloads travel as they would in the stream: as bytes. */
function toRecord(input: unknown, decode: Decode): SingleRecord {
  if (isRecord(input)) return input;
  switch (decode) {
    case 'json':
      return records.of(input);
    case 'text':
      if (typeof input === 'string') return records.text(input);
      break;
    case 'bytes':
      if (input instanceof Uint8Array) return records.bytes(input);
      break;
    default:
      if (input instanceof Uint8Array) return records.bytes(input);
  }
  const takes = typeof decode === 'function' ? 'decodes bytes with a function' : `takes ${decode}`;
  throw new MillraceError(
    'TEST_MISUSED',
    `This handler ${takes}, and run() was given ${typeof input}. Give it what stands in the stream: a record made with records.bytes() or records.text().`,
  );
}

function isRecord(input: unknown): input is SingleRecord {
  return (
    typeof input === 'object' &&
    input !== null &&
    'kind' in input &&
    input.kind === 'single' &&
    'partitionKey' in input &&
    'data' in input &&
    input.data instanceof Uint8Array
  );
}

function aggregated({ name }: Handler): MillraceError {
  return new MillraceError(
    'TEST_MISUSED',
    `${name} was given an intact KPL aggregate, which the daemon takes apart. Give run() one of its user records, or use testBed.`,
  );
}

function onlyInWindows({ name }: Handler): MillraceError {
  return new MillraceError(
    'TEST_MISUSED',
    `${name} takes records into a window, which one record alone does not end. Use testBed: deliver the records, then end the shard or let its time pass.`,
  );
}

function noSuchHandler({ name: consumer, handlers }: ConsumerDefinition, name: string): MillraceError {
  const names = handlers.map((each) => each.name).join(', ');
  return new MillraceError('TEST_MISUSED', `${consumer} has no handler "${name}"; its handlers are ${names}.`);
}
