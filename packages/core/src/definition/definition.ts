/**
 * What a consumer is, as frozen data. Decorators and `defineConsumer` both end here, and nothing downstream knows which
 * of the two was used.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { DeadLetterSink, RuntimePorts, Scope } from '../ports.js';
import type { ConsumerRecord } from './context.js';
import type { FilterPattern } from './filter-pattern.js';
import type { Idempotency, MiddlewareSource } from './middleware.js';
import type { ParkedPlace } from './parked-place.js';

export interface ConsumerDefinition {
  /** The class's name, or the name given to defineConsumer. */
  readonly name: string;
  readonly stream: string;
  /** Names the DynamoDB lease table: workers with the same name share the shards. */
  readonly applicationName: string;
  /** As declared: typed KCL properties and ours, or a function of the environment that is evaluated once, at start. */
  readonly options: OptionsSource;
  readonly instance: InstanceSource;
  /** Record handlers in routing order (own before inherited, source order), or exactly one batch or window handler. */
  readonly handlers: readonly RecordHandler[] | readonly [BatchHandler] | readonly [WindowHandler];
  readonly hooks: Hooks;
  readonly checkpoint: CheckpointPolicy;
  /** The consumer's policy with every default filled in; a handler's own policy is complete, too. */
  readonly retry: RetryPolicy;
  readonly deadLetter: DeadLetter | undefined;
  /** Undefined runs the records of a shard one after the other. */
  readonly concurrency: Concurrency | undefined;
  /** Records that fit none of these patterns settle as filtered; undefined: every record is handled. */
  readonly filter: readonly FilterPattern[] | undefined;
  /** Undefined: handlers start whatever the failures before them. */
  readonly circuitBreaker: CircuitBreakerPolicy | undefined;
}

export type OptionsSource =
  | { readonly kind: 'fixed'; readonly options: DeclaredOptions }
  | { readonly kind: 'environment'; readonly options: (env: Environment) => DeclaredOptions };

export type Environment = Readonly<Record<string, string | undefined>>;
/** Checked by config/ against the property table; typed for users as ConsumerOptions. */
export type DeclaredOptions = Readonly<Record<string, unknown>>;

/** How a shard lease gets its own instance: from the container, or from a function. */
export type InstanceSource =
  | { readonly kind: 'class'; readonly target: ConsumerClass }
  | { readonly kind: 'factory'; readonly create: (scope: Scope) => object | Promise<object> };

export type ConsumerClass = abstract new (...args: never[]) => object;

export interface RecordHandler {
  readonly kind: 'record';
  /** The method's name, for logs and dead letters. */
  readonly name: string;
  readonly schema: Schema | undefined;
  readonly decode: Decode | undefined;
  /** Routes by the value at the consumer's `discriminator`. */
  readonly type: string | undefined;
  /** Routes by a predicate over the decoded payload; evaluated after `type`. */
  readonly when: ((payload: unknown, record: ConsumerRecord) => boolean) | undefined;
  /** Takes what no other handler took. */
  readonly otherwise: boolean;
  /** The ordering key of a payload, for lanes. */
  readonly key: ((payload: unknown) => string) | undefined;
  readonly retry: RetryPolicy | undefined;
  readonly deadLetter: DeadLetter | undefined;
  /** The consumer's and then its own, the outermost first. */
  readonly use: readonly MiddlewareSource[];
  /** Stands around the middleware: what that does is part of the effect. */
  readonly idempotent: Idempotency | undefined;
  /** Calls the user's code. A returned thenable is awaited, anything else means done. */
  readonly call: (instance: object, payload: unknown, context: unknown) => unknown;
}

export interface BatchHandler {
  readonly kind: 'batch';
  readonly name: string;
  readonly schema: Schema | undefined;
  readonly decode: Decode | undefined;
  /** `any`: unmarked items are handled whatever happened before them. `strict`: from the first failed item on all run again. */
  readonly order: 'any' | 'strict';
  /** The most items that one call gets; undefined sets no limit. */
  readonly maxItems: number | undefined;
  /** How long records gather across deliveries; undefined gives each delivery to the handler by itself. */
  readonly maxWaitMs: number | undefined;
  /** A throw that running again cannot mend, and that names no item, halves the batch until it names one. */
  readonly bisect: boolean;
  readonly retry: RetryPolicy | undefined;
  readonly deadLetter: DeadLetter | undefined;
  readonly use: readonly MiddlewareSource[];
  readonly call: (instance: object, batch: unknown, context: unknown) => unknown;
}

/** Takes records into the state of a tumbling window, and emits the state when the window is over. */
export interface WindowHandler {
  readonly kind: 'window';
  readonly name: string;
  readonly schema: Schema | undefined;
  readonly decode: Decode | undefined;
  /** Windows start at multiples of it since the epoch. */
  readonly everyMs: number;
  /** The state of a new window. */
  readonly state: () => unknown;
  readonly emit: (instance: object, state: unknown, context: unknown) => unknown;
  /** Stands around each record that is taken, not around `emit`. */
  readonly use: readonly MiddlewareSource[];
  readonly retry: RetryPolicy | undefined;
  readonly deadLetter: DeadLetter | undefined;
  readonly call: (instance: object, payload: unknown, context: unknown) => unknown;
}

