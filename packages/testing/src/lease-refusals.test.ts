import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaseRefusals } from './lease-refusals.js';

let dynamoDb: Server;
let refusals: LeaseRefusals;
let calls = 0;

beforeEach(async () => {
  calls = 0;
  dynamoDb = createServer((_, to) => {
    calls += 1;
    to.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{"done":true}');
  }).listen(0, '127.0.0.1');
  await once(dynamoDb, 'listening');
  refusals = await LeaseRefusals.open(`http://127.0.0.1:${(dynamoDb.address() as AddressInfo).port}`);
});

afterEach(() => {
  refusals.close();
  dynamoDb.close();
});

interface Call {
  readonly operation?: string;
  readonly invocation?: string;
  readonly body?: string;
}

async function send({ operation = 'UpdateItem', invocation = 'one', body = '{"checkpoint":1}' }: Call = {}) {
  const headers = { 'x-amz-target': `DynamoDB_20120810.${operation}`, 'amz-sdk-invocation-id': invocation };
  const answer = await fetch(refusals.endpoint, { method: 'POST', headers, body });
  return { status: answer.status, body: await answer.json() };
}

const DONE = { status: 200, body: { done: true } };
const THROTTLED = { status: 400, body: { __type: 'ProvisionedThroughputExceededException' } };

describe('checkpoints in DynamoDB', () => {
  it('are refused as often as was said, however often the client tries one of them', async () => {
    refusals.fail('ThrottlingException', 2);

    expect(await send({ invocation: 'one' })).toEqual(THROTTLED);
    expect(await send({ invocation: 'one' })).toEqual(THROTTLED);
    expect(await send({ invocation: 'two' })).toEqual(THROTTLED);
    expect(calls).toBe(0);
    expect(await send({ invocation: 'three' })).toEqual(DONE);
    expect(await send({ invocation: 'two' })).toEqual(THROTTLED);
  });

  it('are refused until that is over', async () => {
    refusals.fail('InvalidStateException', undefined);
    expect(await send()).toMatchObject({ body: { __type: 'ResourceNotFoundException' } });

    refusals.recover();
    expect(await send({ invocation: 'two' })).toEqual(DONE);
  });

  it('are told from everything else, which goes through', async () => {
    refusals.fail('KinesisClientLibDependencyException', undefined);

    expect(await send({ body: '{"leaseCounter":1}' })).toEqual(DONE);
    expect(await send({ operation: 'GetItem' })).toEqual(DONE);
    expect(await send()).toMatchObject({ body: { __type: 'AccessDeniedException' } });
  });

  it('break off where there is no DynamoDB', async () => {
    dynamoDb.close();
    dynamoDb.closeAllConnections();

    await expect(send()).rejects.toThrow('fetch failed');
  });

  it.each(['ShutdownException', 'constructor'])(
    'are not refused with %s, which KCL says for other reasons',
    (error) => {
      expect(() => refusals.fail(error, undefined)).toThrow(
        `KCL does not say ${error} because of DynamoDB. On the runtime daemon a checkpoint is refused with ThrottlingException, KinesisClientLibDependencyException, InvalidStateException.`,
      );
    },
  );
});
