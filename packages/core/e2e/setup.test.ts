/**
 * Every wrong set-up that the doctor knows, tried on `run` itself as a new user would: the message names the cause and the
 * remedy within ten seconds, the exit code is the documented one, and nothing is left behind.
 */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateTableCommand, DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { jarsFolder } from '../src/daemon/jar-store.js';
import { EXIT_CODES, type ExitCode } from '../src/exit-codes.js';
import { useWorlds, type World } from './support/world.js';

const { startWorld } = useWorlds();

const NAMED_WITHIN_MS = 10_000;
const UNINJECTABLE = fileURLToPath(new URL('fixtures/uninjectable.mjs', import.meta.url));
const JARS = jarsFolder(process.env);

let world: World;
let folder: string;
let tables: DynamoDBClient;
let silence: Server;
let mute: string;
const callers = new Set<Socket>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mr-setup-'));
  await Promise.all(['temporary', 'home', 'empty', 'bin'].map((name) => mkdir(join(folder, name))));
  // What the supervisor needs of the system, and no Java.
  for (const tool of ['sh', 'mkfifo', 'sleep']) await symlink(`/bin/${tool}`, join(folder, 'bin', tool));
  silence = createServer((socket) => void callers.add(socket)).listen(0, '127.0.0.1');
  await once(silence, 'listening');
  mute = `http://127.0.0.1:${portOf(silence)}`;
});
afterEach(() => tables?.destroy());
afterAll(async () => {
  for (const socket of callers) socket.destroy();
  silence.close();
  await rm(folder, { recursive: true, force: true });
});

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function makeWorld(): Promise<void> {
  world = await startWorld({ shards: 2 });
  const credentials = { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' };
  tables = new DynamoDBClient({ endpoint: world.dynamoFaults.endpoint, region: 'us-east-1', credentials });
}

interface Attempt {
  readonly env?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly program?: string;
  readonly code: ExitCode;
  readonly says: RegExp;
  /** What is printed once, and no stack beside it. */
  readonly alsoSays?: RegExp;
}

async function ends({ env = {}, options = {}, program, code, says, alsoSays = says }: Attempt): Promise<void> {
  const startedAt = performance.now();
  const temporary = join(folder, 'temporary');
  const worker = world.startWorker({
    options,
    env: { MILLRACE_JARS: JARS, TMPDIR: temporary, ...env },
    ...(program === undefined ? {} : { program }),
  });
  const ended = await worker.ended();
  const tookMs = performance.now() - startedAt;
  const left = await worker.leftovers();
  const text = worker.logs.map(({ msg }) => msg).join('\n');
  console.log(`ended after ${Math.round(tookMs)} ms with code ${ended.code}:\n${text.slice(0, 900)}`);
  expect(text).toMatch(says);
  expect(text).toMatch(alsoSays);
  // Neither a stack nor words about another start.
  expect(text).not.toMatch(/^\s+at |start anew/m);
  expect(ended).toEqual({ code, signal: null });
  expect(tookMs).toBeLessThan(NAMED_WITHIN_MS);
  expect(left).toEqual([]);
  expect(await readdir(temporary)).toEqual([]);
}

describe('on this machine', () => {
  it.each<[string, () => Attempt]>([
    [
      'no Java',
      () => ({
        env: { PATH: join(folder, 'bin'), JAVA_HOME: '', MILLRACE_JAVA: '' },
        code: EXIT_CODES.wrongUse,
        says: /JAVA_UNUSABLE.*No Java was found\..*MILLRACE_JAVA and JAVA_HOME are not set/s,
        alsoSays: /Install one \(`apt-get install default-jre-headless`\)/,
      }),
    ],
    [
      'a Java that ends at once when it is asked which it is',
      () => ({
        env: { MILLRACE_JAVA: '/bin/false' },
        code: EXIT_CODES.wrongUse,
        says: /JAVA_UNUSABLE.*MILLRACE_JAVA=\/bin\/false cannot be run/s,
      }),
    ],
    [
      'no jars',
      () => ({
        env: { MILLRACE_JARS: join(folder, 'empty') },
        code: EXIT_CODES.wrongUse,
        says: /JARS_MISSING.*millrace jars fetch/s,
      }),
    ],
    [
      'wrong properties, all of them at once',
      () => ({
        options: { failoverTimeMilis: 2_000 },
        env: { MILLRACE_MAX_RECORDS: 'many', MILLRACE_RETRIEVAL_MODE: 'PULL' },
        code: EXIT_CODES.wrongUse,
        says: /failoverTimeMilis.*failoverTimeMillis/s,
        alsoSays: /maxRecords.*retrievalMode|retrievalMode.*maxRecords/s,
      }),
    ],
    [
      'a constructor parameter that cannot be injected',
      () => ({
        program: UNINJECTABLE,
        code: EXIT_CODES.wrongUse,
        says: /METADATA_MISSING.*Parameter 1 of the constructor of Mailer cannot be injected/s,
        alsoSays: /emitDecoratorMetadata/,
      }),
    ],
    [
      'a health port that somebody else has',
      () => ({
        env: { MILLRACE_HEALTH_PORT: String(portOf(silence)) },
        code: EXIT_CODES.wrongUse,
        says: /HEALTH_PORT_FAILED.*another process listens there.*MILLRACE_HEALTH_PORT/s,
      }),
    ],
    [
      'an engine that there is not',
      () => ({
        env: { MILLRACE_ENGINE: 'java' },
        code: EXIT_CODES.wrongUse,
        says: /ENGINE_UNAVAILABLE.*There is no engine "java".*"daemon"/s,
      }),
    ],
    [
      'a folder for temporary files that is not there, beside /tmp',
      () => ({
        env: { MILLRACE_JAVA: '/nowhere', TMPDIR: '/nowhere at all' },
        code: EXIT_CODES.wrongUse,
        says: /JAVA_UNUSABLE.*MILLRACE_JAVA=\/nowhere is no Java/s,
      }),
    ],
  ])('%s', async (_, attempt) => {
    await makeWorld();
    await ends(attempt());
  });
});

describe('at AWS', () => {
  it.each<[string, () => Attempt]>([
    [
      'a stream that is not there',
      () => ({
        env: { MILLRACE_STREAM_NAME: 'ordres' },
        code: EXIT_CODES.failed,
        says: /STREAM_NOT_FOUND.*Stream "ordres" does not exist at http.*Check streamName, regionName/s,
      }),
    ],
    [
      'Kinesis where nobody listens',
      () => ({
        env: { MILLRACE_KINESIS_ENDPOINT: 'http://127.0.0.1:1' },
        code: EXIT_CODES.failed,
        says: /ENDPOINT_UNREACHABLE.*Kinesis.*http:\/\/127\.0\.0\.1:1/s,
      }),
    ],
    [
      'DynamoDB where nobody listens',
      () => ({
        env: { MILLRACE_DYNAMO_DB_ENDPOINT: 'http://127.0.0.1:1' },
        code: EXIT_CODES.failed,
        says: /ENDPOINT_UNREACHABLE.*DynamoDB.*http:\/\/127\.0\.0\.1:1/s,
      }),
    ],
    [
      'Kinesis that never answers',
      () => ({
        env: { MILLRACE_KINESIS_ENDPOINT: mute },
        code: EXIT_CODES.failed,
        says: /ENDPOINT_UNREACHABLE.*Kinesis has not answered/s,
      }),
    ],
    [
      'DynamoDB that never answers',
      () => ({
        env: { MILLRACE_DYNAMO_DB_ENDPOINT: mute },
        code: EXIT_CODES.failed,
        says: /ENDPOINT_UNREACHABLE.*DynamoDB has not answered/s,
      }),
    ],
    [
      'no credentials',
      () => ({
        env: {
          ...{ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_PROFILE: '', AWS_EC2_METADATA_DISABLED: 'true' },
          ...{ HOME: join(folder, 'home'), MILLRACE_KINESIS_ENDPOINT: '', MILLRACE_DYNAMO_DB_ENDPOINT: '' },
        },
        code: EXIT_CODES.failed,
        says: /CREDENTIALS_MISSING.*No AWS credentials were found.*Set AWS_ACCESS_KEY_ID/s,
      }),
    ],
    [
      'no region',
      () => ({
        env: {
          ...{ MILLRACE_REGION_NAME: '', AWS_REGION: '', AWS_DEFAULT_REGION: '', HOME: join(folder, 'home') },
          ...{ MILLRACE_KINESIS_ENDPOINT: '', MILLRACE_DYNAMO_DB_ENDPOINT: '' },
        },
        code: EXIT_CODES.wrongUse,
        says: /No AWS region is known: set regionName/,
      }),
    ],
  ])('%s', async (_, attempt) => {
    await makeWorld();
    await ends(attempt());
  });

  it("a table that is not KCL's", async () => {
    await makeWorld();
    await tables.send(
      new CreateTableCommand({
        TableName: `${world.name}-foreign`,
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'N' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    await ends({
      env: { MILLRACE_APPLICATION_NAME: `${world.name}-foreign` },
      code: EXIT_CODES.failed,
      says: /TABLE_WRONG.*is not what KCL needs: its key is id \(HASH\), not leaseKey/s,
    });
  });

  it('the lease table of another stream', async () => {
    await makeWorld();
    const other = world;
    await makeWorld();
    for (const shardId of ['shardId-000000000007', 'shardId-000000000008'])
      await tables.send(
        new PutItemCommand({
          TableName: other.name,
          Item: { leaseKey: { S: shardId }, checkpoint: { S: 'LATEST' } },
        }),
      );
    for (const shardId of ['shardId-000000000000', 'shardId-000000000001'])
      await tables.send(new DeleteItemCommand({ TableName: other.name, Key: { leaseKey: { S: shardId } } }));
    await ends({
      env: { MILLRACE_APPLICATION_NAME: other.name },
      code: EXIT_CODES.failed,
      says: /TABLE_WRONG.*holds the leases of another stream than/s,
    });
  });
});

describe('Java that cannot do its work', () => {
  it('whose executable is gone when it is started', async () => {
    await makeWorld();
    const home = join(folder, 'jre');
    await mkdir(join(home, 'bin'), { recursive: true });
    await writeFile(join(home, 'bin', 'java'), '#!/nowhere/sh\n', { mode: 0o755 });
    await writeFile(join(home, 'release'), 'IMPLEMENTOR="Maker"\nJAVA_RUNTIME_VERSION="17.0.15+6"\nOS_ARCH="x86_64"\n');
    await ends({
      env: { MILLRACE_JAVA: home },
      code: EXIT_CODES.wrongUse,
      says: /JAVA_UNUSABLE.*The daemon was not started: .*jre\/bin\/java/s,
    });
  });
});