export type Handler = RecordHandler | BatchHandler | WindowHandler;

export type HookName = 'initialize' | 'shardEnd' | 'leaseLost' | 'shutdownRequested';
export type Hook = { readonly name: string; readonly call: (instance: object, context: unknown) => unknown };
export type Hooks = { readonly [K in HookName]: Hook | undefined };

/** `bytes` hands over the raw bytes; a function gets them and the record. Default: the consumer's `decode`, else `json`. */
export type Decode = 'json' | 'text' | 'bytes' | ((bytes: Uint8Array, record: ConsumerRecord) => unknown);

export type Schema =
  | { readonly kind: 'standard'; readonly schema: StandardSchemaV1 }
  /** A class with class-validator decorators; class-transformer builds the instance. */
  | { readonly kind: 'dto'; readonly target: new () => object };

export type CheckpointPolicy =
  | { readonly kind: 'record' }
  | { readonly kind: 'batch' }
  | { readonly kind: 'manual' }
  /** Whatever comes first; undefined means that side does not count. */
  | { readonly kind: 'periodic'; readonly everyMs: number | undefined; readonly everyRecords: number | undefined };

export type Exhausted = 'deadLetter' | 'hold' | 'stop' | 'skip';

/** What follows a failed run, for one kind of errors. */
export interface RetryRules {
  /** Runs in all, the first included; at least 1. */
  readonly attempts: number;
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
  /** How long one run may take before its signal aborts. */
  readonly timeoutMs: number;
  /** A failed record older than this is not run again. Judged only after a failed attempt. */
  readonly maxRecordAgeMs: number | undefined;
  readonly then: Exhausted;
}

export interface RetryPolicy extends RetryRules {
  /** Other rules for some errors; the first that fits an error counts. */
  readonly overrides: readonly RetryOverride[];
}

export interface RetryOverride {
  readonly error: ErrorPattern;
  /** False: running the record again cannot help, whatever the error says. */
  readonly retryable: boolean;
  /** Complete: what the override does not say is the policy's. */
  readonly rules: RetryRules;
}

export type ErrorPattern =
  /** An instance of the class, or caused by one. */
  | { readonly kind: 'class'; readonly target: ErrorClass }
  /** Has this `code` or `name`, or is caused by such an error. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'predicate'; readonly fits: (error: Error) => boolean };

export type ErrorClass = abstract new (...args: never[]) => Error;

/** When handlers stop starting because what they call is down, and when they try again. */
export interface CircuitBreakerPolicy {
  /** The part of the calls that has to fail, above 0 and at most 1. */
  readonly failureRate: number;
  readonly windowMs: number;
  /** With fewer calls in the window it stays closed. */
  readonly minimumCalls: number;
  /** Before the first probe; twice as long after each probe that failed, up to `maxOpenMs`. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** So many calls are let through at once, and have to succeed before it closes. */
  readonly probes: number;
  /** Which errors count; undefined for all that are worth another try. */
  readonly only: ((error: Error) => boolean) | undefined;
}

export interface DeadLetter {
  readonly sink: SinkSource;
  /** `hold`: once a record of a key was parked, later records of that key wait instead of running out of order. */
  readonly sameKey: 'continue' | 'hold';
}

/** Lanes: records of one key run one after the other, those of different keys beside each other. */
export interface Concurrency {
  /** How many handlers of a shard run at once. */
  readonly perShard: number;
  /** What orders records, unless their handler names a `key` of the payload. */
  readonly by: 'partitionKey' | ((record: ConsumerRecord) => string);
}

/** A lazy description (nothing is opened at import), or an injection token that resolves to a DeadLetterSink. */
export type SinkSource =
  | { readonly kind: 'description'; readonly description: SinkDescription }
  | { readonly kind: 'token'; readonly token: unknown };

/** Made by `file({...})` and its like. */
export interface SinkDescription {
  readonly sink: 'millrace.sink';
  /** Shown in logs: `file ./parked`. */
  readonly label: string;
  readonly durable: boolean;
  readonly open: (context: SinkContext) => Promise<DeadLetterSink>;
  /** Where `millrace dead-letter` finds what was parked; undefined: nowhere that it knows. */
  readonly place?: ParkedPlace;
}

export interface SinkContext {
  readonly applicationName: string;
  readonly stream: string;
  /** Durable acknowledgement is required of file sinks on the daemon engine unless they say `durable: true`. */
  readonly engine: 'local' | 'daemon' | 'test';
  readonly ports: Pick<RuntimePorts, 'clock' | 'random' | 'logger'>;
}
