import {
  type KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
  type PutRecordsRequestEntry,
} from '@aws-sdk/client-kinesis';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ResolvedConsumer } from '../src/config/resolved.js';
import { startEmulator, type Emulator } from '../src/local/emulator.js';
import { LocalEngine } from '../src/local/engine.js';
import { openFileCheckpointStore } from '../src/local/file-checkpoint-store.js';
import { openKinesisSource } from '../src/local/kinesis-source.js';
import { aggregate } from '../src/local/kpl.js';
import { systemClock as clock } from '../src/process-ports.js';
import { emulatorClient } from '../test/support/emulator-client.js';
import { endOf, startWorker } from '../test/support/session-worker.js';

const logger = { debug() {}, info() {}, warn() {}, error() {} };
const consumer = {
  stream: 'orders',
  applicationName: 'mailer',
  settings: {
    heartbeat: true,
    initialPosition: { kind: 'TRIM_HORIZON' },
    maxRecords: 100,
    idleTimeBetweenReadsMs: 250,
    shardSyncIntervalMs: 1_000,
    parentShardPollIntervalMs: 1_000,
    shutdownGraceMs: 10_000,
    taskBackoffTimeMs: 100,
    logWarningForTaskAfterMs: 60_000,
  },
} as ResolvedConsumer;

let emulator: Emulator;
let client: KinesisClient;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'local-engine-'));
  emulator = await startEmulator({ streams: [{ name: 'orders', shards: 2 }], logger });
  client = emulatorClient(emulator);
});
afterAll(async () => {
  client.destroy();
  await emulator.stop();
  await rm(folder, { recursive: true, force: true });
});

async function run(handled: Map<string, string>) {
  const connection = { endpoint: emulator.endpoint, region: undefined, env: {} };
  const source = await openKinesisSource({ stream: 'orders', ...connection, clock, random: Math.random, logger });
  const store = await openFileCheckpointStore(join(folder, 'mailer.json'), { ...consumer, logger });
  const engine = new LocalEngine({
    consumer,
    source,
    store,
    clock,
    random: Math.random,
    logger,
    openSession: ({ shardId, channel }) => {
      startWorker(channel, {
        handle: (message) => {
          if (message.kind === 'shardEnded') return 'SHARD_END';
          if (message.kind !== 'processRecords') return undefined;
          for (const record of message.records) handled.set(Buffer.from(record.data).toString(), shardId);
          return endOf(message.records);
        },
      });
    },
  });
  await engine.start();
  return {
    engine,
    stop: async () => {
      await engine.stop();
      await store.close();
      await source.close();
    },
  };
}

const entries = (from: number, to: number): PutRecordsRequestEntry[] =>
  Array.from({ length: to - from }, (_, index) => ({
    PartitionKey: `key-${from + index}`,
    Data: Buffer.from(`order-${from + index}`),
  }));
const put = (Records: PutRecordsRequestEntry[]) =>
  client.send(new PutRecordsCommand({ StreamName: 'orders', Records }));

async function until(reached: () => boolean): Promise<void> {
  for (let waits = 0; waits < 200 && !reached(); waits += 1) await sleep(100);
}

it('reads a real Kinesis API through a split, with KPL aggregates, and goes on after a restart where it stood', async () => {
  const first = new Map<string, string>();
  await put(entries(0, 50));
  const before = await run(first);
  await until(() => first.size === 50);
  await client.send(
    new SplitShardCommand({
      StreamName: 'orders',
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: (1n << 126n).toString(),
    }),
  );
  const parts = ['x', 'y', 'z'].map((text) => ({ partitionKey: text, data: Buffer.from(`part-${text}`) }));
  await openShards(3);
  await put([...entries(50, 100), { PartitionKey: 'agg', Data: aggregate(parts) }]);
  await until(() => first.size === 103);
  expect(first.size).toBe(103);
  expect(new Set(first.values())).toEqual(new Set([0, 1, 2, 3].map((index) => `shardId-00000000000${index}`)));
  expect(before.engine.status()[0]).toMatchObject({ state: 'ended', checkpoint: 'SHARD_END' });
  await before.stop();

  const second = new Map<string, string>();
  await put(entries(100, 120));
  const after = await run(second);
  await until(() => second.size >= 20);
  await after.stop();

  expect([...second.keys()].toSorted()).toEqual(
    entries(100, 120)
      .map((entry) => Buffer.from(entry.Data ?? '').toString())
      .toSorted(),
  );
});

async function openShards(count: number): Promise<void> {
  for (let waits = 0; waits < 100; waits += 1) {
    const { Shards } = await client.send(new ListShardsCommand({ StreamName: 'orders' }));
    if (Shards?.filter((shard) => shard.SequenceNumberRange?.EndingSequenceNumber === undefined).length === count)
      return;
    await sleep(50);
  }
}
