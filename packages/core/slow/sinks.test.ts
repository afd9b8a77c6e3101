/** The sinks against servers that keep the limits of the real ones: moto for SQS and S3, kinesis-local for Kinesis. */
import { GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-kinesis';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SinkContext, SinkDescription } from '../src/definition/definition.js';
import { parseEntry } from '../src/dead-letter/entry-text.js';
import { kinesis } from '../src/dead-letter/kinesis-sink.js';
import { parsePointer } from '../src/dead-letter/overflow.js';
import { s3 } from '../src/dead-letter/s3-sink.js';
import { sqs } from '../src/dead-letter/sqs-sink.js';
import { startEmulator, type Emulator } from '../src/local/emulator.js';
import type { DeadLetterEntry } from '../src/ports.js';
import { systemClock } from '../src/process-ports.js';
import { deadLetter } from '../test/support/dead-letter.js';
import { emulatorClient } from '../test/support/emulator-client.js';
import { MOTO_START_TIMEOUT_MS, startMoto, type Moto } from './support/moto.js';

let moto: Moto;
let emulator: Emulator;
beforeAll(async () => {
  [moto, emulator] = await Promise.all([startMoto(), startEmulator({ streams: [{ name: 'parked', shards: 1 }] })]);
}, MOTO_START_TIMEOUT_MS);
afterAll(async () => {
  await moto.stop();
  await emulator.stop();
});

const { signal } = new AbortController();
const logger = { debug() {}, info() {}, warn() {}, error() {} };
const context: SinkContext = {
  applicationName: 'mailer',
  stream: 'orders',
  engine: 'local',
  ports: { clock: systemClock, random: Math.random, logger },
};

async function park(description: SinkDescription, ...entries: readonly DeadLetterEntry[]): Promise<void> {
  const sink = await description.open(context);
  try {
    for (const entry of entries) await sink.write(entry, signal);
  } finally {
    await sink.close();
  }
}

async function objects(bucket: string): Promise<{ key: string; entry: DeadLetterEntry | undefined }[]> {
  const { Contents = [] } = await moto.s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Promise.all(
    Contents.map(async ({ Key = '' }) => {
      const { Body } = await moto.s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      return { key: Key, entry: parseEntry((await Body?.transformToString()) ?? '') };
    }),
  );
}

async function messages(queueUrl: string) {
  const input = { QueueUrl: queueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All' as const] };
  return (await moto.sqs.send(new ReceiveMessageCommand(input))).Messages ?? [];
}

describe('s3', () => {
  it('stores an object for each record, once however often it is parked, sorted by arrival', async () => {
    const bucket = await moto.createBucket('letters');
    const late = deadLetter('7', { approximateArrivalTimestamp: 1_700_000_000_500 });
    const early = deadLetter('9', { approximateArrivalTimestamp: 1_700_000_000_123 });
    await park(s3({ bucket, prefix: 'parked', endpoint: moto.endpoint }), late, early, { ...late, attempts: 9 });
    expect(await objects(bucket)).toEqual([
      {
        key: 'parked/orders/mailer/2023-11-14/22-13-20.123Z-shardId-000000000000-9-0.parked.json',
        entry: early,
      },
      {
        key: 'parked/orders/mailer/2023-11-14/22-13-20.500Z-shardId-000000000000-7-0.parked.json',
        entry: { ...late, attempts: 9 },
      },
    ]);
  });

  it('does not open on a bucket that is not there, and says what to do', async () => {
    await expect(s3({ bucket: 'nowhere', endpoint: moto.endpoint }).open(context)).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringMatching(/^The bucket nowhere does not exist at http.*Check bucket, the region/) as string,
    });
  });

  it('does not open where nobody answers', async () => {
    await expect(s3({ bucket: 'letters', endpoint: 'http://127.0.0.1:1' }).open(context)).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringContaining('cannot be reached at http://127.0.0.1:1') as string,
    });
  });
});

