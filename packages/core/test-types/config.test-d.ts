import { describe, expectTypeOf, it } from 'vitest';
import type { ConsumerOptions, ConsumerOptionsSource } from '../src/definition/consumer-options.js';
import type { DeclaredOptions } from '../src/definition/definition.js';

/** As a decorator takes its options. */
declare function declare(options: ConsumerOptionsSource): void;

describe('options that compile', () => {
  it('are the properties of the daemon with their own types', () => {
    declare({
      initialPositionInStream: 'TRIM_HORIZON',
      failoverTimeMillis: 20_000,
      metricsLevel: 'SUMMARY',
      isGracefulLeaseHandoffEnabled: false,
      metricsEnabledDimensions: ['Operation'],
      coordinatorStateTags: { team: 'orders' },
      'pollingConfig.maxRecords': 500,
      'kinesisClient.region': 'eu-west-1',
      AWSCredentialsProvider: 'DefaultCredentialsProvider',
      workerIdentifier: 'host-1',
    });
  });

  it('have moments to start at', () => {
    declare({ initialPositionInStream: new Date(0) });
    declare({ initialPositionInStream: '2026-01-31T08:00:00Z' });
    declare({ initialPositionInStream: { timestamp: new Date(0) } });
    declare({ initialPositionInStreamExtended: 1_769_846_400 });
  });

  it('stand beside those of Millrace', () => {
    declare({
      discriminator: 'type',
      decode: (bytes) => bytes.length,
      isolation: 'process',
      hosts: 2,
      maxInFlight: 10,
      lineBytesMax: 1,
    });
  });

  it('may be a function of the environment, and undefined where a variable is not set', () => {
    declare((env) => ({ regionName: env['REGION'], streamName: env['STREAM'] ?? 'orders' }));
  });

  it('are what a definition holds', () => {
    expectTypeOf<ConsumerOptions>().toExtend<DeclaredOptions>();
  });
});

describe('options that do not compile', () => {
  it('have a name that does not exist, or not in this case', () => {
    // @ts-expect-error a letter is missing
    declare({ initialPositionInStrem: 'LATEST' });
    // @ts-expect-error the daemon would ignore this spelling
    declare({ RetrievalMode: 'POLLING' });
    // @ts-expect-error a group is written with a dot path
    declare({ pollingConfig: { maxRecords: 1 } });
  });

  it('have a value of another type', () => {
    // @ts-expect-error milliseconds are a number
    declare({ failoverTimeMillis: '20s' });
    // @ts-expect-error a word that is none of the possible ones
    declare({ metricsLevel: 'ALL' });
    // @ts-expect-error neither a word nor a moment
    declare({ initialPositionInStream: 'OLDEST' });
    // @ts-expect-error seconds or milliseconds?
    declare({ initialPositionInStream: 1_769_846_400 });
    // @ts-expect-error null is not "leave it out"
    declare({ regionName: null });
    // @ts-expect-error in the result of a function as well (wrong names there are found at start: TypeScript does not look)
    declare(() => ({ maxRecords: '1000' }));
    // @ts-expect-error our own options are checked, too
    declare({ isolation: 'none' });
  });

  it('are refused by the daemon in use', () => {
    // @ts-expect-error takes a Java object
    declare({ shardPrioritization: 'x' });
    // @ts-expect-error needs KCL 3.5
    declare({ leaseTableScanTotalSegments: 5 });
    // @ts-expect-error needs KCL 3.5
    declare({ clientVersionConfig: 'CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X_PHASE1' });
  });
});
