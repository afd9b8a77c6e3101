/**
 * Where a worker lives: a Kinesis and a DynamoDB on this machine, which the tests of a file share, and for each test a
 * stream, an application and a folder of its own. Whatever a test started has ended before the next one begins.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, GetItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
  type KinesisClient,
  type PutRecordsRequestEntry,
  type Shard,
} from '@aws-sdk/client-kinesis';
import { afterAll, afterEach, beforeAll, onTestFailed } from 'vitest';
import { listShards, openTables } from '../../src/daemon/provision-aws.js';
import { provision } from '../../src/daemon/provision.js';
import { defineConsumer, recordHandler } from '../../src/definition/define-consumer.js';
import type { CheckpointOptions, RetryOptions } from '../../src/definition/handler-options.js';
import { startEmulator, type Emulator } from '../../src/local/emulator.js';
import { ensureStream } from '../../src/local/ensure-stream.js';
import { aggregate, deaggregate } from '../../src/local/kpl.js';
import { systemClock } from '../../src/process-ports.js';
import { resolveConsumers } from '../../src/resolve-consumers.js';
import { startDynamoDb, type DynamoDbLocal } from '../../test/support/dynamo-db-local.js';
import { emulatorClient } from '../../test/support/emulator-client.js';
import { startAwsFaults, type AwsFaults } from './aws-faults.js';
import { missing, readLedger, type LeaseRow, type LedgerEntry, type StoredRecord } from './ledger.js';
import { until } from './until.js';
import { Worker } from './worker.js';

const REGION = 'us-east-1';
const CREDENTIALS = { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' };

export interface WorldOptions {
  readonly shards: number;
}

export interface WorkerPlan {
  /** @defaultValue `worker-1`, `worker-2`, ... */
  readonly name?: string;
  /** Over the fixture's. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** @defaultValue every 500 ms */
  readonly checkpoint?: CheckpointOptions;
  readonly retry?: RetryOptions;
  readonly env?: Readonly<Record<string, string>>;
  readonly node?: string;
  /** @defaultValue fixtures/consumer.mjs */
  readonly program?: string;
}

export interface Payload {
  readonly id: string;
  readonly key?: string;
  readonly explicitHashKey?: string;
  /** What the fixture does with it besides. */
  readonly more?: Readonly<Record<string, unknown>>;
}

interface Servers {
  readonly kinesis: Emulator;
  readonly dynamo: DynamoDbLocal;
  readonly dynamoFaults: AwsFaults;
  readonly kinesisFaults: AwsFaults;
}

/** Call it once in a file; the servers live as long as its tests. */
export function useWorlds(): { startWorld(options: WorldOptions): Promise<World> } {
  let servers: Servers | undefined;
  const worlds = new Set<World>();
  beforeAll(async () => {
    const [kinesis, dynamo] = await Promise.all([startEmulator({ streams: [] }), startDynamoDb()]);
    const [kinesisFaults, dynamoFaults] = await Promise.all([
      startAwsFaults(kinesis.endpoint),
      startAwsFaults(dynamo.endpoint),
    ]);
    servers = { kinesis, dynamo, kinesisFaults, dynamoFaults };
  });
  afterEach(async () => {
    servers?.kinesisFaults.use(undefined);
    servers?.dynamoFaults.use(undefined);
    await Promise.all([...worlds].map((world) => world.stop()));
    worlds.clear();
  });
  afterAll(async () => {
    servers?.kinesisFaults.stop();
    servers?.dynamoFaults.stop();
    await Promise.all([servers?.kinesis.stop(), servers?.dynamo.stop()]);
  });
  return {
    async startWorld(options) {
      if (servers === undefined) throw new Error('The servers have not been started.');
      const world = await World.make(servers, options);
      worlds.add(world);
      onTestFailed(() => console.error(world.describe()));
      return world;
    },
  };
}

export class World {
  readonly workers: Worker[] = [];
  private readonly kinesis: KinesisClient;
  private readonly dynamo: DynamoDBClient;

  private constructor(
    private readonly servers: Servers,
    /** The stream and the application are called the same. */
    readonly name: string,
    readonly folder: string,
  ) {
    this.kinesis = emulatorClient(servers.kinesis);
    this.dynamo = new DynamoDBClient({
      endpoint: servers.dynamo.endpoint,
      region: REGION,
      credentials: CREDENTIALS,
    });
  }

  /** A stream, its tables and first leases. */
  static async make(servers: Servers, { shards }: WorldOptions): Promise<World> {
    const name = `e2e-${randomUUID().slice(0, 8)}`;
    const world = new World(servers, name, await mkdtemp(join(tmpdir(), 'millrace-e2e-')));
    await ensureStream({ endpoint: servers.kinesis.endpoint, region: REGION, env: {} }, { name, shards });
    await world.provision();
    return world;
  }

  /** Between the workers and DynamoDB; the world's own looks go around it. */
  get dynamoFaults(): AwsFaults {
    return this.servers.dynamoFaults;
  }

