/** The Kinesis API as a record source. Reads and later listings never give up on what passes by itself; starting does, within seconds. */
import { openKinesisApi, type KinesisApi } from './kinesis-api.js';
import { KinesisCalls, START_PATIENCE_MS, type KinesisSourceOptions } from './kinesis-calls.js';
import { classifyFailure } from './kinesis-failure.js';
import { KinesisShardReader } from './kinesis-reader.js';
import type { RecordSource, ShardReader, SourceShard, StartingPosition, StreamFacts } from './source.js';

/**
 * Opens a stream of the Kinesis API as a source; the first request is sent by `describe`.
 *
 * @throws ConfigurationError with issue REGION_MISSING.
 */
export async function openKinesisSource(options: KinesisSourceOptions): Promise<RecordSource> {
  return new KinesisSource(options, await openKinesisApi(options.stream, options));
}

export class KinesisSource implements RecordSource {
  private readonly calls: KinesisCalls;
  private described = false;

  constructor(
    private readonly options: KinesisSourceOptions,
    private readonly api: KinesisApi,
  ) {
    this.calls = new KinesisCalls(options, api);
  }

  /** @throws MillraceError STREAM_NOT_FOUND, ENDPOINT_UNREACHABLE, CREDENTIALS_MISSING or SOURCE_FAILED. */
  async describe(signal: AbortSignal): Promise<StreamFacts> {
    const described = { call: 'DescribeStreamSummary', signal, patienceMs: START_PATIENCE_MS };
    const { retentionMs } = await this.calls.retrying(described, () => this.api.describeStream(signal));
    this.described = true;
    return { stream: this.options.stream, retentionMs };
  }

  async listShards(signal: AbortSignal): Promise<readonly SourceShard[]> {
    const patienceMs = this.described ? undefined : START_PATIENCE_MS;
    const shards = await this.calls.retrying({ call: 'ListShards', signal, patienceMs }, () =>
      this.listAllPages(signal),
    );
    const known = new Set(shards.map((shard) => shard.shardId));
    return shards.map((shard) => ({
      ...shard,
      parentShardIds: shard.parentShardIds.filter((parent) => known.has(parent)),
    }));
  }

  openShard(shardId: string, start: StartingPosition): ShardReader {
    return new KinesisShardReader(this.calls, shardId, start);
  }

  close(): Promise<void> {
    this.api.close();
    return Promise.resolve();
  }

  private async listAllPages(signal: AbortSignal): Promise<readonly SourceShard[]> {
    let shards: readonly SourceShard[] = [];
    let nextToken: string | undefined;
    do {
      const page = await this.listPage(nextToken, signal);
      // Without a token it is a first page again: the listing began anew.
      shards = page.first ? page.shards : [...shards, ...page.shards];
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return shards;
  }

  /** The page of this token; the first page where the token has expired between two calls. */
  private async listPage(nextToken: string | undefined, signal: AbortSignal) {
    try {
      return { ...(await this.api.listShards(nextToken, signal)), first: nextToken === undefined };
    } catch (error) {
      if (nextToken === undefined || classifyFailure(error).kind !== 'listingExpired') throw error;
      return { ...(await this.api.listShards(undefined, signal)), first: true };
    }
  }
}
