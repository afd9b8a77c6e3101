/** Consumers as plain data: whatever the decorators say can be said here, and gives the same definition. */
import type { Scope } from '../ports.js';
import { buildDefinition } from './build-definition.js';
import { type At, checkFunction, checkOptions, inside } from './check-values.js';
import type { ConsumerOptionsSource } from './consumer-options.js';
import type { Batch, BatchContext, RecordContext, ShardContext, ShutdownContext } from './context.js';
import { dataWords, type DeclaredDeadLetter, type DeclaredHandler } from './declared.js';
import type { ConsumerDefinition, Decode, Hook, HookName, Hooks } from './definition.js';
import type {
  BatchOptions,
  CheckpointOptions,
  CircuitBreakerOptions,
  ConcurrencyOptions,
  DeadLetterOptions,
  RecordOptions,
  RetryOptions,
  SinkInput,
} from './handler-options.js';
import { Issues } from './issues.js';
import type { Payload, SchemaInput } from './payload.js';

/** A sink, with what `@DeadLetter` takes as its second argument. */
export type DeadLetterInput = DeadLetterOptions & { readonly sink: SinkInput };

interface HandlerPolicies {
  /** For logs and dead letters. */
  readonly name: string;
  readonly retry?: RetryOptions;
  readonly deadLetter?: DeadLetterInput;
}

/** A handler as `recordHandler` and `batchHandler` give it; `I` is the instance that it needs. */
export interface HandlerData<in I extends object = object> {
  readonly kind: 'record' | 'batch';
  readonly name: string;
  readonly options: unknown;
  readonly retry: RetryOptions | undefined;
  readonly deadLetter: DeadLetterInput | undefined;
  readonly handle: (payload: never, context: never, instance: I) => unknown;
}

/** A handler for single records: the options of `@OnRecord`, a name, and `handle(payload, context, instance)`. */
export function recordHandler<
  D extends Decode | undefined,
  S extends SchemaInput | undefined = undefined,
  I extends object = object,
>(
  handler: RecordOptions<S, D> &
    HandlerPolicies & { readonly handle: (payload: Payload<S, D>, context: RecordContext, instance: I) => unknown },
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

function splitHandler<H extends (payload: never, context: never, instance: never) => unknown>(
  handler: HandlerPolicies & { readonly handle: H },
) {
  const { name, handle, retry, deadLetter, ...options } = handler;
  return { name, handle, retry, deadLetter, options };
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
  const { kind, name, options, retry } = handler;
  // The helpers tied the parameters to schema and instance; from here on the runtime passes what fits.
  const handle = handler.handle as (payload: unknown, context: unknown, instance: object) => unknown;
  return {
    kind,
    name,
    options,
    retry,
    deadLetter: declareDeadLetter(handler.deadLetter),
    parameter: undefined,
    call: (instance, payload, context) => handle(payload, context, instance),
  };
}

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
