/** Where the local engine reads from: the Kinesis API, or memory in tests. Shards are read one by one, parents before children. */

export interface RecordSource {
  describe(signal: AbortSignal): Promise<StreamFacts>;
  /** Every shard the stream still holds, closed ones included. */
  listShards(signal: AbortSignal): Promise<readonly SourceShard[]>;
  openShard(shardId: string, start: StartingPosition): ShardReader;
  close(): Promise<void>;
}

export interface StreamFacts {
  readonly stream: string;
  readonly retentionMs: number;
}

export interface SourceShard {
  readonly shardId: string;
  /** None, one (split) or two (merge); parents the stream has forgotten are left out. */
  readonly parentShardIds: readonly string[];
  /** It was split, merged or ended: no record will be added. */
  readonly closed: boolean;
}

export type StartingPosition =
  | { readonly kind: 'TRIM_HORIZON' }
  | { readonly kind: 'LATEST' }
  /** Milliseconds since the epoch. */
  | { readonly kind: 'AT_TIMESTAMP'; readonly timestampMs: number }
  /** From this record on, itself included: the caller drops what it has done (KPL sub-records of the same sequence number). */
  | { readonly kind: 'AT_SEQUENCE_NUMBER'; readonly sequenceNumber: string };

export interface ShardReader {
  /** Reads on from where the last read ended. Throttling and passing errors are retried inside, with backoff, until `signal` aborts. */
  read(limit: number, signal: AbortSignal): Promise<ShardRead>;
}

export interface ShardRead {
  readonly records: readonly SourceRecord[];
  readonly millisBehindLatest: number;
  /** The shard is closed and these were its last records. */
  readonly ended: boolean;
}

/** As PutRecords stored it: a KPL aggregate is still one record here. */
export interface SourceRecord {
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  readonly data: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly approximateArrivalTimestamp: number;
  /** Only sources that make records by hand set it; the Kinesis API never does. */
  readonly subSequenceNumber?: number;
}
