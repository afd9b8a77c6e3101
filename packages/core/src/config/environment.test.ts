import { describe, expect, it } from 'vitest';
import { variableName } from './environment.js';
import { MILLRACE_OPTIONS } from './millrace-options.js';
import { isWildcard, PROPERTIES } from './property-table.js';
import { noticesOf, resolveScenario, valueOf } from './resolve.fixture.js';

describe('variables', () => {
  it.each([
    ['MILLRACE_MAX_RECORDS', 'maxRecords', '7'],
    ['MILLRACE_DYNAMODB_ENDPOINT', 'dynamoDBEndpoint', 'http://localhost:8000'],
    ['MILLRACE_DYNAMO_DB_ENDPOINT', 'dynamoDBEndpoint', 'http://localhost:8000'],
    ['MILLRACE_AWS_CREDENTIALS_PROVIDER', 'AwsCredentialsProvider', 'ProfileCredentialsProvider'],
    ['MILLRACE_POLLING_CONFIG_MAX_RECORDS', 'maxRecords', '7'],
    ['MILLRACE_FANOUT_CONFIG_CONSUMER_NAME', 'fanoutConfig.consumerName', 'mailer'],
    ['MILLRACE_WORKER_IDENTIFIER', 'workerId', 'host-1'],
  ])('%s sets %s', (variable, name, value) => {
    const resolved = resolveScenario({ env: { [variable]: value }, declared: { retrievalMode: 'DEFAULT' } });

    expect(valueOf(resolved, name)).toBe(value);
    expect(resolved.properties.find((property) => property.name === name)?.source).toBe(variable);
  });

  it('exist for every property and option, and no two share one', () => {
    const names = [...PROPERTIES.filter((spec) => !isWildcard(spec)), ...MILLRACE_OPTIONS].map(({ name }) =>
      variableName(name),
    );

    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('MILLRACE_IDLE_TIME_BETWEEN_READS_IN_MILLIS');
  });

  it('count as not set when they are empty', () => {
    expect(valueOf(resolveScenario({ env: { MILLRACE_MAX_RECORDS: '' } }), 'maxRecords')).toBe('1000');
  });

  it('of others are left alone', () => {
    expect(
      noticesOf({
        env: {
          PATH: '/bin',
          MILLRACE_ENGINE: 'local',
          MILLRACE_X: '1',
          MILLRACE_LOG_LEVEL: 'info',
          MILLRACE_LOCAL_IN_PRODUCTION: '1',
          AWS_REGION: 'x',
          MILLRACE_MAX_RECORDS: undefined,
        },
      }),
    ).toEqual([]);
  });

  it('that nearly name something are pointed out', () => {
    const { notices } = resolveScenario({ env: { MILLRACE_STREM_NAME: 'x' } });

    expect(notices).toEqual([
      {
        code: 'UNKNOWN_VARIABLE',
        message: 'MILLRACE_STREM_NAME names nothing and is not read. Did you mean MILLRACE_STREAM_NAME?',
      },
    ]);
  });
});

describe('variables of one application', () => {
  it('win over those without a name', () => {
    const env = { MILLRACE_ORDER_MAILER_MAX_RECORDS: '7', MILLRACE_MAX_RECORDS: '8' };

    expect(valueOf(resolveScenario({ env }), 'maxRecords')).toBe('7');
  });

  it('are the only ones that count when there are several consumers', () => {
    const env = { MILLRACE_ORDER_MAILER_STREAM_NAME: 'a', MILLRACE_MAX_RECORDS: '8' };
    const resolved = resolveScenario({ env, scoped: true });

    expect(resolved.stream).toBe('a');
    expect(valueOf(resolved, 'maxRecords')).toBe('1000');
    expect(resolved.notices).toEqual([
      {
        code: 'UNSCOPED_VARIABLE',
        message:
          'MILLRACE_MAX_RECORDS is not read, because the program has several consumers. Write MILLRACE_ORDER_MAILER_MAX_RECORDS for this one.',
      },
    ]);
  });

  it('are looked at for slips as well, those of other applications are not', () => {
    const env = { MILLRACE_ORDER_MAILER_MAX_RECORD: '7', MILLRACE_OTHER_MAX_RECORD: '8' };

    expect(resolveScenario({ env, scoped: true }).notices.map(({ message }) => message)).toEqual([
      'MILLRACE_ORDER_MAILER_MAX_RECORD names nothing and is not read. Did you mean MILLRACE_ORDER_MAILER_MAX_RECORDS?',
    ]);
  });
});
