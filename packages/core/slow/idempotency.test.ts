/** The idempotency store in DynamoDB, against DynamoDB Local: owners beside each other, locks and expiry, throttling. */
import { createServer, type Server } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient, GetItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { dynamoDbStore } from '../src/idempotency/dynamo-db-store.js';
import { systemClock } from '../src/process-ports.js';
import type { IdempotencyAnswer, IdempotencyClaim, IdempotencyStore } from '../src/ports.js';
import { startDynamoDb, type DynamoDbLocal } from '../test/support/dynamo-db-local.js';

const credentials = { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' };
const region = 'us-east-1';
const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const context = {
  applicationName: 'mailer',
  stream: 'orders',
  region,
  ports: { clock: systemClock, random: Math.random, logger },
};

let dynamo: DynamoDbLocal;
let tables: DynamoDBClient;
const opened: IdempotencyStore[] = [];

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
  dynamo = await startDynamoDb();
  tables = new DynamoDBClient({ endpoint: dynamo.endpoint, region, credentials });
  await createTable('handled', 'id');
});
afterAll(async () => {
  tables?.destroy();
  await dynamo?.stop();
  vi.unstubAllEnvs();
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

async function createTable(TableName: string, key: string): Promise<void> {
  await tables.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: key, AttributeType: 'S' }],
      KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
    }),
  );
}

async function open(endpoint = dynamo.endpoint, tableName = 'handled'): Promise<IdempotencyStore> {
  const store = await dynamoDbStore({ tableName, endpoint }).open(context);
  opened.push(store);
  return store;
}

const NOW_MS = 1_700_000_000_000;
let key: string;
beforeEach(() => {
  key = randomUUID();
});
const claim = (more: Partial<IdempotencyClaim> = {}): IdempotencyClaim => ({
  key,
  owner: 'one',
  nowMs: NOW_MS,
  lockedUntilMs: NOW_MS + 75_000,
  expiresAtMs: NOW_MS + 86_400_000,
  ...more,
});

async function row(): Promise<unknown> {
  const { Item } = await tables.send(
    new GetItemCommand({ TableName: 'handled', Key: { id: { S: key } }, ConsistentRead: true }),
  );
  return Item;
}

describe('a key', () => {
  it('is locked, completed, and then known to everybody', async () => {
    const [first, second] = [await open(), await open()];

    expect(await first.acquire(claim())).toEqual({ kind: 'acquired' });
    expect(await row()).toMatchObject({ status: { S: 'IN_PROGRESS' }, owner: { S: 'one' } });
    expect(await second.acquire(claim({ owner: 'two' }))).toEqual({
      kind: 'inProgress',
      lockedUntilMs: NOW_MS + 75_000,
    });
    expect(await first.complete(claim())).toBe(true);
    expect(await second.acquire(claim({ owner: 'two' }))).toEqual({ kind: 'completed' });

    expect(await row()).toMatchObject({
      status: { S: 'COMPLETED' },
      expiration: { N: String((NOW_MS + 86_400_000) / 1000) },
    });
  });

  it('goes to one of many who ask at once, and to it alone', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => open()));
    const owners = Array.from({ length: 20 }, (_, index) => `owner-${index}`);

    const answers = await Promise.all(
      owners.map(async (owner, index) => stores[index % stores.length]?.acquire(claim({ owner }))),
    );

    const kinds = answers.map((answer) => answer?.kind);
    expect(kinds.filter((kind) => kind === 'acquired')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'inProgress')).toHaveLength(19);
  });

  it('can be taken again by its owner: an answer may have been lost on its way', async () => {
    const store = await open();
    await store.acquire(claim());
    expect(await store.acquire(claim())).toEqual({ kind: 'acquired' });
  });

  it('is free when its lock has expired, and the one who had it can neither complete nor release it', async () => {
    const [killed, next] = [await open(), await open()];
    const later = { owner: 'two', nowMs: NOW_MS + 75_000, lockedUntilMs: NOW_MS + 150_000 };
    await killed.acquire(claim());

    expect(await next.acquire(claim({ ...later, nowMs: NOW_MS + 74_999 }))).toMatchObject({ kind: 'inProgress' });
    expect(await next.acquire(claim(later))).toEqual({ kind: 'acquired' });

    expect(await killed.complete(claim())).toBe(false);
    await killed.release(claim());
    expect(await row()).toMatchObject({ status: { S: 'IN_PROGRESS' }, owner: { S: 'two' } });
    expect(await next.complete(claim(later))).toBe(true);
  });

  it('of several who find an expired lock goes to one', async () => {
    const store = await open();
    await store.acquire(claim());
    const late = { nowMs: NOW_MS + 80_000, lockedUntilMs: NOW_MS + 155_000 };
    const answers: readonly IdempotencyAnswer[] = await Promise.all(
      ['two', 'three', 'four'].map((owner) => store.acquire(claim({ owner, ...late }))),
    );
    expect(answers.map(({ kind }) => kind).toSorted()).toEqual(['acquired', 'inProgress', 'inProgress']);
  });

  it('is gone when it is given back', async () => {
    const store = await open();
    await store.acquire(claim());
    await store.release(claim());
    expect(await row()).toBeUndefined();
    await store.release(claim());
    expect(await store.acquire(claim({ owner: 'two' }))).toEqual({ kind: 'acquired' });
  });

  it('counts as unknown when it has expired, although DynamoDB has not deleted it', async () => {
    const store = await open();
    await store.acquire(claim());
    await store.complete(claim());
    const day = { owner: 'two', lockedUntilMs: NOW_MS + 86_475_000 };
    expect(await store.acquire(claim({ ...day, nowMs: NOW_MS + 86_399_000 }))).toEqual({ kind: 'completed' });
    expect(await store.acquire(claim({ ...day, nowMs: NOW_MS + 86_400_000 }))).toEqual({ kind: 'acquired' });
  });

  it('may be longer than a key of DynamoDB', async () => {
    const store = await open();
    const long = `${key}${'x'.repeat(3_000)}`;
    expect(await store.acquire(claim({ key: long }))).toEqual({ kind: 'acquired' });
    expect(await store.acquire(claim({ key: long, owner: 'two' }))).toMatchObject({ kind: 'inProgress' });
    expect(await store.acquire(claim({ key: `${long}y` }))).toEqual({ kind: 'acquired' });
  });
});

