import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defineConsumer, recordHandler } from '../definition/define-consumer.js';
import { resolveConsumers } from '../resolve-consumers.js';
import { openDynamo, openKinesis } from './aws-clients.js';

const NOWHERE = 'http://127.0.0.1:1';

beforeEach(() => {
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
  vi.stubEnv('AWS_DEFAULT_REGION', undefined);
});
afterEach(() => vi.unstubAllEnvs());

async function consumerWith(options: Readonly<Record<string, string>> = {}) {
  const definition = defineConsumer({
    name: 'mailer',
    stream: 'orders',
    applicationName: 'mailer',
    options,
    create: () => ({}),
    handlers: [recordHandler({ name: 'all', handle: () => undefined })],
  });
  const [consumer] = await resolveConsumers([definition], {}, { env: {}, engine: 'daemon' });
  if (consumer === undefined) throw new Error('The consumer was not resolved.');
  return consumer;
}

describe.each([
  ['Kinesis', openKinesis],
  ['DynamoDB', openDynamo],
] as const)('a client of %s', (_, open) => {
  it.each([undefined, ''])('asks for a region when AWS_REGION is %j', async (region) => {
    vi.stubEnv('AWS_REGION', region);
    const consumer = await consumerWith();

    await expect(open(consumer, { AWS_REGION: region })).rejects.toThrow('No AWS region is known: set regionName');
  });

  it('takes any region and any credentials for an endpoint on this machine, also where the variables are empty', async () => {
    vi.stubEnv('AWS_REGION', '');
    vi.stubEnv('AWS_ACCESS_KEY_ID', '');
    const consumer = await consumerWith({ kinesisEndpoint: NOWHERE, dynamoDBEndpoint: NOWHERE });

    const { client } = await open(consumer, { AWS_REGION: '', AWS_ACCESS_KEY_ID: '' });

    expect(await client.config.region()).toBe('us-east-1');
    expect((await client.config.credentials()).accessKeyId).toBe('AKIALOCAL');
    client.destroy();
  });
});