describe('sqs', () => {
  it('sends every field and byte, and characters that SQS refuses', async () => {
    const queueUrl = await moto.createQueue('plain');
    const entry = deadLetter('1', { partitionKey: 'a\uFFFF\uFFFE\u0000\uD800' });
    await park(sqs({ queueUrl, tooLarge: 'hold', endpoint: moto.endpoint }), entry);
    const [message] = await messages(queueUrl);
    expect(parseEntry(message?.Body ?? '')).toEqual(entry);
  });

  it('puts what is too large for its queue into S3, and a pointer into the message', async () => {
    const queueUrl = await moto.createQueue('small', { MaximumMessageSize: '2048' });
    const overflow = s3({ bucket: await moto.createBucket('large'), endpoint: moto.endpoint });
    const large = deadLetter('2', { data: new Uint8Array(5_000).fill(7) });
    await park(sqs({ queueUrl, overflow, endpoint: moto.endpoint }), deadLetter('1', { causes: [] }), large);
    const bodies = (await messages(queueUrl)).map(({ Body = '' }) => Body);
    expect(bodies.map((body) => parseEntry(body)?.sequenceNumber)).toEqual(['1', undefined]);
    const [stored] = await objects('large');
    expect(parsePointer(bodies[1] ?? '')).toEqual({ id: large.id, bucket: 'large', key: stored?.key });
    expect(stored?.entry).toEqual(large);
  });

  it("refuses a record that is too large under tooLarge: 'hold', and takes the next", async () => {
    const queueUrl = await moto.createQueue('narrow', { MaximumMessageSize: '1024' });
    const sink = await sqs({ queueUrl, tooLarge: 'hold', endpoint: moto.endpoint }).open(context);
    const large = deadLetter('1', { data: new Uint8Array(5_000) });
    await expect(sink.write(large, signal)).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringMatching(/has \d+ bytes as a dead letter, and the queue .* takes 1024/) as string,
    });
    await sink.write(deadLetter('2', { causes: [], data: new Uint8Array(1) }), signal);
    await sink.close();
    expect(await messages(queueUrl)).toHaveLength(1);
  });

  it('does not open when nothing is said about records that are too large', async () => {
    const queueUrl = await moto.createQueue('unsaid');
    // As JavaScript would call it: the types do not allow it.
    const options = { queueUrl, endpoint: moto.endpoint } as Parameters<typeof sqs>[0];
    await expect(sqs(options).open(context)).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringMatching(/takes \d+ bytes.*overflow: s3\(\{ bucket \}\).*tooLarge: 'hold'/) as string,
    });
  });

  it('keeps a partition key together in a FIFO queue, and a record in it once', async () => {
    const queueUrl = await moto.createQueue('ordered.fifo', { FifoQueue: 'true' });
    const odd = deadLetter('2', { partitionKey: 'café' });
    const sink = sqs({ queueUrl, tooLarge: 'hold', endpoint: moto.endpoint });
    await park(sink, deadLetter('1', { partitionKey: 'anna' }), odd, odd);
    const sent = await messages(queueUrl);
    expect(sent.map(({ Body = '' }) => parseEntry(Body)?.sequenceNumber)).toEqual(['1', '2']);
    expect(sent.map(({ Attributes }) => Attributes?.MessageGroupId)).toEqual([
      'anna',
      expect.stringMatching(/^[\da-f]{64}$/),
    ]);
  });

  it('does not open on a queue that is not there', async () => {
    const queueUrl = `${moto.endpoint}/123456789012/nowhere`;
    const opening = sqs({ queueUrl, tooLarge: 'hold', endpoint: moto.endpoint }).open(context);
    await expect(opening).rejects.toMatchObject({ message: expect.stringContaining('Check queueUrl') as string });
  });
});

describe('kinesis', () => {
  async function parked(): Promise<string[]> {
    const client = emulatorClient(emulator);
    const start = { StreamName: 'parked', ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' as const };
    const { ShardIterator } = await client.send(new GetShardIteratorCommand(start));
    const { Records = [] } = await client.send(new GetRecordsCommand({ ShardIterator }));
    client.destroy();
    return Records.map(({ Data = new Uint8Array() }) => Buffer.from(Data).toString());
  }

  it('puts every record under its own key, and what no record can hold into S3', async () => {
    const overflow = s3({ bucket: await moto.createBucket('huge'), endpoint: moto.endpoint });
    const large = deadLetter('2', { data: new Uint8Array(1_000_000) });
    const connection = { endpoint: emulator.endpoint, region: 'us-east-1' };
    await park(kinesis({ streamName: 'parked', overflow, ...connection }), deadLetter('1'), large);
    const [small = '', pointer = ''] = await parked();
    expect(parseEntry(small)).toEqual(deadLetter('1'));
    expect(parsePointer(pointer)).toMatchObject({ id: large.id, bucket: 'huge' });
    const [stored] = await objects('huge');
    expect(Buffer.from(stored?.entry?.data ?? []).equals(large.data)).toBe(true);
  });

  it('does not open on the stream that the consumer reads, nor on one that is not there', async () => {
    const open = (streamName: string) =>
      kinesis({ streamName, tooLarge: 'hold', endpoint: emulator.endpoint }).open(context);
    await expect(open('orders')).rejects.toMatchObject({ message: expect.stringContaining('is the one') as string });
    await expect(open('nowhere')).rejects.toMatchObject({
      message: expect.stringContaining('The stream nowhere does not exist') as string,
    });
  });
});
