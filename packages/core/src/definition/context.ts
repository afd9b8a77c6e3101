/** The types that user code sees while it runs: the record, its context, the batch, the facts of the shard. */
import type { Logger } from '../ports.js';

/** Injection token of the shard's facts: `constructor(@inject(SHARD) shard: ShardFacts)`. */
export const SHARD: unique symbol = Symbol.for('millrace.shard') as never;

/** Injection token of a Logger: `constructor(@inject(LOGGER) log: Logger)`. Its lines carry what `context.log` says of the record that is being handled. */
export const LOGGER: unique symbol = Symbol.for('millrace.logger') as never;

/** One Kinesis record, or one KPL user record inside an aggregated one. The bytes are decoded on first use and may be kept. */
export interface ConsumerRecord {
  /** `shardId:sequenceNumber:subSequenceNumber`, the same at every delivery: use it to make effects idempotent. */
  readonly id: string;
  readonly shardId: string;
  readonly partitionKey: string;
  /** A decimal number of about 56 digits; never convert it to a JavaScript number. */
  readonly sequenceNumber: string;
  /** 0, or the place of a KPL user record inside its aggregate. */
  readonly subSequenceNumber: number;
  /** Milliseconds since the epoch, as Kinesis stamped it; undefined when the daemon did not say. */
  readonly approximateArrivalTimestamp: number | undefined;
  readonly bytes: Uint8Array;
  /** The bytes as UTF-8; invalid UTF-8 throws a MillraceError with code DECODE_FAILED. */
  text(): string;
  /** The bytes as JSON; parsed once. Invalid JSON throws a MillraceError with code DECODE_FAILED. */
  json(): unknown;
}

/** What every hook and handler gets: where it runs, and when to stop. */
export interface ShardContext {
  readonly shardId: string;
  /** Aborts when the handler's time is over, when the worker stops, and when the lease is in doubt. */
  readonly signal: AbortSignal;
  /** Logs with the shard in every line, and in a handler with the handler, the attempt and the record's coordinates. */
  readonly log: Logger;
  /** Waits on the worker's clock, so that tests do not wait; rejects with the signal's reason when it aborts. */
  sleep(delayMs: number): Promise<void>;
}

/** A class, or what something was registered for. */
export type ServiceToken<T> = string | symbol | (abstract new (...args: never[]) => T);

/** What a record handler gets beside the payload. */
export interface RecordContext extends ShardContext {
  readonly record: ConsumerRecord;
  /** 1 at the first run. */
  readonly attempt: number;
  /** True while `millrace dead-letter replay` runs a parked record again: `checkpoint()` then stores nothing. */
  readonly replayed: boolean;
  /** How far the shard lags behind its tip, in milliseconds; undefined when the daemon did not say. */
  readonly millisBehindLatest: number | undefined;
  /**
   * Under `@CheckpointPolicy('manual')`: declares this record and all before it done, and writes a checkpoint at the
   * watermark (never past it). Under the other policies: asks for a checkpoint of what is settled now.
   * Resolves when the daemon has stored it (while the shard ends at once: the shard's own checkpoint follows); rejects with CHECKPOINT_REJECTED, CHECKPOINT_FAILED or LEASE_LOST.
   */
  checkpoint(): Promise<void>;
  /**
   * A service out of a scope of this attempt's own. The scope is opened at the first call, and what was built in it is
   * disposed when the handler has ended.
   */
  resolve<T>(token: ServiceToken<T>): Promise<T>;
  /** Takes the record out of the handler's hands: it settles when `done()` is called, or fails by the retry policy's end with `fail()`. */
  defer(): Deferred;
}

/** The handle of a deferred record. The first call counts, later ones do nothing. */
export interface Deferred {
  readonly record: ConsumerRecord;
  done(): void;
  fail(error: unknown): void;
}

/** What a batch handler gets: decoded and validated items, in order. */
export type Batch<T> = readonly BatchItem<T>[];

export interface BatchItem<T> {
  readonly value: T;
  readonly record: ConsumerRecord;
  /** Marks this item as failed; the others count as handled unless `order` is `'strict'`. */
  fail(error: unknown): void;
}

export interface BatchContext extends ShardContext {
  readonly attempt: number;
  /** As RecordContext.replayed. */
  readonly replayed: boolean;
  readonly millisBehindLatest: number | undefined;
  /** As RecordContext.checkpoint, for the whole batch. */
  checkpoint(): Promise<void>;
  /** As RecordContext.resolve, for this run of the batch. */
  resolve<T>(token: ServiceToken<T>): Promise<T>;
}

/** The bounds of a tumbling window. A record belongs to the window that its arrival at Kinesis falls into. */
export interface WindowBounds {
  /** Milliseconds since the epoch; a multiple of `everyMs`. */
  readonly startMs: number;
  /** The first millisecond that is not in it. */
  readonly endMs: number;
}

/** What a window handler gets with each record. */
export interface WindowRecordContext<S> extends ShardContext, WindowBounds {
  /** The state of the open window; assign it, or change what it refers to. Change it last: a failed attempt runs again on it. */
  state: S;
  readonly record: ConsumerRecord;
  /** 1 at the first run. */
  readonly attempt: number;
  readonly millisBehindLatest: number | undefined;
  /**
   * A service out of a scope of this attempt's own. The scope is opened at the first call, and what was built in it is
   * disposed when the handler has ended.
   */
  resolve<T>(token: ServiceToken<T>): Promise<T>;
}

/** What `emit` gets beside the state of a window that is over. */
export interface WindowContext extends ShardContext, WindowBounds {
  /**
   * `shardId:startMs:sequenceNumber:subSequenceNumber` of the first record. A window that is computed again after a crash has
   * the same id and may hold more: overwrite what stands under it.
   */
  readonly id: string;
  /** How many records it took. */
  readonly records: number;
  /** The last record it took. */
  readonly last: { readonly sequenceNumber: string; readonly subSequenceNumber: number };
  /** A later record came, the clock of an idle shard passed its end, or the shard has ended. */
  readonly closedBy: 'record' | 'clock' | 'shardEnd';
  /** 1 at the first run. */
  readonly attempt: number;
}

export interface ShutdownContext extends ShardContext {
  /** `handoff`: KCL moves this shard to another worker and the process goes on. `workerStopping`: this worker ends. */
  readonly reason: 'handoff' | 'workerStopping';
}
