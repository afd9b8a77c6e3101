import { describe, expect, it } from 'vitest';
import { resolveConsumer } from '../../config/resolve.js';
import type { ResolvedConsumer } from '../../config/resolved.js';
import { defineConsumer, recordHandler } from '../../definition/define-consumer.js';
import type { ConsumerOptions } from '../../definition/consumer-options.js';
import { daemonEnvironment, daemonPreset } from './daemon-preset.js';

interface Said {
  readonly declared?: ConsumerOptions;
  readonly given?: ConsumerOptions;
  readonly env?: Readonly<Record<string, string>>;
}

function consumer({ declared = {}, given = {}, env = {} }: Said = {}): ResolvedConsumer {
  const definition = defineConsumer({
    name: 'mailer',
    stream: 'orders',
    applicationName: 'mailer',
    options: declared,
    create: () => ({}),
    handlers: [recordHandler({ name: 'all', handle: () => undefined })],
  });
  return resolveConsumer(definition, { options: given, env, engine: 'daemon' });
}

describe('the preset of the daemon', () => {
  it('fills in what nobody has said', () => {
    expect(daemonPreset(consumer(), false)).toEqual({
      failoverTimeMillis: 2_000,
      leaseAssignmentIntervalMillis: 500,
      idleTimeBetweenReadsInMillis: 250,
      shardSyncIntervalMillis: 100,
      metricsLevel: 'NONE',
      disableWorkerMetrics: true,
      isolation: 'shared',
    });
  });

  it.each<[string, Said]>([
    ['the declaration', { declared: { failoverTimeMillis: 9_000 } }],
    ['a variable', { env: { MILLRACE_FAILOVER_TIME_MILLIS: '9000' } }],
    ['the command line', { given: { failoverTimeMillis: 9_000 } }],
  ])('gives way to %s', (_, said) => {
    expect(daemonPreset(consumer(said), false)).not.toHaveProperty('failoverTimeMillis');
  });

  it('names the worker only where nobody else can be, and nobody has named it', () => {
    expect(daemonPreset(consumer(), true)).toMatchObject({ workerId: 'millrace-dev' });
    expect(daemonPreset(consumer({ declared: { workerId: 'mine' } }), true)).not.toHaveProperty('workerId');
  });

  it('serves every shard in one process, whatever a deployment does', () => {
    expect(daemonPreset(consumer({ declared: { isolation: 'process' } }), false)).toMatchObject({
      isolation: 'shared',
    });
  });
});

describe("the daemon's environment", () => {
  const here = { kinesisEndpoint: 'http://127.0.0.1:1', dynamoDBEndpoint: 'http://localhost:2' };
  const real = {
    AWS_ACCESS_KEY_ID: 'AKIAREAL',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'token',
    HOME: '/h',
  };

  it('has no real credentials when everything is on this machine', () => {
    expect(daemonEnvironment([consumer({ given: here })], real)).toEqual({
      HOME: '/h',
      AWS_ACCESS_KEY_ID: 'AKIALOCAL',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_REGION: 'us-east-1',
    });
  });

  it.each<[string, ConsumerOptions]>([
    ['Kinesis is in AWS', { ...here, kinesisEndpoint: 'https://kinesis.eu-west-1.amazonaws.com' }],
    ['DynamoDB is in AWS', { ...here, dynamoDBEndpoint: 'https://dynamodb.eu-west-1.amazonaws.com' }],
    ['DynamoDB is not named', { kinesisEndpoint: here.kinesisEndpoint }],
  ])('is left as it is when %s', (_, given) => {
    expect(daemonEnvironment([consumer({ given: here }), consumer({ given })], real)).toBe(real);
  });
});
