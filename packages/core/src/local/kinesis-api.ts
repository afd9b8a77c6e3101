/** The four calls of the Kinesis API that reading needs, over the AWS SDK. The SDK is loaded only when a stream is opened. */
import type { KinesisClient, KinesisClientConfig } from '@aws-sdk/client-kinesis';
import { isOnThisMachine } from '../config/this-machine.js';
import { ConfigurationError } from '../errors.js';
import type { SourceRecord, SourceShard } from './source.js';

export interface KinesisApi {
  describeStream(signal: AbortSignal): Promise<{ readonly retentionMs: number }>;
  listShards(
    nextToken: string | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly shards: readonly SourceShard[]; readonly nextToken: string | undefined }>;
  getShardIterator(shardId: string, start: IteratorStart, signal: AbortSignal): Promise<string>;
  getRecords(iterator: string, limit: number, signal: AbortSignal): Promise<GetRecordsAnswer>;
  close(): void;
}

export type IteratorStart =
  | { readonly kind: 'TRIM_HORIZON' }
  | { readonly kind: 'LATEST' }
  | { readonly kind: 'AT_TIMESTAMP'; readonly timestampMs: number }
  | { readonly kind: 'AT_SEQUENCE_NUMBER' | 'AFTER_SEQUENCE_NUMBER'; readonly sequenceNumber: string };

export interface GetRecordsAnswer {
  readonly records: readonly SourceRecord[];
  /** Undefined at the end of a closed shard. */
  readonly nextIterator: string | undefined;
  readonly millisBehindLatest: number;
}

export interface KinesisConnection {
  /** Undefined: AWS's own endpoint of the region. */
  readonly endpoint: string | undefined;
  /** Undefined: as the AWS SDK finds it; us-east-1 for an endpoint on this machine. */
  readonly region: string | undefined;
  /** A parameter, so that nothing here reads the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const HOUR_MS = 3_600_000;
const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** @throws ConfigurationError with issue REGION_MISSING when neither options, environment nor AWS profile name a region. */
export async function openKinesisApi(stream: string, connection: KinesisConnection): Promise<KinesisApi> {
  const sdk = await import('@aws-sdk/client-kinesis');
  const client = new sdk.KinesisClient(await clientConfig(connection));
  await requireRegion(client);
  const streamInput = stream.startsWith('arn:') ? { StreamARN: stream } : { StreamName: stream };
  return {
    async describeStream(abortSignal) {
      const answer = await client.send(new sdk.DescribeStreamSummaryCommand(streamInput), { abortSignal });
      return { retentionMs: (answer.StreamDescriptionSummary?.RetentionPeriodHours ?? 24) * HOUR_MS };
    },
    async listShards(nextToken, abortSignal) {
      // The token names the stream already; naming it twice is refused.
      const input = nextToken === undefined ? streamInput : { NextToken: nextToken };
      const answer = await client.send(new sdk.ListShardsCommand(input), { abortSignal });
      const shards = (answer.Shards ?? []).map((shard) => ({
        shardId: shard.ShardId ?? '',
        parentShardIds: [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined),
        closed: shard.SequenceNumberRange?.EndingSequenceNumber !== undefined,
      }));
      return { shards, nextToken: answer.NextToken };
    },
    async getShardIterator(shardId, start, abortSignal) {
      const input = { ...streamInput, ShardId: shardId, ...iteratorInput(start) };
      const answer = await client.send(new sdk.GetShardIteratorCommand(input), { abortSignal });
      return answer.ShardIterator ?? '';
    },
    async getRecords(iterator, limit, abortSignal) {
      const answer = await client.send(new sdk.GetRecordsCommand({ ShardIterator: iterator, Limit: limit }), {
        abortSignal,
      });
      return {
        records: (answer.Records ?? []).map((record) => ({
          sequenceNumber: record.SequenceNumber ?? '',
          partitionKey: record.PartitionKey ?? '',
          data: record.Data ?? new Uint8Array(),
          approximateArrivalTimestamp: record.ApproximateArrivalTimestamp?.getTime() ?? 0,
        })),
        nextIterator: answer.NextShardIterator ?? undefined,
        millisBehindLatest: answer.MillisBehindLatest ?? 0,
      };
    },
    close() {
      client.destroy();
    },
  };
}

/**
 * How to reach Kinesis. HTTP/1.1 always: the SDK's HTTP/2 default breaks with emulators, and brings nothing to polling.
 * Retries are ours, on the injected clock. An emulator on this machine checks no signature, so it needs no credentials.
 */
export async function clientConfig({ endpoint, region, env }: KinesisConnection): Promise<KinesisClientConfig> {
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  const local = endpoint !== undefined && isOnThisMachine(endpoint);
  // Compose files and charts set empty variables for what nobody gave; they count as not set.
  const knownRegion = region ?? (env['AWS_REGION'] || (local ? 'us-east-1' : undefined));
  return {
    requestHandler: new NodeHttpHandler({ connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS }),
    maxAttempts: 1,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(knownRegion === undefined ? {} : { region: knownRegion }),
    // The SDK would look into the environment of the process, which may be another one.
    ...(local
      ? {
          credentials: {
            accessKeyId: env['AWS_ACCESS_KEY_ID'] || 'AKIALOCAL',
            secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] || 'local',
          },
        }
      : {}),
  };
}

function iteratorInput(start: IteratorStart) {
  switch (start.kind) {
    case 'TRIM_HORIZON':
    case 'LATEST':
      return { ShardIteratorType: start.kind };
    case 'AT_TIMESTAMP':
      return { ShardIteratorType: start.kind, Timestamp: new Date(start.timestampMs) };
    case 'AT_SEQUENCE_NUMBER':
    case 'AFTER_SEQUENCE_NUMBER':
      return { ShardIteratorType: start.kind, StartingSequenceNumber: start.sequenceNumber };
    default:
      return start satisfies never;
  }
}

async function requireRegion(client: KinesisClient): Promise<void> {
  // Rejects where there is none, with a text that names no option of ours; empty where a variable is.
  const region = await client.config.region().catch(() => '');
  if (region === '') {
    client.destroy();
    const message = 'No AWS region is known: set regionName in @KinesisConsumer, or AWS_REGION in the environment.';
    throw new ConfigurationError([{ code: 'REGION_MISSING', message, path: ['regionName'] }]);
  }
}
