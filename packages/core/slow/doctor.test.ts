/**
 * `millrace doctor` as a user runs it, against kinesis-local and DynamoDB Local: a set-up that is right, and each wrong one
 * named with its cause within ten seconds.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator } from '../src/local/emulator.js';
import { startDynamoDb, type DynamoDbLocal } from '../test/support/dynamo-db-local.js';
import { fetchClassPath } from '../test/support/multi-lang-daemon.js';

const core = fileURLToPath(new URL('..', import.meta.url));
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const credentials = { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' };
const NAMED_WITHIN_MS = 10_000;
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
let silence: Server;
const callers = new Set<Socket>();

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'millrace-doctor-'));
  await mkdir(join(project, 'node_modules/@millrace'), { recursive: true });
  await symlink(core, join(project, 'node_modules/@millrace/core'));
  await writeFile(join(project, 'mailer.mjs'), MODULE);
  const streams = [
    { name: 'orders', shards: 2 },
    { name: 'wide', shards: 4 },
  ];
  [kinesis, dynamo] = await Promise.all([
    startEmulator({ streams, logger: silent }),
    startDynamoDb(),
    fetchClassPath(project),
  ]);
  tables = new DynamoDBClient({ endpoint: dynamo.endpoint, region: 'us-east-1', credentials });
  silence = createServer((socket) => void callers.add(socket)).listen(0, '127.0.0.1');
  await once(silence, 'listening');
});
afterAll(async () => {
  tables?.destroy();
  silence?.close();
  for (const socket of callers) socket.destroy();
  await Promise.all([kinesis?.stop(), dynamo?.stop()]);
  await rm(project, { recursive: true, force: true });
});

type Variables = Readonly<Record<string, string | undefined>>;

async function millrace(words: readonly string[], env: Variables = {}) {
  const all: NodeJS.ProcessEnv = {
    ...process.env,
    MILLRACE_REGION_NAME: 'us-east-1',
    MILLRACE_KINESIS_ENDPOINT: kinesis.endpoint,
    MILLRACE_DYNAMO_DB_ENDPOINT: dynamo.endpoint,
    MILLRACE_JARS: join(project, 'jars'),
    ...env,
  };
  const startedMs = performance.now();
  return new Promise<{ exitCode: unknown; out: string; err: string; tookMs: number }>((resolve) => {
    const file = join(core, 'dist/cli.js');
    execFile(process.execPath, [file, ...words], { cwd: project, env: all }, (error, out, err) =>
      resolve({ exitCode: error === null ? 0 : error.code, out, err, tookMs: performance.now() - startedMs }),
    );
  });
}

const doctor = (env?: Variables) => millrace(['doctor', 'mailer.mjs'], env);

describe('a set-up that is right', () => {
  it('is found right, new and provisioned', async () => {
    const env = { MILLRACE_APPLICATION_NAME: 'right' };
    const fresh = await doctor(env);
    expect(fresh.out).toMatch(/ok +leases +The application "right" is new/);
    await millrace(['provision', 'mailer.mjs', '--leases'], env);
    const { exitCode, out, err } = await doctor(env);
    expect({ exitCode, err, end: out.split('\n').at(-2) }).toEqual({
      exitCode: 0,
      err: '',
      end: 'Everything is as it should be.',
    });
    expect(out).toMatch(/ok +jars +kcl-3\.1\.3: \d+ jars in /);
    expect(out).toMatch(/ok +stream +orders: 2 open shards, keeps records for 24 h\n/);
    expect(out).toMatch(/ok +leases +2 of stream orders, 0 with an owner\n/);
  });
});

describe('a wrong set-up', () => {
  async function named(env: Variables, line: RegExp): Promise<void> {
    const { exitCode, out, tookMs } = await doctor(env);
    expect(out).toMatch(line);
    expect(exitCode).toBe(2);
    expect(tookMs).toBeLessThan(NAMED_WITHIN_MS);
  }

  it('without jars', async () => {
    await named({ MILLRACE_JARS: join(project, 'no-jars') }, /error +jars +JARS_MISSING: .*millrace jars fetch/s);
  });

  it('with wrong properties, all of them', async () => {
    await named(
      { MILLRACE_FAILOVER_TIME_MILLIS: 'soon', MILLRACE_RETRIEVAL_MODE: 'PULL' },
      /error +properties .*failoverTimeMillis.*\n(.*\n)* +error +properties .*retrievalMode/,
    );
  });

  it('without a region', async () => {
    const nothing = {
      MILLRACE_REGION_NAME: undefined,
      MILLRACE_KINESIS_ENDPOINT: undefined,
      AWS_REGION: undefined,
      AWS_CONFIG_FILE: '/dev/null',
    };
    await named(nothing, /error +region +No AWS region is known: set regionName/);
  });

  it('without credentials', async () => {
    const nothing = {
      MILLRACE_KINESIS_ENDPOINT: undefined,
      MILLRACE_DYNAMO_DB_ENDPOINT: undefined,
      AWS_ACCESS_KEY_ID: undefined,
      AWS_PROFILE: undefined,
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    };
    await named(nothing, /error +credentials +No AWS credentials were found: .*\n +Set AWS_ACCESS_KEY_ID/);
  });

  it('with a stream that is not there', async () => {
    await named(
      { MILLRACE_STREAM_NAME: 'ordres' },
      /error +stream +STREAM_NOT_FOUND: Stream "ordres" does not exist at http/,
    );
  });

  it('with endpoints where nobody listens', async () => {
    const nowhere = 'http://127.0.0.1:1';
    await named(
      { MILLRACE_KINESIS_ENDPOINT: nowhere, MILLRACE_DYNAMO_DB_ENDPOINT: nowhere },
      /error +stream +ENDPOINT_UNREACHABLE: Kinesis .*\n +error +tables +ENDPOINT_UNREACHABLE: DynamoDB /,
    );
  });

  it('with endpoints that never answer', async () => {
    const address = silence.address();
    const mute = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    await named(
      { MILLRACE_KINESIS_ENDPOINT: mute, MILLRACE_DYNAMO_DB_ENDPOINT: mute },
      /error +stream +ENDPOINT_UNREACHABLE: Kinesis has not answered.*\n +error +tables +ENDPOINT_UNREACHABLE: DynamoDB has/,
    );
  });

  it("with a table that is not KCL's", async () => {
    await tables.send(
      new CreateTableCommand({
        TableName: 'foreign',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'N' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    await named(
      { MILLRACE_APPLICATION_NAME: 'foreign' },
      /error +tables +TABLE_WRONG: Table "foreign" is not what KCL needs: its key is id \(HASH\), not leaseKey/,
    );
  });

  it('with the lease table of another stream', async () => {
    const env = { MILLRACE_APPLICATION_NAME: 'moved' };
    await millrace(['provision', 'mailer.mjs'], env);
    for (const shardId of ['shardId-000000000002', 'shardId-000000000003'])
      await tables.send(
        new PutItemCommand({ TableName: 'moved', Item: { leaseKey: { S: shardId }, checkpoint: { S: 'LATEST' } } }),
      );
    expect((await doctor({ ...env, MILLRACE_STREAM_NAME: 'wide' })).exitCode).toBe(0);
    await named(env, /error +leases +TABLE_WRONG: Table "moved" holds the leases of another stream than "orders"/);
  });

  it('with a platform that kills too early', async () => {
    await named(
      { MILLRACE_STOP_TIMEOUT: '10' },
      /error +stopping +shutdownGraceMillis is 25000, and the platform kills after 10 s .*\n +Give the platform 28 s/,
    );
  });
});
