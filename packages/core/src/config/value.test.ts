import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mistakesOf, resolveScenario, valueOf } from './resolve.fixture.js';

function written(name: string, raw: unknown): string | undefined {
  return valueOf(resolveScenario({ declared: { [name]: raw } }), name);
}

function mistake(name: string, raw: unknown): string {
  const mistakes = mistakesOf({ declared: { [name]: raw } });
  expect(mistakes).toHaveLength(1);
  return mistakes[0] ?? '';
}

describe('values that are taken', () => {
  it.each([
    ['failoverTimeMillis', 20_000, '20000'],
    ['failoverTimeMillis', ' 20000 ', '20000'],
    ['failoverTimeMillis', '+20000', '20000'],
    ['timeoutInSeconds', 3600, '3600'],
    ['millisBehindLatestThresholdForReducedTps', 0, '0'],
    ['maxThroughputPerHostKBps', 1.5, '1.5'],
    ['maxThroughputPerHostKBps', '2048.25', '2048.25'],
    ['disableWorkerMetrics', true, 'true'],
    ['disableWorkerMetrics', ' FALSE ', 'false'],
    ['metricsLevel', 'detailed', 'DETAILED'],
    ['clientVersionConfig', 'CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X', 'CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X'],
    ['metricsEnabledDimensions', ['Operation', 'ShardId'], 'Operation,ShardId'],
    ['metricsEnabledDimensions', 'Operation, ShardId', 'Operation,ShardId'],
    ['coordinatorStateTags', { team: 'orders', stage: 'test' }, 'team=orders,stage=test'],
    ['coordinatorStateTags', 'team = orders, stage=test', 'team=orders,stage=test'],
    ['staleWorkerMetricsEntryCleanupDuration', 'PT15M', 'PT15M'],
    ['staleWorkerMetricsEntryCleanupDuration', 'P1DT2H3M4.5S', 'P1DT2H3M4.5S'],
    ['kinesisEndpoint', 'http://localhost:4567', 'http://localhost:4567'],
    ['regionName', 'eu-central-1', 'eu-central-1'],
    ['kinesisClient.region', 'eu-west-1', 'eu-west-1'],
    ['kinesisClient.someLimit', 5, '5'],
    ['kinesisClient.defaultsMode', true, 'true'],
    ['workerId', 'host-1', 'host-1'],
  ])('%s = %j', (name, raw, text) => {
    expect(written(name, raw)).toBe(text);
  });
});

describe('values of the wrong type', () => {
  it.each([
    [
      'failoverTimeMillis',
      '20s',
      'WRONG_TYPE failoverTimeMillis = "20s" (@KinesisConsumer) is not a whole number of milliseconds; KCL would read it as 0. Write 20000.',
    ],
    ['failoverTimeMillis', '250ms', 'Write 250.'],
    ['failoverTimeMillis', '2 min', 'Write 120000.'],
    ['timeoutInSeconds', '1h', 'Write 3600.'],
    ['maxRecords', '20s', 'is not a whole number of pieces; KCL would read it as 0. Write digits only.'],
    ['failoverTimeMillis', 'abc', 'Write digits only.'],
    ['failoverTimeMillis', 1.5, 'is not a whole number'],
    ['failoverTimeMillis', '', 'is not a whole number'],
    ['failoverTimeMillis', Number.NaN, 'is not a whole number'],
    ['failoverTimeMillis', true, 'is not a whole number'],
    ['failoverTimeMillis', null, 'failoverTimeMillis = null'],
    ['failoverTimeMillis', 5n, 'failoverTimeMillis = 5 '],
    ['failoverTimeMillis', Symbol('x'), 'failoverTimeMillis = Symbol(x)'],
    ['failoverTimeMillis', () => 5, 'failoverTimeMillis = a function'],
    ['maxThroughputPerHostKBps', 'fast', 'is not a number; KCL would read it as 0.'],
    ['maxThroughputPerHostKBps', Number.POSITIVE_INFINITY, 'is not a number'],
    ['disableWorkerMetrics', 'yes', 'is neither true nor false; the daemon would guess.'],
    ['disableWorkerMetrics', 1, 'is neither true nor false'],
    ['workerId', 5, 'is not a text. Write it in quotes.'],
    ['workerId', '  ', 'is empty.'],
    ['metricsEnabledDimensions', [], 'is not a list of texts'],
    ['metricsEnabledDimensions', ['a', 5], 'is not a list of texts'],
    ['metricsEnabledDimensions', 5, 'is not a list of texts'],
    ['metricsEnabledDimensions', ['a,b'], 'has an item with a comma'],
    ['coordinatorStateTags', 'team', 'is not a list of tags'],
    ['coordinatorStateTags', 'team=a=b', 'is not a list of tags'],
    ['coordinatorStateTags', { team: 'a,b' }, 'is not a list of tags'],
    ['coordinatorStateTags', { team: 5 }, 'is not a list of tags'],
    ['coordinatorStateTags', {}, 'is not a list of tags'],
    ['coordinatorStateTags', ['a'], 'is not a list of tags'],
    ['coordinatorStateTags', 5, 'is not a list of tags'],
    ['staleWorkerMetricsEntryCleanupDuration', '1 day', 'is not an ISO-8601 duration'],
    ['staleWorkerMetricsEntryCleanupDuration', 'P', 'is not an ISO-8601 duration'],
    ['staleWorkerMetricsEntryCleanupDuration', 'P1DT', 'is not an ISO-8601 duration'],
    ['kinesisEndpoint', 'localhost:4567', 'is not a URL'],
    ['kinesisEndpoint', 'http://[', 'is not a URL'],
    ['regionName', 'Frankfurt!', 'is not a region'],
    ['tableName', 'a', 'cannot name a DynamoDB table'],
    ['kinesisClient.someLimit', Number.NaN, 'is not a finite number'],
    ['kinesisClient.someLimit', {}, 'is not a text'],
  ])('%s = %s', (name, raw, message) => {
    expect(mistake(name, raw)).toContain(message);
  });

  it('keeps long values out of the message, and survives values that refer to themselves', () => {
    const self: Record<string, unknown> = {};
    self['self'] = self;

    expect(mistake('failoverTimeMillis', 'x'.repeat(1000)).length).toBeLessThan(300);
    expect(mistake('failoverTimeMillis', self)).toContain('[object Object]');
  });
});

