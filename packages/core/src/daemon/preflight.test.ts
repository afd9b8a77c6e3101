import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { resolveScenario, type Scenario } from '../config/resolve.fixture.js';
import { isMillraceError, MillraceError } from '../errors.js';
import { leaseOf } from './coordination.fixture.js';
import type { PreflightApi } from './preflight-facts.js';
import { preflight } from './preflight.js';
import { createTableInput, planTables } from './provision-tables.js';

const HOUR_MS = 3_600_000;
const forever = () => new Promise<never>(() => undefined);

/** An application that has run before, unless it is told otherwise. */
function apiOf(scenario: Scenario, answers: Partial<PreflightApi>): PreflightApi {
  const plans = planTables(resolveScenario(scenario));
  return {
    credentials: async () => undefined,
    describeStream: async () => ({ status: 'ACTIVE', retentionMs: 24 * HOUR_MS, openShards: 2 }),
    listShards: async () => [
      { shardId: 'a', closed: true, startingSequenceNumber: '100' },
      { shardId: 'b', closed: false, startingSequenceNumber: '200' },
      { shardId: 'c', closed: false, startingSequenceNumber: '200' },
    ],
    describeTable: async (table) => {
      const plan = plans.find(({ name }) => name === table);
      if (plan === undefined) return undefined;
      const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes = [] } = createTableInput(plan);
      const shown = GlobalSecondaryIndexes.map((index) => ({ ...index, IndexStatus: 'ACTIVE' as const }));
      return { TableStatus: 'ACTIVE', KeySchema, AttributeDefinitions, GlobalSecondaryIndexes: shown };
    },
    leases: async () => [leaseOf('a', { checkpoint: 'SHARD_END' }), leaseOf('b', { checkpoint: '250' }), leaseOf('c')],
    close: () => undefined,
    ...answers,
  };
}

async function look(answers: Partial<PreflightApi> = {}, scenario: Scenario = {}) {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  const open = async () => apiOf(scenario, answers);
  const looking = preflight(resolveScenario(scenario), { env: {}, clock, signal, open }).then(
    (report) => ({ report, error: undefined, codes: report.notices.map(({ code }) => code) }),
    (error: unknown) => {
      if (!isMillraceError(error)) throw error;
      return { report: undefined, error, codes: [] };
    },
  );
  await clock.advance(8_000);
  return looking;
}

const failing = (code: ConstructorParameters<typeof MillraceError>[0], text: string, cause?: unknown) => async () => {
  throw new MillraceError(code, text, { cause });
};

describe('an application that can run', () => {
  it('is reported with its shards, tables and leases', async () => {
    const { report } = await look();
    expect(report).toEqual({
      shards: 2,
      retentionMs: 24 * HOUR_MS,
      tables: [
        { role: 'leases', name: 'order-mailer', state: 'exists' },
        { role: 'coordinator', name: 'order-mailer-CoordinatorState', state: 'exists' },
        { role: 'workerMetrics', name: 'order-mailer-WorkerMetricStats', state: 'exists' },
      ],
      leases: 3,
      notices: [],
    });
  });

  it('is told how to start fast when it is new', async () => {
    const { report } = await look({ describeTable: async () => undefined, leases: async () => [] });
    expect(report?.tables.map(({ state }) => state)).toEqual(['missing', 'missing', 'missing']);
    expect(report?.notices).toEqual([
      { code: 'APPLICATION_NEW', message: expect.stringContaining('millrace provision --leases') },
    ]);
  });

  it('is told that LATEST does nothing where there are leases', async () => {
    const { codes } = await look({}, { declared: { initialPositionInStream: 'LATEST' } });
    expect(codes).toEqual(['POSITION_IGNORED']);
  });

  it('is told what nobody warns of when the stream may not be described', async () => {
    const { report, codes } = await look({ describeStream: failing('ACCESS_DENIED', 'no') });
    expect({ codes, shards: report?.shards, retentionMs: report?.retentionMs }).toEqual({
      codes: ['STREAM_NOT_DESCRIBED'],
      shards: 2,
      retentionMs: undefined,
    });
  });

  it('may have leases of shards that the stream has forgotten', async () => {
    const { codes } = await look({ leases: async () => [leaseOf('old', { checkpoint: '7' }), leaseOf('b')] });
    expect(codes).toEqual(['LEASES_UNKNOWN']);
  });

  it('is not kept from starting by what passes by itself', async () => {
    const throttled = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    const { codes } = await look({ leases: failing('COORDINATION_FAILED', 'put off', throttled) });
    expect(codes).toEqual(['NOT_CHECKED']);
  });
});

