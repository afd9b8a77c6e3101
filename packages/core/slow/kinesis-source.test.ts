import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type KinesisClient,
  MergeShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
  DescribeStreamSummaryCommand,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator } from '../src/local/emulator.js';
import { ensureStream } from '../src/local/ensure-stream.js';
import { openKinesisApi } from '../src/local/kinesis-api.js';
import { openKinesisSource } from '../src/local/kinesis-source.js';
import { aggregate, deaggregate } from '../src/local/kpl.js';
import type { ShardReader, SourceRecord, StartingPosition } from '../src/local/source.js';
import { systemClock } from '../src/process-ports.js';
import { emulatorClient } from '../test/support/emulator-client.js';

const signal = new AbortController().signal;
const TRIM_HORIZON: StartingPosition = { kind: 'TRIM_HORIZON' };
const warnings: string[] = [];
const logger = { debug() {}, info() {}, error() {}, warn: (_: object, message: string) => void warnings.push(message) };
const ports = { clock: systemClock, random: Math.random, logger };

let emulator: Emulator;
let client: KinesisClient;
beforeAll(async () => {
  emulator = await startEmulator({ streams: [{ name: 'orders', shards: 1 }], logger });
  client = emulatorClient(emulator);
});
afterAll(async () => {
  client.destroy();
  await emulator.stop();
});

let streams = 0;
async function freshStream(shards = 1) {
  streams += 1;
  const stream = `stream-${streams}`;
  await ensureStream(connection(), { name: stream, shards });
  const source = await openKinesisSource({ stream, ...connection(), ...ports });
  return {
    stream,
    source,
    put: (...texts: string[]) =>
      putAll(
        stream,
        texts.map((text) => ({ key: text, data: Buffer.from(text) })),
      ),
  };
}
const connection = () => ({ endpoint: emulator.endpoint, region: undefined, env: {} });

async function putAll(stream: string, records: readonly { key: string; data: Uint8Array }[]) {
  const Records = records.map(({ key, data }) => ({ PartitionKey: key, Data: data }));
  await client.send(new PutRecordsCommand({ StreamName: stream, Records }));
}

/** Reads until so many records came or the shard has ended. */
async function readUntil(reader: ShardReader, count: number): Promise<{ records: SourceRecord[]; ended: boolean }> {
  const records: SourceRecord[] = [];
  for (let reads = 0; reads < 40; reads += 1) {
    const read = await reader.read(1_000, signal);
    records.push(...read.records);
    if (read.ended || records.length >= count) return { records, ended: read.ended };
    await sleep(50);
  }
  return { records, ended: false };
}
const texts = (records: readonly SourceRecord[]) => records.map((record) => Buffer.from(record.data).toString());

describe('a stream of the emulator', () => {
  it('is described, listed and read in order, from every starting position', async () => {
    const { source, put, stream } = await freshStream();
    await put('a', 'b', 'c');

    expect(await source.describe(signal)).toEqual({ stream, retentionMs: 86_400_000 });
    expect(await source.listShards(signal)).toEqual([
      { shardId: 'shardId-000000000000', parentShardIds: [], closed: false },
    ]);
    const { records } = await readUntil(source.openShard('shardId-000000000000', TRIM_HORIZON), 3);
    const from = async (start: StartingPosition, count: number) =>
      texts((await readUntil(source.openShard('shardId-000000000000', start), count)).records);

    expect(texts(records)).toEqual(['a', 'b', 'c']);
    expect(
      records.every(
        (record) => /^\d{50,}$/.test(record.sequenceNumber) && record.approximateArrivalTimestamp > 1_600_000_000_000,
      ),
    ).toBe(true);
    expect(await from({ kind: 'AT_SEQUENCE_NUMBER', sequenceNumber: records[1]?.sequenceNumber ?? '' }, 2)).toEqual([
      'b',
      'c',
    ]);
    expect(
      await from({ kind: 'AT_TIMESTAMP', timestampMs: (records[0]?.approximateArrivalTimestamp ?? 0) - 1_000 }, 3),
    ).toEqual(['a', 'b', 'c']);

    const latest = source.openShard('shardId-000000000000', { kind: 'LATEST' });
    expect((await latest.read(10, signal)).records).toEqual([]);
    await put('d');
    expect(texts((await readUntil(latest, 1)).records)).toEqual(['d']);
    await source.close();
  });

  it('reads a limit at a time', async () => {
    const { source, put } = await freshStream();
    await put('a', 'b', 'c');
    const reader = source.openShard('shardId-000000000000', TRIM_HORIZON);
    expect([(await reader.read(2, signal)).records.length, (await reader.read(2, signal)).records.length]).toEqual([
      2, 1,
    ]);
    await source.close();
  });

  it('shows splits and merges: ended parents, children that name them', async () => {
    const { source, put, stream } = await freshStream();
    await put('a');
    await client.send(
      new SplitShardCommand({
        StreamName: stream,
        ShardToSplit: 'shardId-000000000000',
        NewStartingHashKey: (1n << 127n).toString(),
      }),
    );
    await untilOpen(stream, 2);
    await client.send(
      new MergeShardsCommand({
        StreamName: stream,
        ShardToMerge: 'shardId-000000000001',
        AdjacentShardToMerge: 'shardId-000000000002',
      }),
    );
    await untilOpen(stream, 1);
    await put('b');

    const shards = await source.listShards(signal);

    expect(
      shards.map((shard) => [
        shard.shardId.slice(-1),
        shard.parentShardIds.map((parent) => parent.slice(-1)),
        shard.closed,
      ]),
    ).toEqual([
      ['0', [], true],
      ['1', ['0'], true],
      ['2', ['0'], true],
      ['3', ['1', '2'], false],
    ]);
    expect(await readUntil(source.openShard('shardId-000000000000', TRIM_HORIZON), 2)).toMatchObject({ ended: true });
    expect(texts((await readUntil(source.openShard('shardId-000000000003', TRIM_HORIZON), 1)).records)).toEqual(['b']);
    await source.close();
  });

  it('keeps KPL aggregates whole, for the engine to take apart', async () => {
    const { source, stream } = await freshStream();
    const parts = ['x', 'y'].map((text) => ({ partitionKey: text, data: Buffer.from(text) }));
    await putAll(stream, [{ key: 'agg', data: aggregate(parts) }]);
    const { records } = await readUntil(source.openShard('shardId-000000000000', TRIM_HORIZON), 1);
    expect(
      records
        .flatMap((record) => deaggregate(record).records)
        .map((part) => [part.partitionKey, part.subSequenceNumber]),
    ).toEqual([
      ['x', 0],
      ['y', 1],
    ]);
    await source.close();
  });

  it('that does not know a checkpoint says that it belongs to another stream', async () => {
    const { source, put } = await freshStream();
    await put('a');
    const foreign = source.openShard('shardId-000000000000', {
      kind: 'AT_SEQUENCE_NUMBER',
      sequenceNumber: '49600000000000000000000000000000000000000000000000000002',
    });
    await expect(foreign.read(10, signal)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('earlier stream of this name') as string,
    });
    await source.close();
  });

  it('lets go of a read when told to', async () => {
    const { source } = await freshStream();
    const stopped = AbortSignal.abort(new Error('stopping'));
    await expect(source.openShard('shardId-000000000000', TRIM_HORIZON).read(10, stopped)).rejects.toThrow('stopping');
    await source.close();
  });

  it('answers a garbage iterator with a server error, which the API passes on', async () => {
    const api = await openKinesisApi('orders', connection());
    await expect(api.getRecords('garbage', 10, signal)).rejects.toMatchObject({ $metadata: { httpStatusCode: 500 } });
    api.close();
  });
});

