/** The four calls of the Kinesis API that reading needs, over HTTP, for a stream of one open shard. */
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';

export interface KinesisServer {
  readonly endpoint: string;
  /** What the next read gives, as JSON payloads. */
  readonly records: object[];
  close(): Promise<void>;
}

export async function startKinesisServer(): Promise<KinesisServer> {
  const records: object[] = [];
  let given = 0;
  const answers: Readonly<Record<string, () => object>> = {
    DescribeStreamSummary: () => ({ StreamDescriptionSummary: { RetentionPeriodHours: 24 } }),
    ListShards: () => ({
      Shards: [{ ShardId: 'shardId-000000000000', SequenceNumberRange: { StartingSequenceNumber: '1' } }],
    }),
    GetShardIterator: () => ({ ShardIterator: 'iterator' }),
    GetRecords: () => ({
      NextShardIterator: 'iterator',
      MillisBehindLatest: 0,
      Records: records.splice(0).map((payload) => ({
        SequenceNumber: String(10n ** 55n + BigInt((given += 1))),
        PartitionKey: 'key',
        ApproximateArrivalTimestamp: 1_700_000_000,
        Data: Buffer.from(JSON.stringify(payload)).toString('base64'),
      })),
    }),
  };
  const server = createServer((request, response) => {
    const call = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    void text(request).then(() => {
      response.setHeader('content-type', 'application/x-amz-json-1.1');
      response.end(JSON.stringify(answers[call]?.() ?? {}));
    });
  });
  return { endpoint: await listen(server), records, close: () => closed(server) };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
