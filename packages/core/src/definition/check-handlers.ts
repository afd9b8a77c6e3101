/** Handlers, each by itself. How they stand to each other is judged in check-routing.ts. */
import { checkDeadLetter, checkRetry, completeRetry, type PartialRetry } from './check-policies.js';
import { checkParameter, checkSchema, checkSchemaFitsDecode } from './check-schema.js';
import {
  type At,
  checkChoice,
  checkFunction,
  checkNumber,
  checkOptions,
  IN_FLIGHT_MAX,
  inside,
  type PlainOptions,
  TIMER_MAX_MS,
} from './check-values.js';
import { type DeclaredConsumer, type DeclaredHandler, handlerPlace } from './declared.js';
import { checkIdempotent, checkUse } from './check-middleware.js';
import type { BatchHandler, CheckpointPolicy, Decode, Handler, RecordHandler, WindowHandler } from './definition.js';
import { type Issues, oneOf, show } from './issues.js';
import type { Idempotency, MiddlewareSource } from './middleware.js';

const recordOptionNames = ['schema', 'decode', 'type', 'when', 'key', 'otherwise'];
const batchOptionNames = ['schema', 'decode', 'order', 'maxItems', 'maxWaitMs', 'bisect'];
const windowOptionNames = ['schema', 'decode', 'everyMs', 'state', 'emit'];
/** A quarter of the longest retention that Kinesis has, 365 days; a stream's own is looked at when it is known. */
const EVERY_MS = { min: 1, max: (365 * 86_400_000) / 4, integer: true };
const decoders = ['json', 'text', 'bytes'] as const;

/** What handlers need to know of their consumer. */
export interface ConsumerFacts {
  readonly declared: DeclaredConsumer;
  readonly retry: PartialRetry | undefined;
  readonly checkpoint: CheckpointPolicy;
  readonly use: readonly MiddlewareSource[];
  readonly idempotent: Idempotency | undefined;
  /** The consumer's options when they are fixed; undefined when they are a function of the environment. */
  readonly options: PlainOptions | undefined;
}

export interface CheckedHandlers {
  readonly handlers: readonly Handler[];
  /** Those without a mistake of their own: judging how the others route would only add noise. */
  readonly sound: readonly Handler[];
}

export function checkHandlers(consumer: ConsumerFacts, issues: Issues): CheckedHandlers {
  const sound: Handler[] = [];
  const handlers = consumer.declared.handlers.map((declared) => {
    const before = issues.found.length;
    const at = { issues, place: handlerPlace(consumer.declared, declared) };
    const handler = handlerOf(declared, consumer, at);
    if (issues.found.length === before) sound.push(handler);
    return handler;
  });
  return { handlers, sound };
}

function handlerOf(declared: DeclaredHandler, consumer: ConsumerFacts, at: At): Handler {
  switch (declared.kind) {
    case 'record':
      return recordHandler(declared, consumer, at);
    case 'batch':
      return batchHandler(declared, consumer, at);
    case 'window':
      return windowHandler(declared, consumer, at);
    default:
      return declared.kind satisfies never;
  }
}

function recordHandler(handler: DeclaredHandler, consumer: ConsumerFacts, at: At): RecordHandler {
  const options = checkOptions(handler.options, recordOptionNames, at) ?? {};
  const when = checkFunction(options['when'], { ...at, name: 'when' });
  const key = checkFunction(options['key'], { ...at, name: 'key' });
  const record: RecordHandler = {
    ...commonParts(handler, { consumer, options, at }),
    kind: 'record',
    idempotent: idempotency(handler, consumer, at),
    type: checkType(options['type'], at),
    when: when as RecordHandler['when'],
    otherwise: checkFlag(options['otherwise'], { ...at, name: 'otherwise' }),
    key: key as RecordHandler['key'],
  };
  checkOtherwise(record, at);
  return Object.freeze(record);
}

function batchHandler(handler: DeclaredHandler, consumer: ConsumerFacts, at: At): BatchHandler {
  idempotency(handler, consumer, at);
  const options = checkOptions(handler.options, batchOptionNames, at) ?? {};
  return Object.freeze({
    ...commonParts(handler, { consumer, options, at }),
    kind: 'batch',
    order: checkChoice(options['order'], ['any', 'strict'], { ...at, name: 'order' }) ?? 'any',
    maxItems: checkNumber(
      options['maxItems'],
      { min: 1, max: IN_FLIGHT_MAX, integer: true },
      { ...at, name: 'maxItems' },
    ),
    maxWaitMs: checkNumber(options['maxWaitMs'], { min: 1, max: TIMER_MAX_MS }, { ...at, name: 'maxWaitMs' }),
    bisect: checkFlag(options['bisect'], { ...at, name: 'bisect' }),
  });
}

