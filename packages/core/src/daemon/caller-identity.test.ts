import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { resolveScenario } from '../config/resolve.fixture.js';
import { systemClock } from '../process-ports.js';
import { callerIdentity, callsAws, isLocal, skewOf } from './caller-identity.js';

let server: Server | undefined;
afterEach(() => {
  vi.unstubAllEnvs();
  server?.close();
});

/** An STS whose clock differs from ours. */
async function startSts(status: number, body: string, aheadMs = 0): Promise<void> {
  server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'text/xml', date: new Date(Date.now() + aheadMs).toUTCString() });
    response.end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  vi.stubEnv('AWS_ENDPOINT_URL_STS', `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAKNOWN');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
}

const consumer = resolveScenario({ declared: { regionName: 'eu-west-1' } });
const ask = () => callerIdentity(consumer, { env: {}, clock: systemClock, signal: AbortSignal.timeout(5_000) });

it('says who we are, and that the clocks agree', async () => {
  const body =
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/me</Arn><UserId>A</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>';
  await startSts(200, body);
  expect(await ask()).toEqual({
    kind: 'known',
    account: '123456789012',
    arn: 'arn:aws:iam::123456789012:user/me',
    skewMs: 0,
  });
});

it('tells the time of a refusal', async () => {
  const body =
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>Signature expired.</Message></Error></ErrorResponse>';
  await startSts(403, body, 600_000);
  const answer = await ask();
  expect(answer).toMatchObject({ kind: 'refused', why: 'Signature expired' });
  expect('skewMs' in answer ? Math.round((answer.skewMs ?? 0) / 10_000) : undefined).toBe(-60);
});

it('says that nobody answers', async () => {
  await startSts(200, '');
  vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:1');
  expect(await ask()).toMatchObject({ kind: 'unreachable', why: expect.stringContaining('ECONNREFUSED') });
});

describe('where calls go', () => {
  const of = (kinesisEndpoint?: string, dynamoDBEndpoint?: string) =>
    resolveScenario({
      declared: {
        ...(kinesisEndpoint === undefined ? {} : { kinesisEndpoint }),
        ...(dynamoDBEndpoint === undefined ? {} : { dynamoDBEndpoint }),
      },
    });

  it.each([
    ['AWS', of(), true, false],
    ['one service of AWS', of('http://127.0.0.1:1'), true, false],
    ['this machine', of('http://127.0.0.1:1', 'http://localhost:2'), false, true],
    ['an emulator elsewhere', of('http://emulator:1', 'http://emulator:2'), false, false],
    ['a VPC', of('https://vpce-1.kinesis.eu-west-1.vpce.amazonaws.com', 'http://localhost:2'), true, false],
  ])('to %s', (_where, of_, aws, local) => {
    expect({ aws: callsAws(of_), local: isLocal(of_) }).toEqual({ aws, local });
  });
});

describe('the difference of two clocks', () => {
  const date = new Date(100_000).toUTCString();

  it.each([
    ['is none within the second of the header and the time of the call', 99_500, 100_900, 0],
    ['is positive when ours is ahead', 161_000, 161_200, 60_000],
    ['is negative when ours is behind', 39_000, 40_000, -60_000],
  ])('%s', (_what, sentAt, receivedAt, skewMs) => {
    expect(skewOf(date, { sentAt, receivedAt })).toBe(skewMs);
  });

  it('is unknown without a date', () => {
    expect(skewOf(undefined, { sentAt: 0, receivedAt: 0 })).toBeUndefined();
    expect(skewOf('soon', { sentAt: 0, receivedAt: 0 })).toBeUndefined();
  });
});
