/** The stream as a producer and an auditor see it: put, split, read everything back. Nothing here is Millrace. */
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
  type Shard,
} from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Sample } from './sample-orders.js';

export interface StoredRecord {
  /** `shardId:sequenceNumber:0`, as `context.record.id` says it. */
  readonly id: string;
  readonly shardId: string;
  readonly sequenceNumber: string;
}

export interface OrderStream {
  put(samples: readonly Sample[]): Promise<readonly StoredRecord[]>;
  /** Splits an open shard in two equal parts; its id. */
  splitShard(): Promise<string>;
  listShards(): Promise<readonly Shard[]>;
  /** Every record of every shard, closed ones included, by GetRecords. */
  readAll(): Promise<readonly StoredRecord[]>;
  close(): void;
}

export function openOrderStream(
  StreamName: string,
  { endpoint, region }: { endpoint: string; region: string },
): OrderStream {
  const client = new KinesisClient({
    endpoint,
    region,
    credentials: { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' },
    // The SDK's default is HTTP/2, which the emulator does not speak well.
    requestHandler: new NodeHttpHandler(),
  });
  const listShards = async () => (await client.send(new ListShardsCommand({ StreamName }))).Shards ?? [];
  return {
    listShards,
    put: (samples) => put(client, StreamName, samples),
    splitShard: async () => {
      const open = (await listShards()).find((shard) => shard.SequenceNumberRange?.EndingSequenceNumber === undefined);
      const ShardToSplit = open?.ShardId ?? '';
      await client.send(new SplitShardCommand({ StreamName, ShardToSplit, NewStartingHashKey: middleOf(open) }));
      return ShardToSplit;
    },
    readAll: async () => {
      const records: StoredRecord[] = [];
      for (const { ShardId = '' } of await listShards())
        records.push(...(await readShard(client, StreamName, ShardId)));
      return records;
    },
    close: () => client.destroy(),
  };
}

async function put(client: KinesisClient, StreamName: string, samples: readonly Sample[]) {
  const Records = samples.map(({ partitionKey, data }) => ({ PartitionKey: partitionKey, Data: data }));
  const answer = await client.send(new PutRecordsCommand({ StreamName, Records }));
  const refused = answer.Records?.find((entry) => entry.ErrorCode !== undefined);
  if (refused !== undefined)
    throw new Error(`PutRecords refused a record: ${refused.ErrorCode} ${refused.ErrorMessage}`);
  return (answer.Records ?? []).map(({ ShardId, SequenceNumber }) => stored(ShardId, SequenceNumber));
}

async function readShard(client: KinesisClient, StreamName: string, ShardId: string): Promise<readonly StoredRecord[]> {
  const start = { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const;
  const records: StoredRecord[] = [];
  let { ShardIterator } = await client.send(new GetShardIteratorCommand(start));
  // A closed shard ends without an iterator, an open one at its tip.
  while (ShardIterator !== undefined && ShardIterator !== null) {
    const answer = await client.send(new GetRecordsCommand({ ShardIterator, Limit: 1_000 }));
    for (const { SequenceNumber } of answer.Records ?? []) records.push(stored(ShardId, SequenceNumber));
    if (answer.Records?.length === 0 && answer.MillisBehindLatest === 0) break;
    ShardIterator = answer.NextShardIterator;
  }
  return records;
}

function stored(shardId = '', sequenceNumber = ''): StoredRecord {
  return { id: `${shardId}:${sequenceNumber}:0`, shardId, sequenceNumber };
}

function middleOf(shard: Shard | undefined): string {
  const { StartingHashKey = '0', EndingHashKey = '0' } = shard?.HashKeyRange ?? {};
  return String((BigInt(StartingHashKey) + BigInt(EndingHashKey)) / 2n + 1n);
}
