/** Which handler takes a record: source order decides, `otherwise` comes last, and a doubt is a failure. */
import type { ConsumerRecord } from '../definition/context.js';
import type { Decode, RecordHandler } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import { decodeFailure, decodeRecord } from './decode.js';
import { isThenable } from './validate.js';

export type Route<E> =
  | { readonly kind: 'taken'; readonly entry: E }
  | { readonly kind: 'failed'; readonly handler: RecordHandler | undefined; readonly error: MillraceError };

/** A handler together with whatever the caller wants to find again with it. */
interface Entry {
  readonly handler: RecordHandler;
}

export interface Routing<E extends Entry> {
  readonly entries: readonly E[];
  readonly discriminator: string | undefined;
  /** The consumer's own, for handlers that do not say. */
  readonly decode: Decode;
}

export type Router<E> = (record: ConsumerRecord, decoded: DecodeOnce) => Route<E>;

/** Decodes a record once per decoder, however many handlers look at the result. */
export class DecodeOnce {
  readonly #record: ConsumerRecord;
  #values: Map<Decode, unknown> | undefined;

  constructor(record: ConsumerRecord) {
    this.#record = record;
  }

  get(decode: Decode): unknown {
    // The record itself keeps its JSON.
    if (typeof decode !== 'function') return decodeRecord(decode, this.#record);
    this.#values ??= new Map();
    if (!this.#values.has(decode)) this.#values.set(decode, decodeRecord(decode, this.#record));
    return this.#values.get(decode);
  }
}

export function compileRouter<E extends Entry>(routing: Routing<E>): Router<E> {
  const inOrder = routing.entries.filter(({ handler }) => !handler.otherwise);
  const otherwise = routing.entries.find(({ handler }) => handler.otherwise);
  const path = routing.discriminator ? routing.discriminator.split('.') : [];
  // A consumer that decodes with a function keeps its types in what that function gives; others in JSON.
  const typeDecode = typeof routing.decode === 'function' ? routing.decode : 'json';
  return (record, decoded) => {
    const search: Search = { record, decoded, path, typeDecode, undecodable: undefined };
    for (const entry of inOrder) {
      const { handler } = entry;
      const match = matches(handler, handler.decode ?? routing.decode, search);
      if (match === true) return { kind: 'taken', entry };
      if (match !== false) return { kind: 'failed', handler: undefined, error: match };
    }
    if (otherwise !== undefined) return { kind: 'taken', entry: otherwise };
    return { kind: 'failed', handler: undefined, error: search.undecodable ?? unmatched(search) };
  };
}

/** One record on its way through the handlers. */
interface Search {
  readonly record: ConsumerRecord;
  readonly decoded: DecodeOnce;
  readonly path: readonly string[];
  readonly typeDecode: Decode;
  /** Why the bytes were no JSON or no text; said at the end if nobody took the record. */
  undecodable: MillraceError | undefined;
}

function matches(handler: RecordHandler, decode: Decode, search: Search): boolean | MillraceError {
  if (handler.type !== undefined) {
    const payload = attempt(search.typeDecode, search);
    if (payload.kind !== 'value') return payload.kind === 'failed' ? payload.error : false;
    if (valueAt(payload.value, search.path) !== handler.type) return false;
  }
  if (handler.when === undefined) return true;
  const payload = attempt(decode, search);
  if (payload.kind !== 'value') return payload.kind === 'failed' ? payload.error : false;
  return evaluate(handler, payload.value, search.record);
}

type Attempt =
  | { readonly kind: 'value'; readonly value: unknown }
  /** Not JSON or not text: other handlers may want the bytes. */
  | { readonly kind: 'otherFormat' }
  /** A decoding function threw: it could not tell, so nobody else may take the record in its place. */
  | { readonly kind: 'failed'; readonly error: MillraceError };

function attempt(decode: Decode, search: Search): Attempt {
  try {
    const value = search.decoded.get(decode);
    if (!isThenable(value)) return { kind: 'value', value };
    ignoreLater(value);
    const message = `Routing the record ${search.record.id} needs a decode function that is not asynchronous.`;
    return { kind: 'failed', error: new MillraceError('DECODE_FAILED', message) };
  } catch (thrown) {
    const error = decodeFailure(thrown, search.record);
    if (typeof decode === 'function') return { kind: 'failed', error };
    search.undecodable ??= error;
    return { kind: 'otherFormat' };
  }
}

function evaluate(handler: RecordHandler, payload: unknown, record: ConsumerRecord): boolean | MillraceError {
  const failed = (why: string, cause?: unknown) =>
    new MillraceError(
      'NO_HANDLER_MATCHED',
      `The when of ${handler.name} ${why}, so the record ${record.id} has no handler.`,
      {
        details: { handler: handler.name, shardId: record.shardId, sequenceNumber: record.sequenceNumber },
        ...(cause === undefined ? {} : { cause }),
      },
    );
  try {
    const answer: unknown = handler.when?.(payload, record);
    if (typeof answer === 'boolean') return answer;
    // A promise is truthy whatever it resolves to: the record would go to the wrong handler.
    if (isThenable(answer)) ignoreLater(answer);
    return failed(`gave neither true nor false but ${isThenable(answer) ? 'a promise' : typeof answer}`);
  } catch (thrown) {
    return failed('threw', toError(thrown));
  }
}

/** The record has failed already; that this promise may reject as well must not end the process. */
function ignoreLater(promise: Promise<unknown>): void {
  void promise.then(undefined, () => undefined);
}

/** Own properties only: a payload must not route by what every object inherits. */
function valueAt(payload: unknown, path: readonly string[]): unknown {
  let current = payload;
  for (const step of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) return undefined;
    current = (current as Readonly<Record<string, unknown>>)[step];
  }
  return current;
}

function unmatched(search: Search): MillraceError {
  const { id, shardId, sequenceNumber, subSequenceNumber } = search.record;
  return new MillraceError(
    'NO_HANDLER_MATCHED',
    `No handler takes the record ${id}.${typeFound(search)} Add a handler for it, or one with { otherwise: true }.`,
    { details: { shardId, sequenceNumber, subSequenceNumber } },
  );
}

function typeFound(search: Search): string {
  const payload = search.path.length === 0 ? undefined : attempt(search.typeDecode, search);
  if (payload?.kind !== 'value') return '';
  const type = valueAt(payload.value, search.path);
  const where = search.path.join('.');
  if (type === undefined) return ` It has no ${where}.`;
  return typeof type === 'string' ? ` Its ${where} is '${type.slice(0, 100)}'.` : ` Its ${where} is no text.`;
}
