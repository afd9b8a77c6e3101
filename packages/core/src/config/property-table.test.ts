import { describe, expect, it } from 'vitest';
import { findOption, MILLRACE_OPTIONS } from './millrace-options.js';
import { findProperty, GROUP_TITLES, isWildcard, PROPERTIES, propertyNames } from './property-table.js';
import { resolveScenario } from './resolve.fixture.js';
import { REMOVED_PROPERTIES } from './table/removed.js';
import { parseValue } from './value.js';

/** The names in the property table of AWS's guide for the MultiLangDaemon. */
const GUIDE = [
  'executableName',
  'streamName',
  'applicationName',
  'AWSCredentialsProvider',
  'processingLanguage',
  'initialPositionInStream',
  'regionName',
  'failoverTimeMillis',
  'workerId',
  'shardSyncIntervalMillis',
  'maxRecords',
  'idleTimeBetweenReadsInMillis',
  'callProcessRecordsEvenForEmptyRecordList',
  'parentShardPollIntervalMillis',
  'cleanupLeasesUponShardCompletion',
  'taskBackoffTimeMillis',
  'metricsBufferTimeMillis',
  'metricsMaxQueueSize',
  'validateSequenceNumberBeforeCheckpointing',
  'maxActiveThreads',
];

describe('the property table', () => {
  it('gives every name to one property only', () => {
    const names = PROPERTIES.flatMap((spec) => [spec.name, ...spec.aliases]);

    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    expect(names.filter((name) => findOption(name) !== undefined || REMOVED_PROPERTIES.has(name))).toEqual([]);
  });

  it('has a title for every group, and a sentence for every property', () => {
    expect(new Set(PROPERTIES.map((spec) => spec.group))).toEqual(new Set(Object.keys(GROUP_TITLES)));
    expect([...PROPERTIES, ...MILLRACE_OPTIONS].filter(({ effect }) => !/^[A-Z`].*\.$/.test(effect))).toEqual([]);
  });

  it('has defaults that pass its own checks', () => {
    const bad = [...PROPERTIES.map((spec) => ({ ...spec, default: spec.millraceDefault })), ...MILLRACE_OPTIONS].filter(
      (spec) =>
        spec.default !== undefined && spec.type.kind !== 'decode' && parseValue(spec.type, spec.default).kind === 'bad',
    );

    expect(bad).toEqual([]);
  });

  it('finds a property by each of its names', () => {
    expect(propertyNames().filter((name) => findProperty(name) === undefined)).toEqual([]);
    expect(PROPERTIES.filter(isWildcard).map((spec) => findProperty(`${spec.name.slice(0, -1)}x[0].y`)?.name)).toEqual(
      PROPERTIES.filter(isWildcard).map((spec) => spec.name),
    );
  });
});

describe("AWS's guide", () => {
  it.each(GUIDE)('%s can be set under its own name', (name) => {
    const values: Record<string, string> = {
      streamName: 'orders',
      applicationName: 'order-mailer',
      regionName: 'eu-west-1',
      AWSCredentialsProvider: 'DefaultCredentialsProvider',
      initialPositionInStream: 'LATEST',
      callProcessRecordsEvenForEmptyRecordList: 'true',
      cleanupLeasesUponShardCompletion: 'true',
      validateSequenceNumberBeforeCheckpointing: 'false',
    };
    const value = values[name] ?? '1300';
    const resolved = resolveScenario({ text: `${name} = ${value}\n` });
    const kept = [...resolved.properties, ...resolved.options].some(
      (property) => property.source === 'app.properties:1' && property.value === value,
    );

    // In force, or explained: never silent.
    expect(kept || resolved.notices.some(({ message }) => message.startsWith(name))).toBe(true);
  });
});
