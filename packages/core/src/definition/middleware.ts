/** What stands around handlers: middleware, and the idempotency that goes around all of it. */
import type { IdempotencyStore, RuntimePorts } from '../ports.js';
import type { BatchContext, ConsumerRecord, RecordContext, WindowRecordContext } from './context.js';

/** What middleware gets: the context of the call it stands around. */
export type HandlerContext = RecordContext | BatchContext | WindowRecordContext<unknown>;

/** Runs what stands behind a middleware, the handler last. Call it once. */
export interface Next {
  (): Promise<void>;
  /** Leaves the handler out: its records are settled as skipped, and counted as that. Instead of calling `next()`. */
  skip(why: string): void;
}

/**
 * Runs around every call of a handler. It calls `next()` once, or says `next.skip(why)`. What it throws is the record's
 * failure; an error of `next()` that it keeps to itself is none. Annotate the context as RecordContext or BatchContext to
 * see what only one of them has.
 */
export type Middleware = {
  // A method, because the parameter of a method may be narrower: middleware for record handlers takes a RecordContext.
  handle(context: HandlerContext, next: Next): void | Promise<void>;
}['handle'];

/** Middleware that the container builds, once for each shard lease. */
export interface MiddlewareService {
  handle(context: HandlerContext, next: Next): void | Promise<void>;
}

/** A function, or what the container resolves to an object with `handle(context, next)`. */
export type MiddlewareInput = Middleware | (abstract new (...args: never[]) => MiddlewareService) | string | symbol;

export type MiddlewareSource =
  | { readonly kind: 'function'; readonly name: string; readonly call: Middleware }
  | { readonly kind: 'token'; readonly name: string; readonly token: unknown };

/** What makes a handler run once for a key. */
export interface IdempotentOptions<P = unknown> {
  /** What names the effect: records with the same key are handled once. @defaultValue the record's `id` */
  readonly key?: (payload: P, record: ConsumerRecord) => string;
  /** Where handled keys are kept: `dynamoDbStore({ tableName })`, `memoryStore()`, or a token of an IdempotencyStore. */
  readonly store: IdempotencyStoreInput;
  /** How long a handled key is remembered. @defaultValue 86 400 000, a day */
  readonly expireAfterMs?: number;
}

/** A lazy description, or a token that the container resolves to an IdempotencyStore. */
export type IdempotencyStoreInput =
  | IdempotencyStoreDescription
  | string
  | symbol
  | (abstract new (...args: never[]) => object);

export type IdempotencyStoreSource =
  | { readonly kind: 'description'; readonly description: IdempotencyStoreDescription }
  | { readonly kind: 'token'; readonly token: unknown };

/** Made by `dynamoDbStore({...})` and `memoryStore()`; nothing is opened at import. */
export interface IdempotencyStoreDescription {
  readonly store: 'millrace.idempotencyStore';
  /** Shown in logs: `DynamoDB table handled`. */
  readonly label: string;
  readonly open: (context: IdempotencyStoreContext) => Promise<IdempotencyStore>;
}

export interface IdempotencyStoreContext {
  readonly applicationName: string;
  readonly stream: string;
  /** The consumer's `regionName`. */
  readonly region: string | undefined;
  readonly ports: Pick<RuntimePorts, 'clock' | 'random' | 'logger'>;
}

/** As declared, complete. */
export interface Idempotency {
  readonly key: ((payload: unknown, record: ConsumerRecord) => string) | undefined;
  readonly store: IdempotencyStoreSource;
  readonly expireAfterMs: number;
}