  /** Between the workers and Kinesis, likewise. */
  get kinesisFaults(): AwsFaults {
    return this.servers.kinesisFaults;
  }

  /** For clients that are not ours. */
  get endpoints(): { readonly kinesis: string; readonly dynamo: string; readonly region: string } {
    return { kinesis: this.servers.kinesis.endpoint, dynamo: this.servers.dynamo.endpoint, region: REGION };
  }

  startWorker(plan: WorkerPlan = {}): Worker {
    const { name = `worker-${this.workers.length + 1}`, options = {}, checkpoint = { everyMs: 500 } } = plan;
    const env = {
      ...this.environment(),
      MILLRACE_DYNAMO_DB_ENDPOINT: this.dynamoFaults.endpoint,
      MILLRACE_KINESIS_ENDPOINT: this.kinesisFaults.endpoint,
      E2E_WORKER: name,
      E2E_FOLDER: this.folder,
      E2E_LEDGER: this.ledgerFile,
      E2E_STREAM: this.name,
      E2E_APPLICATION: this.name,
      E2E_OPTIONS: JSON.stringify(options),
      E2E_CHECKPOINT: JSON.stringify(checkpoint),
      E2E_RETRY: JSON.stringify(plan.retry ?? {}),
      ...plan.env,
    };
    const worker = new Worker({
      name,
      cwd: this.folder,
      env,
      ...(plan.node === undefined ? {} : { node: plan.node }),
      ...(plan.program === undefined ? {} : { program: plan.program }),
    });
    this.workers.push(worker);
    return worker;
  }

  /** JSON payloads with their ids; five hundred in a call, one call after the other. */
  async put(payloads: readonly Payload[]): Promise<void> {
    const entries = payloads.map(({ id, key = id, explicitHashKey, more }) => ({
      PartitionKey: key,
      Data: dataOf(id, more),
      ...(explicitHashKey === undefined ? {} : { ExplicitHashKey: explicitHashKey }),
    }));
    for (let start = 0; start < entries.length; start += PUT_MAX)
      await this.putEntries(entries.slice(start, start + PUT_MAX));
  }

  /** As the Kinesis Producer Library does: user records inside of one record. */
  async putAggregate(payloads: readonly Payload[]): Promise<void> {
    const parts = payloads.map(({ id, key = id, more }) => ({ partitionKey: key, data: dataOf(id, more) }));
    await this.putEntries([{ PartitionKey: parts[0]?.partitionKey ?? 'none', Data: aggregate(parts) }]);
  }

  async putEntries(Records: PutRecordsRequestEntry[]): Promise<void> {
    const answer = await this.kinesis.send(new PutRecordsCommand({ StreamName: this.name, Records }));
    const failed = answer.Records?.find(({ ErrorCode }) => ErrorCode !== undefined);
    if (failed !== undefined) throw new Error(`Not put: ${failed.ErrorCode} ${failed.ErrorMessage ?? ''}`);
  }

  /** Every user record of every shard, closed ones included; aggregates taken apart. */
  async readStream(): Promise<readonly StoredRecord[]> {
    const stored: StoredRecord[] = [];
    for (const { ShardId: shardId = '' } of await this.shards()) stored.push(...(await this.readShard(shardId)));
    return stored;
  }

  async shards(): Promise<readonly Shard[]> {
    const { Shards = [] } = await this.kinesis.send(new ListShardsCommand({ StreamName: this.name }));
    return Shards;
  }

  async openShards(): Promise<readonly Shard[]> {
    return (await this.shards()).filter((shard) => shard.SequenceNumberRange?.EndingSequenceNumber === undefined);
  }

  /** In the middle; the children. */
  async split(shardId: string): Promise<readonly string[]> {
    const shard = (await this.shards()).find(({ ShardId }) => ShardId === shardId);
    const { StartingHashKey = '0', EndingHashKey = '0' } = shard?.HashKeyRange ?? {};
    const NewStartingHashKey = String((BigInt(StartingHashKey) + BigInt(EndingHashKey)) / 2n + 1n);
    return this.reshard(() =>
      this.kinesis.send(new SplitShardCommand({ StreamName: this.name, ShardToSplit: shardId, NewStartingHashKey })),
    );
  }

  /** Two neighbours; the child. */
  async merge(left: string, right: string): Promise<readonly string[]> {
    return this.reshard(() =>
      this.kinesis.send(
        new MergeShardsCommand({ StreamName: this.name, ShardToMerge: left, AdjacentShardToMerge: right }),
      ),
    );
  }

  async leases(): Promise<readonly LeaseRow[]> {
    const { Items = [] } = await this.dynamo.send(new ScanCommand({ TableName: this.name, ConsistentRead: true }));
    return Items.map((row) => ({
      shardId: row['leaseKey']?.S ?? '',
      owner: row['leaseOwner']?.S,
      checkpoint: row['checkpoint']?.S ?? '',
      subSequenceNumber: Number(row['checkpointSubSequenceNumber']?.N),
      parents: row['parentShardId']?.SS ?? [],
    })).toSorted((one, other) => (one.shardId < other.shardId ? -1 : 1));
  }

