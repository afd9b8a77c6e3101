/** Consumers as plain data: whatever the decorators say can be said here, and gives the same definition. */
import type { Scope } from '../ports.js';
import { buildDefinition } from './build-definition.js';
import { type At, checkFunction, checkOptions, inside } from './check-values.js';
import type { ConsumerOptionsSource } from './consumer-options.js';
import type {
  Batch,
  BatchContext,
  RecordContext,
  ShardContext,
  ShutdownContext,
  WindowContext,
  WindowRecordContext,
} from './context.js';
import { dataWords, type DeclaredDeadLetter, type DeclaredHandler } from './declared.js';
import type { ConsumerDefinition, Decode, Hook, HookName, Hooks } from './definition.js';
import type { FilterPattern } from './filter-pattern.js';
import type {
  BatchOptions,
  CheckpointOptions,
  CircuitBreakerOptions,
  ConcurrencyOptions,
  DeadLetterOptions,
  RecordOptions,
  RetryOptions,
  SinkInput,
  WindowOptions,
} from './handler-options.js';
import { Issues } from './issues.js';
import type { IdempotentOptions, MiddlewareInput } from './middleware.js';
import type { Payload, SchemaInput } from './payload.js';

/** A sink, with what `@DeadLetter` takes as its second argument. */
export type DeadLetterInput = DeadLetterOptions & { readonly sink: SinkInput };

interface HandlerPolicies {
  /** For logs and dead letters. */
  readonly name: string;
  readonly retry?: RetryOptions;
  readonly deadLetter?: DeadLetterInput;
  /** Runs around the handler, inside of the consumer's own; the outermost first. */
  readonly use?: readonly MiddlewareInput[];
}

/** A handler as `recordHandler` and `batchHandler` give it; `I` is the instance that it needs. */
export interface HandlerData<in I extends object = object> {
  readonly kind: 'record' | 'batch' | 'window';
  readonly name: string;
  readonly options: unknown;
  readonly retry: RetryOptions | undefined;
  readonly deadLetter: DeadLetterInput | undefined;
  readonly use: readonly MiddlewareInput[] | undefined;
  readonly idempotent: IdempotentOptions<never> | undefined;
  readonly handle: (payload: never, context: never, instance: I) => unknown;
  readonly emit?: ((state: never, context: WindowContext, instance: I) => unknown) | undefined;
}

/** A handler for single records: the options of `@OnRecord`, a name, and `handle(payload, context, instance)`. */
export function recordHandler<
  D extends Decode | undefined,
  S extends SchemaInput | undefined = undefined,
  I extends object = object,
>(
  handler: RecordOptions<S, D> &
    HandlerPolicies & {
      /** Handles records with the same key once. */
      readonly idempotent?: IdempotentOptions<Payload<S, D>>;
      readonly handle: (payload: Payload<S, D>, context: RecordContext, instance: I) => unknown;
    },
): HandlerData<I> {
  return { kind: 'record', ...splitHandler(handler) };
}

/** The handler for batches: the options of `@OnBatch`, a name, and `handle(batch, context, instance)`. */
export function batchHandler<
  D extends Decode | undefined,
  S extends SchemaInput | undefined = undefined,
  I extends object = object,
>(
  handler: BatchOptions<S, D> &
    HandlerPolicies & {
      readonly handle: (batch: Batch<Payload<S, D>>, context: BatchContext, instance: I) => void | Promise<void>;
    },
): HandlerData<I> {
  return { kind: 'batch', ...splitHandler(handler) };
}

/**
 * The handler that gathers records in tumbling windows: the options of `@OnWindow`, a name,
 * `handle(payload, context, instance)` for each record, and `emit(state, context, instance)` for each window that is over.
 */
export function windowHandler<
  State,
  D extends Decode | undefined,
  S extends SchemaInput | undefined = undefined,
  I extends object = object,
>(
  handler: WindowOptions<State, S, D> &
    HandlerPolicies & {
      readonly handle: (payload: Payload<S, D>, context: WindowRecordContext<State>, instance: I) => unknown;
      readonly emit: (state: State, context: WindowContext, instance: I) => void | Promise<void>;
    },
): HandlerData<I> {
  const { emit, ...rest } = handler;
  return { kind: 'window', ...splitHandler(rest), emit };
}

function splitHandler<H extends (payload: never, context: never, instance: never) => unknown>(
  handler: HandlerPolicies & { readonly handle: H; readonly idempotent?: IdempotentOptions<never> },
) {
  const { name, handle, retry, deadLetter, use, idempotent, ...options } = handler;
  return { name, handle, retry, deadLetter, use, idempotent, options };
}

