/**
 * The messages of the MultiLangDaemon protocol (KCL 3.1.3, `software.amazon.kinesis.multilang.messages`), one JSON object
 * per line. Inbound the schema is open: fields we do not know are ignored. Outbound it is closed: the daemon silently
 * ignores a line with one property too many, and its shard waits for ever.
 */

/** A place in a shard. Sequence numbers are decimal strings of about 56 digits: never JavaScript numbers. */
export interface Position {
  readonly sequenceNumber: string;
  /** 0, or the place inside a KPL aggregate. */
  readonly subSequenceNumber: number;
}

/** A record as the daemon sends it; `data` is decoded from base64 on first use. */
export interface WireRecord extends Position {
  readonly data: Uint8Array;
  readonly partitionKey: string;
  /** Milliseconds since the epoch. */
  readonly approximateArrivalTimestamp: number | undefined;
}

export type DaemonMessage =
  | {
      readonly kind: 'initialize';
      readonly shardId: string;
      readonly sequenceNumber: string | undefined;
      readonly subSequenceNumber: number;
    }
  | {
      readonly kind: 'processRecords';
      readonly records: readonly WireRecord[];
      /** True when it is known that every position lies behind the one before it. */
      readonly ascending?: boolean;
      readonly millisBehindLatest: number | undefined;
    }
  | {
      readonly kind: 'checkpoint';
      readonly sequenceNumber: string | undefined;
      readonly subSequenceNumber: number | undefined;
      readonly error: string | undefined;
    }
  | { readonly kind: 'shutdownRequested' }
  | { readonly kind: 'leaseLost' }
  | { readonly kind: 'shardEnded' };

/** The actions that want exactly one status. */
export type Action = Exclude<DaemonMessage['kind'], 'checkpoint'>;

/** Where a checkpoint goes: a position, or the end of the shard (the argument-less form, only in shardEnded). */
export type CheckpointTarget = Position | 'SHARD_END';

export type WorkerMessage =
  | { readonly kind: 'status'; readonly responseFor: Action }
  | { readonly kind: 'checkpoint'; readonly target: CheckpointTarget };
