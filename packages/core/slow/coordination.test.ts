/** What the supervisor reads and deletes in DynamoDB, and its look before a start, against DynamoDB Local and kinesis-local. */
import {
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveScenario } from '../src/config/resolve.fixture.js';
import type { DeclaredOptions } from '../src/definition/definition.js';
import { openCoordination } from '../src/daemon/coordination-aws.js';
import { preflight } from '../src/daemon/preflight.js';
import { createTableInput, planTables } from '../src/daemon/provision-tables.js';
import { startEmulator, type Emulator } from '../src/local/emulator.js';
import { systemClock } from '../src/process-ports.js';
import { startDynamoDb, type DynamoDbLocal } from '../test/support/dynamo-db-local.js';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const credentials = { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' };
const { signal } = new AbortController();

let kinesis: Emulator;
let dynamo: DynamoDbLocal;
let tables: DynamoDBClient;
beforeAll(async () => {
  const streams = [{ name: 'orders', shards: 2 }];
  [kinesis, dynamo] = await Promise.all([startEmulator({ streams, logger: silent }), startDynamoDb()]);
  tables = new DynamoDBClient({ endpoint: dynamo.endpoint, region: 'us-east-1', credentials });
});
afterAll(async () => {
  tables?.destroy();
  await Promise.all([kinesis?.stop(), dynamo?.stop()]);
});

function consumerOf(applicationName: string, declared: DeclaredOptions = {}, stream = 'orders') {
  const local = { regionName: 'us-east-1', kinesisEndpoint: kinesis.endpoint, dynamoDBEndpoint: dynamo.endpoint };
  return resolveScenario({ definition: { applicationName, stream }, declared: { ...local, ...declared } });
}

async function provisioned(applicationName: string) {
  const consumer = consumerOf(applicationName);
  for (const plan of planTables(consumer)) await tables.send(new CreateTableCommand(createTableInput(plan)));
  return consumer;
}

const put = (TableName: string, Item: Record<string, AttributeValue>) =>
  tables.send(new PutItemCommand({ TableName, Item }));

const lease = (leaseKey: string, checkpoint = 'TRIM_HORIZON') => ({
  leaseKey: { S: leaseKey },
  checkpoint: { S: checkpoint },
  leaseCounter: { N: '1' },
});

const lock = (version: string) => ({
  key: { S: 'Leader' },
  ownerName: { S: 'web-0' },
  recordVersionNumber: { S: version },
});

describe('coordination', () => {
  it('finds nothing where there are no tables', async () => {
    const coordination = await openCoordination(consumerOf('nobody'), {});
    expect(await coordination.leases()).toEqual([]);
    expect(await coordination.lease('a')).toBeUndefined();
    expect(await coordination.leader()).toBeUndefined();
    expect(await coordination.deleteLeader({ owner: 'web-0', version: 'a' })).toBe('absent');
    coordination.close();
  });

  it('reads every lease over several pages, and nothing that is none', async () => {
    const consumer = await provisioned('paged');
    // A page holds a megabyte.
    const padding = { padding: { S: 'x'.repeat(300_000) } };
    for (let n = 0; n < 8; n += 1) await put('paged', { ...lease(`shardId-${n}`), ...padding });
    await put('paged', { leaseKey: { S: 'Leader' }, entityType: { S: 'LEADER' } });
    const coordination = await openCoordination(consumer, {});
    expect((await coordination.leases()).map(({ shardId }) => shardId).toSorted()).toEqual(
      Array.from({ length: 8 }, (_, n) => `shardId-${n}`),
    );
    expect(await coordination.lease('shardId-3')).toMatchObject({ shardId: 'shardId-3', counter: 1 });
    expect(await coordination.lease('shardId-9')).toBeUndefined();
    coordination.close();
  });

  it("deletes the leader's row only as it was read", async () => {
    const coordination = await openCoordination(await provisioned('led'), {});
    await put('led-CoordinatorState', lock('b'));
    expect(await coordination.leader()).toEqual({ owner: 'web-0', version: 'b', released: false });
    expect(await coordination.deleteLeader({ owner: 'web-0', version: 'a' })).toBe('changed');
    expect(await coordination.deleteLeader({ owner: 'web-1', version: 'b' })).toBe('changed');
    expect(await coordination.deleteLeader({ owner: 'web-0', version: 'b' })).toBe('deleted');
    expect(await coordination.deleteLeader({ owner: 'web-0', version: 'b' })).toBe('absent');
    coordination.close();
  });

  it('takes one worker off the list of those alive, and minds no missing list', async () => {
    await provisioned('leaving');
    const metrics = 'leaving-WorkerMetricStats';
    for (const wid of ['web-0', 'web-1']) await put(metrics, { wid: { S: wid } });
    const coordination = await openCoordination(consumerOf('leaving'), {});
    await coordination.forgetWorker('web-0');
    const { Items } = await tables.send(new ScanCommand({ TableName: metrics }));
    expect(Items).toEqual([{ wid: { S: 'web-1' } }]);
    coordination.close();

    const without = await openCoordination(consumerOf('nobody'), {});
    await expect(without.forgetWorker('web-0')).resolves.toBeUndefined();
    without.close();
  });

  it('says within seconds where nobody answers', async () => {
    const coordination = await openCoordination(consumerOf('led', { dynamoDBEndpoint: 'http://127.0.0.1:1' }), {});
    await expect(coordination.leases()).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' });
    coordination.close();
  });
});

describe('the look before a start', () => {
  const look = (consumer: ReturnType<typeof consumerOf>) =>
    preflight(consumer, { env: {}, clock: systemClock, signal });

  it('knows a new application', async () => {
    expect(await look(consumerOf('fresh'))).toMatchObject({
      shards: 2,
      retentionMs: 86_400_000,
      leases: 0,
      notices: [{ code: 'APPLICATION_NEW' }],
    });
  });

  it('knows leases of another stream', async () => {
    const consumer = await provisioned('elsewhere');
    await put('elsewhere', lease('shardId-000000000007'));
    await expect(look(consumer)).rejects.toMatchObject({
      code: 'TABLE_WRONG',
      message: expect.stringContaining('the leases of another stream'),
    });
  });

  it('knows leases of a stream of the same name before it', async () => {
    const consumer = await provisioned('earlier');
    await put('earlier', lease('shardId-000000000000', '1'));
    await expect(look(consumer)).rejects.toMatchObject({ code: 'TABLE_WRONG' });
  });

  it('says everything that is missing at once', async () => {
    const consumer = consumerOf('fresh', { dynamoDBEndpoint: 'http://127.0.0.1:1' }, 'nothing');
    await expect(look(consumer)).rejects.toMatchObject({
      code: 'ENDPOINT_UNREACHABLE',
      message: expect.stringContaining('- [STREAM_NOT_FOUND] Stream "nothing" does not exist'),
    });
  });

  it('says within seconds that there are no credentials', async () => {
    const env = { AWS_REGION: 'eu-west-1' };
    const consumer = resolveScenario();
    const startedMs = performance.now();
    await expect(preflight(consumer, { env, clock: systemClock, signal })).rejects.toMatchObject({
      code: 'CREDENTIALS_MISSING',
    });
    expect(performance.now() - startedMs).toBeLessThan(9_000);
  });
});