export interface ConsumerData<I extends object> {
  /** For logs and dead letters. */
  readonly name: string;
  readonly stream: string;
  /** Names the DynamoDB lease table: workers with the same name share the shards. */
  readonly applicationName: string;
  readonly options?: ConsumerOptionsSource;
  /** Makes the instance of a shard lease; `scope.resolve` gives services. @defaultValue an empty object */
  readonly create?: (scope: Scope) => I | Promise<I>;
  /** Made by `recordHandler` in routing order, or one made by `batchHandler`. */
  readonly handlers: readonly HandlerData<I>[];
  readonly hooks?: {
    readonly initialize?: (context: ShardContext, instance: I) => unknown;
    readonly shardEnd?: (context: ShardContext, instance: I) => unknown;
    readonly leaseLost?: (context: ShardContext, instance: I) => unknown;
    readonly shutdownRequested?: (context: ShutdownContext, instance: I) => unknown;
  };
  readonly checkpoint?: CheckpointOptions;
  readonly retry?: RetryOptions;
  readonly deadLetter?: DeadLetterInput;
  readonly concurrency?: ConcurrencyOptions;
  /** Only records that fit are handled, the others settle as filtered; of a list of patterns, one has to fit. */
  readonly filter?: FilterPattern | readonly FilterPattern[];
  /** Runs around every call of a handler; the outermost first. */
  readonly use?: readonly MiddlewareInput[];
  /** For every record handler that does not say it itself. */
  readonly idempotent?: IdempotentOptions;
  readonly circuitBreaker?: CircuitBreakerOptions;
}

/**
 * Declares a consumer without decorators.
 *
 * @throws DefinitionError with every mistake in `issues`.
 */
export function defineConsumer<I extends object = object>(data: ConsumerData<I>): ConsumerDefinition {
  const issues = new Issues();
  const at = (what: string): At => ({ issues, place: { path: [data.name], label: what } });
  const handlers = data.handlers ?? [];
  checkNames(data, handlers, at(`${data.name} (defineConsumer)`));
  checkFunction(data.create, { ...at(`${data.name} (defineConsumer)`), name: 'create' });
  const create = data.create ?? (() => ({}));
  return buildDefinition(
    {
      name: data.name,
      words: dataWords,
      stream: data.stream,
      applicationName: data.applicationName,
      options: data.options,
      instance: { kind: 'factory', create },
      handlers: handlers.map(declareHandler),
      hooks: declareHooks(data.hooks, at(`${data.name} (hooks)`)),
      checkpoint: data.checkpoint,
      retry: data.retry,
      deadLetter: declareDeadLetter(data.deadLetter),
      concurrency: data.concurrency,
      filter: data.filter,
      use: data.use,
      idempotent: data.idempotent,
      circuitBreaker: data.circuitBreaker,
    },
    issues.found,
  );
}

const dataNames = [
  'name',
  'stream',
  'applicationName',
  'options',
  'create',
  'handlers',
  'hooks',
  'checkpoint',
  'retry',
  'deadLetter',
  'concurrency',
  'filter',
  'use',
  'idempotent',
  'circuitBreaker',
];

function checkNames(data: Pick<ConsumerDefinition, 'name'>, handlers: readonly { name: string }[], at: At): void {
  checkOptions(data, dataNames, at);
  const named = (value: unknown) => typeof value === 'string' && value !== '';
  if (!named(data.name)) at.issues.add('MISSING_NAME', at.place, 'the consumer has no name. Add { name }.');
  handlers.forEach((handler, index) => {
    if (named(handler.name)) return;
    const { place } = inside(at, String(index));
    at.issues.add(
      'MISSING_NAME',
      place,
      `handler ${index + 1} has no name. Add { name }: logs and dead letters show it.`,
    );
  });
}

function declareHandler<I extends object>(handler: HandlerData<I>): DeclaredHandler {
  const { kind, name, options, retry, use, idempotent } = handler;
  // The helpers tied the parameters to schema and instance; from here on the runtime passes what fits.
  const handle = handler.handle as (payload: unknown, context: unknown, instance: object) => unknown;
  const emit: unknown = handler.emit;
  return {
    kind,
    name,
    options,
    ...(typeof emit === 'function'
      ? { emit: (instance, state, context) => (emit as EmitFunction)(state, context, instance) }
      : {}),
    retry,
    deadLetter: declareDeadLetter(handler.deadLetter),
    use,
    idempotent,
    parameter: undefined,
    call: (instance, payload, context) => handle(payload, context, instance),
  };
}

type EmitFunction = (state: unknown, context: unknown, instance: object) => unknown;

function declareDeadLetter(input: DeadLetterInput | undefined): DeclaredDeadLetter | undefined {
  if (input === undefined) return undefined;
  const { sink, ...options } = input;
  return { sink, options };
}

const hookNames = ['initialize', 'shardEnd', 'leaseLost', 'shutdownRequested'] as const satisfies readonly HookName[];

function declareHooks(hooks: unknown, at: At): Hooks {
  const given = checkOptions(hooks, hookNames, at) ?? {};
  const one = (name: HookName): Hook | undefined => {
    const hook = checkFunction(given[name], { ...at, name });
    return hook && { name, call: (instance, context) => hook(context, instance) };
  };
  return {
    initialize: one('initialize'),
    shardEnd: one('shardEnd'),
    leaseLost: one('leaseLost'),
    shutdownRequested: one('shutdownRequested'),
  };
}