function windowHandler(handler: DeclaredHandler, consumer: ConsumerFacts, at: At): WindowHandler {
  const options = checkOptions(handler.options, windowOptionNames, at) ?? {};
  const everyMs = checkNumber(options['everyMs'], EVERY_MS, { ...at, name: 'everyMs' });
  const state = checkFunction(options['state'], { ...at, name: 'state' });
  if (options['everyMs'] === undefined)
    at.issues.add(
      'BAD_VALUE',
      inside(at, 'everyMs').place,
      'everyMs is missing. Say how long a window is, for example { everyMs: 60_000 }.',
    );
  if (options['state'] === undefined)
    at.issues.add(
      'BAD_VALUE',
      inside(at, 'state').place,
      'state is missing. Give a function that makes the state of a new window, for example { state: () => ({ count: 0 }) }.',
    );
  if (handler.emit === undefined)
    at.issues.add(
      'BAD_VALUE',
      inside(at, 'emit').place,
      `emit is missing, or is ${show(options['emit'])}. Give a function of the state and its context, or the name of such a method.`,
    );
  return Object.freeze({
    ...commonParts(handler, { consumer, options, at }),
    kind: 'window',
    everyMs: everyMs ?? 1,
    state: state ?? (() => undefined),
    emit: handler.emit ?? (() => undefined),
  });
}

interface HandlerFacts {
  readonly consumer: ConsumerFacts;
  readonly options: PlainOptions;
  readonly at: At;
}

function commonParts(handler: DeclaredHandler, { consumer, options, at }: HandlerFacts) {
  const schema = checkSchema(options['schema'], at);
  const decode = checkDecode(options['decode'], at);
  const effectiveDecode = decode ?? consumer.options?.['decode'];
  checkSchemaFitsDecode(schema, decode, at);
  // A batch handler's parameter is an array whatever its items are, so it tells nothing. A schema that is wrong itself
  // has been reported; and options that depend on the environment may name a decoding function.
  if (handler.kind !== 'batch' && (schema !== undefined || options['schema'] === undefined)) {
    const decodesByFunction = typeof effectiveDecode === 'function' || (decode === undefined && !consumer.options);
    checkParameter({ parameter: handler.parameter, schema, decodesByFunction }, at);
  }
  return {
    name: handler.name,
    schema,
    decode,
    ...handlerPolicies(handler, consumer, at),
    call: handler.call,
  };
}

function on(at: At, what: string): At {
  return { ...at, place: { ...at.place, label: `${at.place.label}, ${what}` } };
}

/** The handler's own declaration takes the place of the consumer's. */
function idempotency(handler: DeclaredHandler, consumer: ConsumerFacts, at: At): Idempotency | undefined {
  if (handler.idempotent === undefined) return consumer.idempotent;
  const facts = { kind: handler.kind, checkpoint: consumer.checkpoint.kind };
  return checkIdempotent(handler.idempotent, facts, on(at, consumer.declared.words.idempotent));
}

function handlerPolicies(handler: DeclaredHandler, consumer: ConsumerFacts, at: At) {
  const { words } = consumer.declared;
  const own = checkRetry(handler.retry, on(at, words.retry));
  const deadLetter = checkDeadLetter(handler.deadLetter, on(at, words.deadLetter));
  const speaks = own !== undefined || handler.deadLetter !== undefined;
  const hasSink = handler.deadLetter !== undefined || consumer.declared.deadLetter !== undefined;
  return {
    retry: speaks ? completeRetry([own, consumer.retry], hasSink, on(at, words.retry)) : undefined,
    deadLetter,
    use: Object.freeze([...consumer.use, ...checkUse(handler.use, on(at, words.use))]),
  };
}

function checkDecode(value: unknown, at: At): Decode | undefined {
  if (value === undefined || typeof value === 'function') return value as Decode | undefined;
  const known = decoders.find((decoder) => decoder === value);
  if (known === undefined) {
    at.issues.add(
      'BAD_VALUE',
      inside(at, 'decode').place,
      `decode must be ${oneOf(decoders)}, or a function of the bytes, not ${show(value)}.`,
    );
  }
  return known;
}

function checkType(value: unknown, at: At): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  at.issues.add(
    'BAD_VALUE',
    inside(at, 'type').place,
    `type must be a text that is not empty, not ${show(value)}. Route by other values with when.`,
  );
  return undefined;
}

function checkFlag(value: unknown, at: At & { readonly name: string }): boolean {
  if (value !== undefined && typeof value !== 'boolean') {
    at.issues.add('BAD_VALUE', inside(at, at.name).place, `${at.name} must be true or false, not ${show(value)}.`);
  }
  return value === true;
}

function checkOtherwise(handler: RecordHandler, at: At): void {
  if (!handler.otherwise) return;
  for (const name of ['type', 'when'] as const) {
    if (handler[name] === undefined) continue;
    at.issues.add(
      'OPTIONS_EXCLUDE',
      inside(at, 'otherwise').place,
      `otherwise takes what no other handler takes, so it excludes ${name}. Remove one of them.`,
    );
  }
}
