/** When to checkpoint, how often to run again, where to park, what to filter, what stands around: decorators that say how, not what. */
import type { FilterPattern } from '../definition/filter-pattern.js';
import type {
  CheckpointOptions,
  CircuitBreakerOptions,
  ConcurrencyOptions,
  DeadLetterOptions,
  RetryOptions,
  SinkInput,
} from '../definition/handler-options.js';
import type { IdempotentOptions, MiddlewareInput } from '../definition/middleware.js';
import type { PolicyClassDecorator, PolicyDecorator } from './decorator-types.js';
import {
  type Declaration,
  type DecoratorArguments,
  isStandardContext,
  type Member,
  recordOnClass,
  recordOnMember,
  standardDecorators,
} from './store.js';

/**
 * When the watermark is written: `'record'`, `'batch'`, `'manual'`, or `{ everyMs, everyRecords }`, whichever is reached
 * first. Without it: every 5 s. At shard end and shutdown it is written in any case.
 */
export function CheckpointPolicy(policy: CheckpointOptions): PolicyClassDecorator {
  return (target: object, context?: unknown) => {
    if (isStandardContext(context)) throw standardDecorators('@CheckpointPolicy', context);
    recordOnClass('@CheckpointPolicy', target, { kind: 'checkpoint', policy });
  };
}

/**
 * Runs several records of a shard at once, in order for each key: `@Concurrency({ perShard: 16 })`. The same key runs
 * strictly one record after the other, retries included; other keys go on meanwhile.
 */
export function Concurrency(options: ConcurrencyOptions): PolicyClassDecorator {
  return (target: object, context?: unknown) => {
    if (isStandardContext(context)) throw standardDecorators('@Concurrency', context);
    recordOnClass('@Concurrency', target, { kind: 'concurrency', options });
  };
}

/**
 * Stops starting handlers while what they call is down: `@CircuitBreaker({ failureRate: 0.5 })`. One for all shards of the
 * consumer in a process; while it is open they are held, no attempt is used up, and nothing is parked.
 */
export function CircuitBreaker(options: CircuitBreakerOptions = {}): PolicyClassDecorator {
  return (target: object, context?: unknown) => {
    if (isStandardContext(context)) throw standardDecorators('@CircuitBreaker', context);
    recordOnClass('@CircuitBreaker', target, { kind: 'circuitBreaker', options });
  };
}

/**
 * How often a failed record runs again, and what follows. On a method it wins over the class's, option by option.
 * Without it: 5 attempts, then the dead letter when there is one, else the shard holds.
 */
export function RetryPolicy(options: RetryOptions): PolicyDecorator {
  return onClassOrMethod('@RetryPolicy', (member) => ({ kind: 'retry', options, member }));
}

/**
 * Where records go that cannot be handled; their successors go on only when the sink has stored them durably.
 * On a method it replaces the class's.
 *
 * @param sink - a description such as `file({ directory: './parked' })`, or an injection token of a DeadLetterSink.
 */
export function DeadLetter(sink: SinkInput, options?: DeadLetterOptions): PolicyDecorator {
  return onClassOrMethod('@DeadLetter', (member) => ({ kind: 'deadLetter', sink, options, member }));
}

/**
 * Only records that fit the pattern are handled; the others settle as filtered and are counted. Patterns are those of
 * Lambda's event source mappings, `data` is what `decode` gave. Of several patterns, in a list or in decorators of their
 * own, one has to fit.
 *
 * @example `@Filter({ data: { type: ['order'], total: [{ numeric: ['>', 100] }] } })`
 */
export function Filter(pattern: FilterPattern | readonly FilterPattern[]): PolicyClassDecorator {
  return (target: object, context?: unknown) => {
    if (isStandardContext(context)) throw standardDecorators('@Filter', context);
    recordOnClass('@Filter', target, { kind: 'filter', patterns: Array.isArray(pattern) ? pattern : [pattern] });
  };
}

/**
 * Middleware around every call of a handler, the first outermost. On a class it stands around every handler, on a method
 * inside of the class's.
 *
 * @param middleware - functions, or injection tokens of objects with `handle(context, next)`.
 */
export function Use(...middleware: readonly MiddlewareInput[]): PolicyDecorator {
  return onClassOrMethod('@Use', (member) => ({ kind: 'use', middleware, member }));
}

/**
 * Handles records with the same key once, as long as the key is remembered; a record that comes again is settled as
 * deduplicated. A crash between the effect and the note of it runs the handler again. On a method it replaces the class's.
 */
export function Idempotent<P = unknown>(options: IdempotentOptions<P>): PolicyDecorator {
  return onClassOrMethod('@Idempotent', (member) => ({ kind: 'idempotent', options, member }));
}

function onClassOrMethod(decorator: string, declare: (member: Member | undefined) => Declaration) {
  return (...target: DecoratorArguments): void => {
    if (target[1] === undefined) recordOnClass(decorator, target[0], declare(undefined));
    else recordOnMember(decorator, target, declare);
  };
}
