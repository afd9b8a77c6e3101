/** What configuration ends in: no optional field, every duration in milliseconds, every value with its origin. */
import type { ConsumerDefinition, Decode } from '../definition/definition.js';

/** Where a value came from, strongest first. */
export type Origin = 'option' | 'environment' | 'file' | 'decorator' | 'millrace' | 'kcl';

export interface ResolvedProperty {
  /** The daemon's own spelling, for example `initialPositionInStream`. */
  readonly name: string;
  /** As it stands in the properties file. */
  readonly value: string;
  readonly origin: Origin;
  /** The variable, file or decorator that said so: `MILLRACE_STREAM_NAME`, `consumer.properties:4`, `@KinesisConsumer`. */
  readonly source: string;
}

/** Something to say once at start: an ignored property, a translated name, a risky default. */
export interface Notice {
  readonly code: string;
  readonly message: string;
}

export interface ResolvedConsumer {
  readonly definition: ConsumerDefinition;
  readonly stream: string;
  readonly applicationName: string;
  /** The daemon's effective properties, in the order they are written. */
  readonly properties: readonly ResolvedProperty[];
  /** Our own options and what Millrace does in the daemon's place; never written to its file. */
  readonly options: readonly ResolvedProperty[];
  readonly notices: readonly Notice[];
  readonly settings: ConsumerSettings;
  readonly daemon: DaemonSettings;
}

/** What only matters where a daemon is started. */
export interface DaemonSettings {
  readonly isolation: 'shared' | 'process';
  readonly hosts: number;
  /** Undefined: by the number of shards. */
  readonly heapMegabytes: number | undefined;
}

/** What the runtime and the local engine need of the properties and of our own options. */
export interface ConsumerSettings {
  /** Path of the value that routes by `type`: `'type'` or `'detail.kind'`. */
  readonly discriminator: string | undefined;
  /** For handlers that do not say; default `json`. */
  readonly decode: Decode;
  readonly validateSequenceNumber: boolean;
  /** Empty batches arrive while a shard is idle (callProcessRecordsEvenForEmptyRecordList). */
  readonly heartbeat: boolean;
  /** Delivered and not settled, at most, per shard, before the runner holds the action open. */
  readonly maxInFlight: number;
  readonly suspectRecords: boolean;
  readonly lineBytesMax: number;
  /** The folder; undefined: nothing is recorded. */
  readonly transcripts: string | undefined;
  readonly initialPosition: InitialPosition;
  readonly maxRecords: number;
  readonly idleTimeBetweenReadsMs: number;
  readonly shardSyncIntervalMs: number;
  readonly parentShardPollIntervalMs: number;
  readonly shutdownGraceMs: number;
  readonly handoffTimeoutMs: number;
  readonly failoverTimeMs: number;
  readonly taskBackoffTimeMs: number;
  readonly logWarningForTaskAfterMs: number;
  readonly regionName: string | undefined;
  readonly kinesisEndpoint: string | undefined;
  readonly workerId: string | undefined;
}

export type InitialPosition =
  | { readonly kind: 'TRIM_HORIZON' }
  | { readonly kind: 'LATEST' }
  /** Milliseconds since the epoch. */
  | { readonly kind: 'AT_TIMESTAMP'; readonly timestampMs: number };
