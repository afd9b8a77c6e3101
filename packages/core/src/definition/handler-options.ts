/** What users write about handlers, policies and sinks; decorators and `defineConsumer` take the same options. */
import type { ConsumerRecord, WindowContext } from './context.js';
import type { Decode, ErrorClass, Exhausted, SinkDescription } from './definition.js';
import type { Decoded, Payload, SchemaInput } from './payload.js';

interface PayloadOptions<S extends SchemaInput | undefined, D extends Decode | undefined> {
  /** Checks what `decode` gave: a zod, valibot or arktype schema, or a class with class-validator decorators. */
  readonly schema?: S;
  /** `'json'`, `'text'`, `'bytes'`, or a function of the bytes. @defaultValue the consumer's `decode`, else `'json'` */
  readonly decode?: D;
}

interface RoutedOptions<D extends Decode | undefined> {
  /** Takes records whose value at the consumer's `discriminator` is this text. */
  readonly type?: string;
  /** Takes records for which this is true; it sees what `decode` gave, before the schema. Must not wait. */
  readonly when?: (payload: Decoded<D>, record: ConsumerRecord) => boolean;
  readonly otherwise?: false;
}

interface OtherwiseOptions {
  /** Takes every record that no other handler takes, wherever it stands in the class. */
  readonly otherwise: true;
  readonly type?: never;
  readonly when?: never;
}

/** One handler for single records. Several handlers are tried in source order. */
export type RecordOptions<
  S extends SchemaInput | undefined = SchemaInput | undefined,
  D extends Decode | undefined = Decode | undefined,
> = PayloadOptions<S, D> & {
  /** Names what must stay in order, under `@Concurrency`: records of the same key run one after the other. Must not wait. */
  readonly key?: (payload: Payload<S, D>) => string;
} & (RoutedOptions<D> | OtherwiseOptions);

/** The handler for whole batches. */
export interface BatchOptions<
  S extends SchemaInput | undefined = SchemaInput | undefined,
  D extends Decode | undefined = Decode | undefined,
> extends PayloadOptions<S, D> {
  /** `'strict'`: from the first failed item on all run again. @defaultValue `'any'`: only failed items run again */
  readonly order?: 'any' | 'strict';
  /** The most items that one call gets, at most `maxInFlight`. @defaultValue none: all of a delivery, or all that has gathered */
  readonly maxItems?: number;
  /**
   * Lets records gather across deliveries: the handler is called with `maxItems`, or so long after the first record was
   * taken. Deliveries are acknowledged ahead, within `maxInFlight`, and a stop still calls it with what has gathered.
   * @defaultValue none: each delivery by itself
   */
  readonly maxWaitMs?: number;
  /**
   * When the handler throws what no try can mend, and has marked no item: runs both halves of the batch by themselves, and
   * so on, until the items that cause it are found. @defaultValue false: the error fails every item
   */
  readonly bisect?: boolean;
}

/** The handler that gathers records in tumbling windows. */
export interface WindowOptions<
  State,
  S extends SchemaInput | undefined = SchemaInput | undefined,
  D extends Decode | undefined = Decode | undefined,
> extends PayloadOptions<S, D> {
  /** How long a window is, in milliseconds; at most a quarter of the stream's retention. Windows start at multiples of it. */
  readonly everyMs: number;
  /** Makes the state of a new window. */
  readonly state: () => State;
}

/** Puts the state of a window that is over where it belongs; it runs again by the retry policy until that has worked. */
export type Emit<State> = (state: State, context: WindowContext) => void | Promise<void>;

/**
 * When the watermark is written: after every record, after every batch, only when the handler says so, or periodically,
 * whichever limit is reached first. @defaultValue `{ everyMs: 5000 }`
 */
export type CheckpointOptions =
  | 'record'
  | 'batch'
  | 'manual'
  | { readonly everyMs?: number; readonly everyRecords?: number };

/** How often a failed record runs again, and what follows when that did not help. */
export interface RetryOptions {
  /** Runs in all, the first included. @defaultValue 5 */
  readonly attempts?: number;
  /** Before the second run; with full jitter, as all delays. @defaultValue 200 */
  readonly initialDelayMs?: number;
  /** No delay is longer. @defaultValue 30 000 */
  readonly maxDelayMs?: number;
  /** From delay to delay. @defaultValue 2 */
  readonly factor?: number;
  /** How long one run may take before its signal aborts. @defaultValue 60 000 */
  readonly timeoutMs?: number;
  /** A failed record that is older than this does not run again. @defaultValue none */
  readonly maxRecordAgeMs?: number;
  /** What follows. @defaultValue `'deadLetter'` when there is a sink, else `'hold'` */
  readonly then?: Exhausted;
  /** Other rules for some errors; the first that fits counts. On a method they replace the class's. @defaultValue none */
  readonly overrides?: readonly RetryOverrideOptions[];
}

/** Other rules for one kind of errors; what is not said here is as the policy says. */
export interface RetryOverrideOptions {
  /**
   * A class (the error or one of its causes is an instance), a text (the `code` or `name` of the error or of one of its
   * causes), or a function of the error. A function that throws does not fit, and is logged.
   */
  readonly error: ErrorClass | string | ((error: Error) => boolean);
  /** `false`: running the record again cannot help. What cannot be helped anyway stays so. */
  readonly retryable?: false;
  /** Runs in all, whatever errors the earlier ones ended with. */
  readonly attempts?: number;
  readonly initialDelayMs?: number;
  readonly maxDelayMs?: number;
  readonly factor?: number;
  readonly then?: Exhausted;
}

/** Several records of a shard at once, in order for each key. */
export interface ConcurrencyOptions {
  /** How many handlers of a shard run at once, 1 to 10 000. */
  readonly perShard: number;
  /** What orders records: those of the same key run one after the other. A handler's own `key` wins. @defaultValue `'partitionKey'` */
  readonly by?: 'partitionKey' | ((record: ConsumerRecord) => string);
  /** How far a shard may run ahead of its oldest unsettled record, in records; the same as the consumer's option. @defaultValue 10 000 */
  readonly maxInFlight?: number;
}

/**
 * Stops starting handlers while what they call is down: all shards that a process serves for the consumer wait, no attempt
 * is used up and nothing is parked meanwhile.
 */
export interface CircuitBreakerOptions {
  /** Opens when this part of the calls has failed, above 0 and at most 1. @defaultValue 0.5 */
  readonly failureRate?: number;
  /** Over which time the rate is taken. @defaultValue 30 000 */
  readonly windowMs?: number;
  /** Stays closed with fewer calls than this in the window. @defaultValue 20 */
  readonly minimumCalls?: number;
  /** How long it lets nothing through before it probes; twice as long after each probe that failed. @defaultValue 10 000 */
  readonly openMs?: number;
  /** It is never open longer than this without a probe. @defaultValue 300 000 */
  readonly maxOpenMs?: number;
  /** So many calls are let through as probes, and have to succeed before it closes. @defaultValue 3 */
  readonly probes?: number;
  /**
   * Which errors count, for example those of the network. Errors that no further run can mend never do. One that throws has
   * said no, and is logged. @defaultValue all
   */
  readonly only?: (error: Error) => boolean;
}

/** Where parked records go: a description such as `file({ directory })`, or a token that the container resolves to a sink. */
export type SinkInput = SinkDescription | string | symbol | (abstract new (...args: never[]) => object);

export interface DeadLetterOptions {
  /** `'hold'`: later records with the partition key of a parked one wait for it. @defaultValue `'continue'` */
  readonly sameKey?: 'continue' | 'hold';
}
