/** `handler(Consumer, 'placed').run(payload)`: one method, no stream. The first test that people write. */
import { MillraceError, readDefinition, type Batch, type ConsumerDefinition, type Handler } from '@millrace/core';
import type { DeliveredRecord } from './history.js';
import { records, type TestRecord } from './record-builders.js';
import type { TestBedOptions } from './bed-options.js';
import { testBed, type TestBed } from './test-bed.js';

/** A payload as the handler gets it, or a whole record when bytes, key or arrival time matter. */
export type HandlerInput<P> = P | TestRecord;

export interface HandlerOutcome {
  /** `deferred`: the handler took a handle and has not used it. */
  readonly kind: 'handled' | 'failed' | 'deferred';
  /** What it threw, or what was wrong with the payload; undefined when it was handled. */
  readonly error: Error | undefined;
  /** The lines it logged through `context.log`. */
  readonly log: TestBed['log']['lines'];
}

export interface BatchOutcome {
  readonly log: TestBed['log']['lines'];
  /** In the order of the payloads. */
  readonly items: readonly Omit<HandlerOutcome, 'log'>[];
}

type PayloadOf<M> = M extends (payload: infer P, ...rest: never[]) => unknown ? P : never;
type MethodNames<C> = { [K in keyof C]: C[K] extends (...args: never[]) => unknown ? K : never }[keyof C] & string;
type ConsumerOf<C extends object> = abstract new (...args: never[]) => C;

export interface HandlerHarness<P> {
  /**
   * Runs the handler once, on what a record with this payload would give it: decoded, validated, with a context on a
   * virtual clock. Nothing is retried.
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
  options?: TestBedOptions,
): HandlerHarness<PayloadOf<C[K]>>;
export function handler(consumer: ConsumerDefinition, name: string, options?: TestBedOptions): HandlerHarness<unknown>;
export function handler(
  consumer: ConsumerOf<object> | ConsumerDefinition,
  name: string,
  options: TestBedOptions = {},
): HandlerHarness<unknown> {
  const definition = typeof consumer === 'function' ? readDefinition(consumer) : consumer;
  const found = definition.handlers.find((each) => each.name === name);
  if (found === undefined) throw noSuchHandler(definition, name);
  return { run: (input) => runOnce(onlyThis(definition, found), input, options) as Promise<never> };
}

async function runOnce(
  definition: ConsumerDefinition,
  input: unknown,
  options: TestBedOptions,
): Promise<HandlerOutcome | BatchOutcome> {
  const [only] = definition.handlers;
  const decode = only?.decode ?? 'json';
  await using bed = await testBed(definition, { ...options, shards: 1 });
  const inputs = only?.kind === 'batch' ? (input as readonly unknown[]) : [input];
  const delivered = bed.shard().deliver(...inputs.map((each) => toRecord(each, decode)));
  await bed.idle();
  const outcomes = delivered.map((record) => outcomeOf(bed, record));
  if (only?.kind === 'batch') return { items: outcomes, log: bed.log.lines };
  const [outcome] = outcomes;
  if (outcome === undefined)
    throw new MillraceError('INPUT_INVALID', 'An aggregated record without user records has no outcome.');
  return { ...outcome, log: bed.log.lines };
}

/** The consumer with this one handler, which takes every record, once. */
function onlyThis(definition: ConsumerDefinition, found: Handler): ConsumerDefinition {
  const retry = { ...(found.retry ?? definition.retry), attempts: 1, then: 'skip' as const };
  const once = { ...definition, retry, deadLetter: undefined, checkpoint: { kind: 'batch' as const } };
  if (found.kind === 'batch') return { ...once, handlers: [{ ...found, retry, deadLetter: undefined }] };
  return {
    ...once,
    handlers: [{ ...found, type: undefined, when: undefined, otherwise: false, retry, deadLetter: undefined }],
  };
}

function outcomeOf(bed: TestBed, record: DeliveredRecord): Omit<HandlerOutcome, 'log'> {
  const settled = bed.history.settled(record.id);
  if (settled === undefined)
    return { kind: bed.stopRequests.length > 0 ? 'failed' : 'deferred', error: bed.stopRequests[0] };
  return settled.how === 'handled' ? { kind: 'handled', error: undefined } : { kind: 'failed', error: settled.error };
}

/** Payloads travel as they would in the stream: as bytes. */
function toRecord(input: unknown, decode: NonNullable<Handler['decode']>): TestRecord {
  if (isTestRecord(input)) return input;
  if (input instanceof Uint8Array) return records.bytes(input);
  if (decode === 'text' && typeof input === 'string') return records.text(input);
  if (decode === 'json') return records.of(input);
  throw new MillraceError(
    'INPUT_INVALID',
    `This handler decodes ${typeof decode === 'function' ? 'bytes with a function' : decode}; give run() the bytes of a record, or a record made with records.bytes().`,
  );
}

function isTestRecord(input: unknown): input is TestRecord {
  return (
    typeof input === 'object' &&
    input !== null &&
    'kind' in input &&
    (input.kind === 'single' || input.kind === 'kpl') &&
    ('data' in input || 'records' in input)
  );
}

function noSuchHandler({ name: consumer, handlers }: ConsumerDefinition, name: string): MillraceError {
  return new MillraceError(
    'INPUT_INVALID',
    `${consumer} has no handler "${name}"; its handlers are ${handlers.map((each) => each.name).join(', ')}.`,
  );
}