describe('a table', () => {
  it('that is missing keeps the worker from starting, and the error says how it is made', async () => {
    await expect(open(dynamo.endpoint, 'nowhere')).rejects.toMatchObject({
      code: 'IDEMPOTENCY_FAILED',
      message: expect.stringContaining('Create it with a partition key "id"'),
    });
  });

  it('of another kind is refused', async () => {
    await createTable('leases', 'leaseKey');
    await expect(open(dynamo.endpoint, 'leases')).rejects.toMatchObject({ code: 'TABLE_WRONG' });
    expect((await tables.send(new ScanCommand({ TableName: 'leases' }))).Count).toBe(0);
  });
});

describe('throttling', () => {
  /** Passes on what it gets, and answers the next writes as a table does that is too busy. */
  class Throttle {
    throttled = 0;
    left = 0;
    private readonly server: Server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => void chunks.push(chunk));
      request.on('end', () => {
        const write = /PutItem|DeleteItem/.test(String(request.headers['x-amz-target']));
        if (write && this.left > 0) {
          this.left -= 1;
          this.throttled += 1;
          response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
          response.end(
            JSON.stringify({
              __type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
              message: 'The level of configured provisioned throughput for the table was exceeded.',
            }),
          );
          return;
        }
        const headers = Object.fromEntries(
          Object.entries(request.headers).filter(([name]) => !/^(host|connection|content-length)$/.test(name)),
        ) as Record<string, string>;
        fetch(dynamo.endpoint, { method: 'POST', headers, body: Buffer.concat(chunks) })
          .then(async (answer) => {
            const body = Buffer.from(await answer.arrayBuffer());
            response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' });
            response.end(body);
          })
          .catch(() => response.destroy());
      });
    });

    async start(): Promise<string> {
      await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }
    async stop(): Promise<void> {
      this.server.closeAllConnections();
      await new Promise((resolve) => this.server.close(resolve));
    }
  }

  it('that passes is not seen', async () => {
    const throttle = new Throttle();
    const store = await open(await throttle.start());
    try {
      throttle.left = 2;
      expect(await store.acquire(claim())).toEqual({ kind: 'acquired' });
      expect(throttle.throttled).toBe(2);
    } finally {
      await throttle.stop();
    }
  });

  it('that lasts rejects, and leaves the key as it was', async () => {
    const throttle = new Throttle();
    const store = await open(await throttle.start());
    try {
      throttle.left = Number.POSITIVE_INFINITY;
      await expect(store.acquire(claim())).rejects.toThrow('throughput');
      expect(await row()).toBeUndefined();
      throttle.left = 0;
      expect(await store.acquire(claim())).toEqual({ kind: 'acquired' });
    } finally {
      await throttle.stop();
    }
  });
});