describe('a problem', () => {
  const DENIED = 'AWS refuses ListShards: allow kinesis:ListShards.';

  it.each<[string, Partial<PreflightApi>, string, RegExp]>([
    [
      'a missing stream',
      {
        describeStream: failing('STREAM_NOT_FOUND', 'Stream "orders" does not exist.'),
        listShards: failing('STREAM_NOT_FOUND', 'Stream "orders" does not exist.'),
      },
      'STREAM_NOT_FOUND',
      /^Stream "orders" does not exist\.$/,
    ],
    [
      'a stream that is being deleted',
      { describeStream: async () => ({ status: 'DELETING', retentionMs: HOUR_MS, openShards: 0 }) },
      'STREAM_NOT_FOUND',
      /being deleted/,
    ],
    ['a refusal', { listShards: failing('ACCESS_DENIED', DENIED) }, 'ACCESS_DENIED', /kinesis:ListShards/],
    [
      'a table of somebody else',
      { describeTable: async () => ({ TableStatus: 'ACTIVE', KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }] }) },
      'TABLE_WRONG',
      /"order-mailer" is not what.*"order-mailer-CoordinatorState" is not what.*"order-mailer-WorkerMetricStats" is not/,
    ],
    [
      'a table that goes away',
      { describeTable: async () => ({ TableStatus: 'DELETING' }) },
      'TABLE_WRONG',
      /it is DELETING/,
    ],
    [
      'leases of another stream',
      { leases: async () => [leaseOf('x'), leaseOf('y', { checkpoint: '7' })] },
      'TABLE_WRONG',
      /holds the leases of another stream than "orders".*\(x at TRIM_HORIZON, y at 7\)/,
    ],
    [
      'leases of a stream of this name that was deleted, whose shards are called the same',
      { leases: async () => [leaseOf('b', { checkpoint: '199' })] },
      'TABLE_WRONG',
      /b at 199/,
    ],
    ['a DynamoDB that hangs', { leases: forever, describeTable: forever }, 'ENDPOINT_UNREACHABLE', /^DynamoDB has not/],
    ['credentials that hang', { credentials: forever }, 'CREDENTIALS_MISSING', /^No AWS credentials .* within 4 s/],
  ])('is %s', async (_what, answers, code, text) => {
    const { error } = await look(answers);
    expect({ code: error?.code, message: error?.message }).toEqual({ code, message: expect.stringMatching(text) });
  });

  it('is told with all others, those that are to be mended first in front', async () => {
    const { error } = await look({
      describeStream: failing('STREAM_NOT_FOUND', 'no stream'),
      listShards: failing('STREAM_NOT_FOUND', 'no stream'),
      leases: failing('ACCESS_DENIED', 'no scan'),
    });
    expect(error?.code).toBe('ACCESS_DENIED');
    expect(error?.message).toBe(
      'The daemon cannot run (2 problems):\n  - [ACCESS_DENIED] no scan\n  - [STREAM_NOT_FOUND] no stream',
    );
  });

  it('of credentials is told once for both services', async () => {
    const { error } = await look({
      credentials: async (service) => failing('CREDENTIALS_MISSING', `none for ${service}`)(),
    });
    expect(error?.message).toBe('none for kinesis');
  });

  it('is a notice when the daemon has other credentials than we', async () => {
    const declared = { AwsCredentialsProvider: 'ProfileCredentialsProvider|prod' };
    const { codes, report } = await look({ credentials: failing('CREDENTIALS_MISSING', 'none') }, { declared });
    expect(codes).toEqual(['NOT_CHECKED']);
    expect(report?.notices[0]?.message).toContain('not with ProfileCredentialsProvider');
    expect(report?.shards).toBeUndefined();
  });
});
