/**
 * What the runtime needs from the world, as small as it can be faked by hand. Production gives real clocks and pipes,
 * the testing package gives virtual ones; both drive the same code.
 */
import type { SessionEvent } from './events.js';

/** Time. Deadlines and delays use timers; only arrival-time ages use `now`. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never go backwards, for measuring. */
  monotonicMs(): number;
  /**
   * `purpose` tells why: after a `pause` the work goes on, anything else is a deadline or a period. Real clocks ignore it;
   * the virtual clock of the testing package tells from it whether somebody waits for time to pass.
   */
  setTimer(delayMs: number, callback: () => void, purpose?: 'pause'): Timer;
}

export interface Timer {
  cancel(): void;
}

/** A number in [0, 1). */
export type Random = () => number;

/** Structured logs; the fields come first, as in pino. Never payloads. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}
export type LogFields = Readonly<Record<string, unknown>>;

/** One session's pipes to the daemon, as bytes. Reading pushes; a listener is given once, by `start`. */
export interface ByteChannel {
  start(listener: ChannelListener): void;
  /** Writes whole messages in order. Back-pressure is not an error: the protocol itself allows two unread messages at most. */
  write(bytes: Uint8Array): void;
  /** Lets go of the channel once what was written has left; safe to call twice. */
  close(): Promise<void>;
}

export interface ChannelListener {
  /** A chunk that is valid until this returns: the channel may read into it again. */
  data(chunk: Uint8Array): void;
  /** End of input, once; `cause` when it came by a failure. */
  end(cause?: Error): void;
}

/** Where a record goes that cannot be handled. `write` resolves only when the entry is durable. */
export interface DeadLetterSink {
  /** True when an entry survives the loss of this machine. */
  readonly durable: boolean;
  write(entry: DeadLetterEntry, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface DeadLetterEntry {
  /** `shardId:sequenceNumber:subSequenceNumber`; the same record parked twice has the same id. */
  readonly id: string;
  readonly stream: string;
  readonly applicationName: string;
  readonly consumer: string;
  /** The method or handler name; undefined when no handler matched. */
  readonly handler: string | undefined;
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  readonly partitionKey: string;
  /** Milliseconds since the epoch. */
  readonly approximateArrivalTimestamp: number | undefined;
  readonly data: Uint8Array;
  readonly attempts: number;
  /** The error and its chain of causes, outermost first. */
  readonly causes: readonly DeadLetterCause[];
  /** Milliseconds since the epoch. */
  readonly parkedAt: number;
}

export interface DeadLetterCause {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

/** Remembers which keys were handled. Every call is one atomic step, between machines, too. */
export interface IdempotencyStore {
  /** Takes the key for its owner, who may hold it already, unless it is completed or somebody else holds it still. */
  acquire(claim: IdempotencyClaim): Promise<IdempotencyAnswer>;
  /** Completed until `expiresAtMs`. False when the key is the owner's no more: then nothing was written. */
  complete(claim: IdempotencyClaim): Promise<boolean>;
  /** Forgets the key if it is the owner's, completed or not. */
  release(claim: IdempotencyClaim): Promise<void>;
  close(): Promise<void>;
}

export interface IdempotencyClaim {
  readonly key: string;
  /** One run of one record; nobody else has the same. */
  readonly owner: string;
  /** Milliseconds since the epoch, as the other times. */
  readonly nowMs: number;
  /** Until then the key is its owner's; afterwards anybody may take it. */
  readonly lockedUntilMs: number;
  /** From then on a completed key counts as unknown. */
  readonly expiresAtMs: number;
}

export type IdempotencyAnswer =
  | { readonly kind: 'acquired' }
  | { readonly kind: 'completed' }
  | { readonly kind: 'inProgress'; readonly lockedUntilMs: number };

/** What is known of a shard lease when its session opens. */
export interface ShardFacts {
  readonly shardId: string;
  readonly stream: string;
  readonly applicationName: string;
  /** Where the session starts: a sequence number, or `TRIM_HORIZON`, `LATEST`, `AT_TIMESTAMP` on a lease without a checkpoint. */
  readonly startsAfter: { readonly sequenceNumber: string; readonly subSequenceNumber: number };
}

/** A container of services: one scope per shard lease. tsyringe is the default; Nest or awilix fit by three lines. */
export interface ContainerPort {
  openScope(shard: ShardFacts): Promise<Scope>;
}

export interface Scope {
  resolve<T>(token: unknown): Promise<T>;
  /** A scope inside this one, for one run of a handler; disposed with this one at the latest. Needed by `context.resolve`. */
  openChild?(): Promise<Scope>;
  dispose(): Promise<void>;
}

/** Watches sessions. It must not throw and must not wait. */
export interface Observer {
  /** True asks for the events of single records as well (tests do; production pays nothing for them). */
  readonly records: boolean;
  onEvent(event: SessionEvent): void;
}

/** The ports that every session of a process shares. */
export interface RuntimePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly observer: Observer | undefined;
}