  /** The worker that assigns leases; undefined where nobody does. */
  async leader(): Promise<string | undefined> {
    const { Item } = await this.dynamo.send(
      new GetItemCommand({
        TableName: `${this.name}-CoordinatorState`,
        Key: { key: { S: 'Leader' } },
        ConsistentRead: true,
      }),
    );
    return Item?.['ownerName']?.S;
  }

  /** Tables and first leases, as `millrace provision --leases` makes them. */
  async provision(): Promise<void> {
    const definition = defineConsumer({
      name: 'Ledger',
      stream: this.name,
      applicationName: this.name,
      create: () => ({}),
      handlers: [recordHandler({ name: 'all', handle: () => undefined })],
    });
    const env = this.environment();
    const [consumer] = await resolveConsumers([definition], {}, { env, engine: 'daemon' });
    if (consumer === undefined) throw new Error('The consumer was not resolved.');
    const tables = await openTables(consumer, env);
    try {
      const ports = { tables, clock: systemClock, say: () => undefined };
      await provision(
        consumer,
        { leases: true, dryRun: false },
        { ...ports, listShards: (filter) => listShards(consumer, { filter, env }) },
      );
    } finally {
      tables.close();
    }
  }

  handled(): readonly LedgerEntry[] {
    return readLedger(this.ledgerFile);
  }

  /** Resolves when so many records have been handled, each counted once. */
  async untilHandled(count: number, withinMs = 120_000): Promise<readonly LedgerEntry[]> {
    const distinct = (): number => new Set(this.handled().map(({ id }) => id)).size;
    await until(`${count} handled records`, () => distinct() >= count, {
      withinMs,
      last: () => `${distinct()} were handled.\n${this.describe()}`,
    });
    return this.handled();
  }

  /** Resolves when everything that is in the stream now has been handled. */
  async untilAllHandled(withinMs?: number): Promise<readonly StoredRecord[]> {
    const stored = await this.readStream();
    await until('the rest of the stream', () => missing(stored, this.handled()).length === 0, {
      ...(withinMs === undefined ? {} : { withinMs }),
      last: () => `${missing(stored, this.handled()).length} of ${stored.length} are missing.\n${this.describe()}`,
    });
    return stored;
  }

  describe(): string {
    return this.workers.map((worker) => worker.tail()).join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.destroy()));
    this.kinesis.destroy();
    this.dynamo.destroy();
    await rm(this.folder, { recursive: true, force: true });
  }

  private get ledgerFile(): string {
    return join(this.folder, 'ledger.jsonl');
  }

  private environment(): Record<string, string> {
    return {
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      MILLRACE_REGION_NAME: REGION,
      MILLRACE_KINESIS_ENDPOINT: this.servers.kinesis.endpoint,
      MILLRACE_DYNAMO_DB_ENDPOINT: this.servers.dynamo.endpoint,
    };
  }

  private async readShard(shardId: string): Promise<readonly StoredRecord[]> {
    const first = await this.kinesis.send(
      new GetShardIteratorCommand({ StreamName: this.name, ShardId: shardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    const stored: StoredRecord[] = [];
    let ShardIterator = first.ShardIterator;
    while (ShardIterator !== undefined) {
      const answer = await this.kinesis.send(new GetRecordsCommand({ ShardIterator, Limit: 1_000 }));
      for (const { SequenceNumber: sequenceNumber = '', PartitionKey: partitionKey = '', Data } of answer.Records ??
        []) {
        const source = { sequenceNumber, partitionKey, data: Data ?? Buffer.of(), approximateArrivalTimestamp: 0 };
        stored.push(
          ...deaggregate(source).records.map((record) => ({
            id: `${shardId}:${sequenceNumber}:${record.subSequenceNumber}`,
            shardId,
            partitionKey: record.partitionKey,
            data: record.data,
          })),
        );
      }
      if ((answer.Records ?? []).length === 0 && answer.MillisBehindLatest === 0) break;
      ShardIterator = answer.NextShardIterator;
    }
    return stored;
  }

  private async reshard(change: () => Promise<unknown>): Promise<readonly string[]> {
    const before = new Set((await this.openShards()).map(({ ShardId }) => ShardId));
    await change();
    return until('the children', async () => {
      await sleep(50);
      const fresh = (await this.openShards()).flatMap(({ ShardId = '' }) => (before.has(ShardId) ? [] : [ShardId]));
      return fresh.length > 0 && fresh;
    });
  }
}

const PUT_MAX = 500;

function dataOf(id: string, more: Payload['more']): Buffer {
  return Buffer.from(JSON.stringify({ id, ...more }));
}