describe('numbers out of range', () => {
  it.each([
    ['maxRecords', 10_001, 'OUT_OF_RANGE maxRecords = 10001 (@KinesisConsumer) is out of range: it takes 1 to 10000.'],
    ['maxRecords', 0, 'KCL takes a 0 for "not set".'],
    ['maxRecords', -1, 'it takes 1 to 10000.'],
    ['idleTimeBetweenReadsInMillis', 100, 'it takes 200 or more.'],
    ['failoverTimeMillis', 20, 'it takes 1000 or more.'],
    ['shutdownGraceMillis', 0, 'it takes 1000 or more.'],
    ['maxLeasesForWorker', 2_147_483_648, 'it takes 1 or more.'],
    ['workerMetricsEMAAlpha', 0, 'it takes 0.001 to 1.'],
    ['workerMetricsEMAAlpha', 1.1, 'it takes 0.001 to 1.'],
  ])('%s = %d', (name, raw, message) => {
    expect(mistake(name, raw)).toContain(message);
  });
});

describe('values that are none of the possible ones', () => {
  it.each([
    [
      'metricsLevel',
      'ALL',
      'BAD_ENUM metricsLevel = "ALL" (@KinesisConsumer) is not possible. Write NONE, SUMMARY or DETAILED.',
    ],
    ['retrievalMode', 5, 'BAD_ENUM'],
    ['clientVersionConfig', 'CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X_PHASE1', 'NEWER_KCL'],
  ])('%s = %j', (name, raw, message) => {
    expect(mistake(name, raw)).toContain(message);
  });
});

describe('values that could do harm', () => {
  it.each(['\n', '\r', '\0', '\t', '\u0085', '\u2028'])('refuses the control character %j anywhere', (character) => {
    expect(mistake('workerId', `a${character}`)).toMatch(/^CONTROL_CHARACTER workerId/);
    expect(mistake('metricsEnabledDimensions', ['ok', `a${character}`])).toMatch(/^CONTROL_CHARACTER/);
    expect(mistake('coordinatorStateTags', { a: `b${character}` })).toMatch(/^CONTROL_CHARACTER/);
    expect(mistake('coordinatorStateTags', { [`a${character}`]: 1 })).toMatch(/^CONTROL_CHARACTER/);
    expect(mistake('discriminator', `a${character}`)).toMatch(/^CONTROL_CHARACTER/);
  });

  it('names the character and where it stands', () => {
    expect(mistake('workerId', 'ab\n')).toContain('U+000A at position 2');
  });

  it('never shows a secret, not even one that has control characters or the wrong type', () => {
    const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

    for (const [name, raw] of [
      ['workerId', secret],
      ['workerId', `${secret}\n`],
      ['failoverTimeMillis', secret],
      ['metricsEnabledDimensions', [secret]],
      ['coordinatorStateTags', { key: secret }],
      ['workerIdd', secret],
    ] as const) {
      expect(mistake(name, raw)).not.toContain(secret);
    }
  });

  it('lets no value through that would make a second line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const refused = mistakesOf({ declared: { workerId: text } }).length > 0;
        expect(refused || !/\p{Cc}/u.test(text)).toBe(true);
      }),
    );
  });
});