describe('what is wrong is said at once', () => {
  it('a stream that does not exist', async () => {
    const source = await openKinesisSource({ stream: 'nowhere', ...connection(), ...ports });
    await expect(source.describe(signal)).rejects.toMatchObject({
      code: 'STREAM_NOT_FOUND',
      message: expect.stringContaining('"nowhere" does not exist') as string,
    });
    await source.close();
  });

  it('an endpoint where nobody listens, within seconds', async () => {
    const source = await openKinesisSource({
      stream: 'orders',
      endpoint: 'http://127.0.0.1:9',
      region: undefined,
      env: {},
      ...ports,
    });
    const started = performance.now();
    await expect(source.describe(signal)).rejects.toMatchObject({
      code: 'ENDPOINT_UNREACHABLE',
      message: expect.stringContaining('http://127.0.0.1:9') as string,
    });
    expect(performance.now() - started).toBeLessThan(20_000);
    await source.close();
  });
});

describe('the emulator', () => {
  it('creates streams once and keeps them', async () => {
    expect(await ensureStream(connection(), { name: 'orders', shards: 4 })).toBe('existed');
    const { Shards } = await client.send(new ListShardsCommand({ StreamName: 'orders' }));
    expect(Shards).toHaveLength(1);
  });

  it('stops within seconds, twice if asked to', async () => {
    const other = await startEmulator({ streams: [], logger });
    await other.stop();
    await other.stop();
    expect(isRunning(other.pid)).toBe(false);
  });

  it('leaves when its parent is killed', async () => {
    const parent = spawn(process.execPath, ['--input-type=module', '-e', parentProgram], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: import.meta.dirname,
    });
    const [line] = (await once(parent.stdout.setEncoding('utf8'), 'data')) as [string];
    const pid = Number(line);
    expect(isRunning(pid)).toBe(true);

    parent.kill('SIGKILL');

    for (let waits = 0; waits < 100 && isRunning(pid); waits += 1) await sleep(50);
    expect(isRunning(pid)).toBe(false);
  });
});

const parentProgram = `
  const { startEmulator } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const emulator = await startEmulator({ streams: [], logger: silent });
  console.log(emulator.pid);
  setInterval(() => {}, 1000);
`;

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilOpen(stream: string, count: number): Promise<void> {
  for (let waits = 0; waits < 100; waits += 1) {
    const { Shards } = await client.send(new ListShardsCommand({ StreamName: stream }));
    const open = (Shards ?? []).filter((shard) => shard.SequenceNumberRange?.EndingSequenceNumber === undefined);
    const summary = await client.send(new DescribeStreamSummaryCommand({ StreamName: stream }));
    // The new shards are listed a moment before the stream takes the next split or merge.
    const active = summary.StreamDescriptionSummary?.StreamStatus === 'ACTIVE';
    if (active && open.length === count) return;
    await sleep(50);
  }
  throw new Error(`${stream} never had ${count} open shards`);
}
