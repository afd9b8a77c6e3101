import { describe, expect, it } from 'vitest';
import { mistakesOf, noticesOf, resolveScenario, valueOf } from './resolve.fixture.js';

describe('what counts when nobody says anything', () => {
  it('writes the defaults of Millrace, and leaves the rest to KCL', () => {
    const { properties } = resolveScenario();

    expect(Object.fromEntries(properties.map(({ name, value }) => [name, value]))).toEqual({
      streamName: 'orders',
      applicationName: 'order-mailer',
      shutdownGraceMillis: '25000',
      AwsCredentialsProvider: 'DefaultCredentialsProvider',
      initialPositionInStream: 'TRIM_HORIZON',
      retrievalMode: 'POLLING',
      maxRecords: '1000',
      callProcessRecordsEvenForEmptyRecordList: 'true',
      leaseAssignmentIntervalMillis: '5000',
      shardSyncIntervalMillis: '1000',
      logWarningForTaskAfterMillis: '60000',
      metricsLevel: 'SUMMARY',
    });
  });

  it("gives the runtime every setting, KCL's own defaults included", () => {
    expect(resolveScenario().settings).toEqual({
      discriminator: undefined,
      decode: 'json',
      validateSequenceNumber: true,
      heartbeat: true,
      maxInFlight: 10_000,
      suspectRecords: true,
      lineBytesMax: 419_430_400,
      initialPosition: { kind: 'TRIM_HORIZON' },
      maxRecords: 1000,
      idleTimeBetweenReadsMs: 1500,
      shardSyncIntervalMs: 1000,
      parentShardPollIntervalMs: 10_000,
      shutdownGraceMs: 25_000,
      handoffTimeoutMs: 30_000,
      failoverTimeMs: 10_000,
      taskBackoffTimeMs: 500,
      logWarningForTaskAfterMs: 60_000,
      regionName: undefined,
      kinesisEndpoint: undefined,
      workerId: undefined,
    });
  });

  it('shares one host process', () => {
    expect(resolveScenario().daemon).toEqual({ isolation: 'shared', hosts: 1 });
  });

  it('has nothing to say', () => {
    expect(resolveScenario().notices).toEqual([]);
  });
});

describe('the order of the layers', () => {
  const layers = {
    declared: { failoverTimeMillis: 1001 },
    text: '# mine\nfailoverTimeMillis = 1002\n',
    env: { MILLRACE_FAILOVER_TIME_MILLIS: '1003' },
    options: { failoverTimeMillis: 1004 },
  };

  it.each([
    ['the declaration over the default', { declared: layers.declared }, ['1001', 'decorator', '@KinesisConsumer']],
    ['the file over the declaration', { ...layers, env: {}, options: {} }, ['1002', 'file', 'app.properties:2']],
    [
      'the environment over the file',
      { ...layers, options: {} },
      ['1003', 'environment', 'MILLRACE_FAILOVER_TIME_MILLIS'],
    ],
    ['run() over the environment', layers, ['1004', 'option', 'run()']],
    ['the command line by its name', { ...layers, optionsSource: '--set' }, ['1004', 'option', '--set']],
  ])('prefers %s', (_, scenario, [value, origin, source]) => {
    const property = resolveScenario(scenario).properties.find(({ name }) => name === 'failoverTimeMillis');

    expect(property).toEqual({ name: 'failoverTimeMillis', value, origin, source });
  });

  it('takes an undefined option for one that was not given', () => {
    expect(
      valueOf(
        resolveScenario({ declared: { regionName: 'eu-west-1' }, options: { regionName: undefined } }),
        'regionName',
      ),
    ).toBe('eu-west-1');
  });

  it('lets a stronger layer mend a bad value of a weaker one', () => {
    expect(mistakesOf({ declared: { maxRecords: 'many' }, env: { MILLRACE_MAX_RECORDS: '7' } })).toEqual([]);
  });

  it('takes the last of repeated keys of a file, and says so', () => {
    const resolved = resolveScenario({ text: 'maxRecords=5\nmaxRecords=6\n' });

    expect(valueOf(resolved, 'maxRecords')).toBe('6');
    expect(resolved.notices.map(({ code }) => code)).toEqual(['DUPLICATE_KEY']);
  });

  it('refuses a file that Java could not read', () => {
    expect(mistakesOf({ text: 'workerId=\\ufoo' })[0]).toMatch(/^MALFORMED_FILE app.properties:1/);
  });
});

describe('options as a function of the environment', () => {
  it('calls it with the environment, and lets it name another stream', () => {
    const resolved = resolveScenario({
      env: { STAGE: 'test' },
      definition: { options: { kind: 'environment', options: (env) => ({ streamName: `orders-${env['STAGE']}` }) } },
    });

    expect(resolved.stream).toBe('orders-test');
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no STAGE');
      },
      'threw: no STAGE',
    ],
    [
      'throws something else',
      () => {
        throw 'no' as unknown as Error;
      },
      'threw: "no"',
    ],
    ['gives nothing', () => undefined as never, 'gave undefined instead of an object'],
    ['gives null', () => null as never, 'gave null instead'],
    ['gives a list', () => [] as never, 'gave [] instead'],
    ['gives a promise', () => Promise.resolve({}) as never, 'gave {} instead'],
  ])('says so when it %s', (_, options, text) => {
    const [mistake] = mistakesOf({ definition: { options: { kind: 'environment', options } } });

    expect(mistake).toContain('OPTIONS_FAILED');
    expect(mistake).toContain(text);
  });
});

describe('names that are not known', () => {
  it.each([
    [
      { streamNam: 'x' },
      'UNKNOWN_PROPERTY "streamNam" (@KinesisConsumer) is neither a property of the daemon nor an option of Millrace. Did you mean streamName?',
    ],
    [
      { maxrecords: 1 },
      'WRONG_CASE "maxrecords" (@KinesisConsumer) is spelled maxRecords; the daemon would ignore it as it stands. Write maxRecords.',
    ],
    [{ RetrievalMode: 'FANOUT' }, 'Write retrievalMode.'],
    [{ 'max-in-flight': 1 }, 'Write maxInFlight.'],
    [{ xyzzy: 1 }, 'docs/configuration.md lists what there is.'],
    [{ pollingConfig: { maxRecords: 1 } }, 'Write a dot path: "pollingConfig.maxRecords".'],
    [{ pollingConfig: {} }, 'Write a dot path: "pollingConfig.name".'],
    [
      { billingMode: 'PROVISIONED' },
      'REMOVED_PROPERTY billingMode (@KinesisConsumer) is not a property of the daemon any more. The lease table is always on demand; remove it.',
    ],
    [{ shardPrioritization: 'x' }, 'REFUSED_PROPERTY shardPrioritization (@KinesisConsumer) cannot be given.'],
    [
      { leaseTableScanTotalSegments: 2 },
      'NEWER_KCL leaseTableScanTotalSegments (@KinesisConsumer) needs KCL 3.5 or later',
    ],
    [{ 'kinesisClient.': 'x' }, 'UNKNOWN_PROPERTY'],
    [{ 'kinesisClient.region\n': 'x' }, 'UNKNOWN_PROPERTY'],
    [{ 'kinesisClient.*': 'x' }, 'UNKNOWN_PROPERTY'],
    [{ pollingConfig: 'x' }, 'UNKNOWN_PROPERTY'],
  ])('explains %j', (declared, message) => {
    const mistakes = mistakesOf({ declared });

    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(message);
  });

  it('reports names from every layer, and all at once', () => {
    const mistakes = mistakesOf({ declared: { a1: 1 }, options: { b2: 1 }, text: 'c3=1' });

    expect(mistakes).toHaveLength(3);
  });

  it('is not fooled by names that every object has', () => {
    const declared = JSON.parse('{"__proto__": "x", "constructor": "y", "toString": "z"}');

    expect(mistakesOf({ declared }).map((mistake) => mistake.split(' ')[0])).toEqual(Array(3).fill('UNKNOWN_PROPERTY'));
  });
});

describe('one property under several names', () => {
  it.each([
    [{ workerIdentifier: 'a' }, 'workerId', 'a'],
    [{ 'pollingConfig.maxRecords': 9 }, 'maxRecords', '9'],
    [
      { 'gracefulLeaseHandoffConfigBean.isGracefulLeaseHandoffEnabled': false },
      'isGracefulLeaseHandoffEnabled',
      'false',
    ],
    [{ AWSCredentialsProvider: 'ProfileCredentialsProvider' }, 'AwsCredentialsProvider', 'ProfileCredentialsProvider'],
    [
      { awscredentialsproviderDynamoDB: 'ProfileCredentialsProvider' },
      'AwsCredentialsProviderDynamoDB',
      'ProfileCredentialsProvider',
    ],
    [{ 'kinesisClient.region': 'eu-west-1' }, 'kinesisClient.region', 'eu-west-1'],
    [
      { 'cloudWatchClient.endpointOverride': 'http://localhost:1' },
      'cloudWatchClient.endpointOverride',
      'http://localhost:1',
    ],
  ])('writes %j under the name of the daemon', (declared, name, value) => {
    expect(valueOf(resolveScenario({ declared }), name)).toBe(value);
  });

  it('refuses different values for one property in one place', () => {
    expect(mistakesOf({ declared: { workerId: 'a', workerIdentifier: 'b' } })[0]).toMatch(
      /^ILLEGAL_COMBINATION workerId is given twice/,
    );
  });

  it('compares whatever is given', () => {
    const odd = Object.create(null) as object;

    expect(mistakesOf({ declared: { workerId: odd, workerIdentifier: 'b' } })).toHaveLength(2);
  });

  it('accepts the same value twice, and different ones in different places', () => {
    expect(mistakesOf({ declared: { workerId: 'a', workerIdentifier: 'a' } })).toEqual([]);
    expect(mistakesOf({ declared: { workerId: 'a' }, text: 'workerIdentifier=b' })).toEqual([]);
  });
});

describe('what Millrace does with a property', () => {
  it('sets executableName itself, and says so', () => {
    const resolved = resolveScenario({ text: 'executableName = node app.js\n' });

    expect(valueOf(resolved, 'executableName')).toBeUndefined();
    expect(resolved.notices).toEqual([
      {
        code: 'SET_BY_MILLRACE',
        message: 'executableName (app.properties:1) is not used. Millrace starts the processes of the shards itself.',
      },
    ]);
  });

  it('leaves executableName to a daemon that somebody else starts', () => {
    expect(
      valueOf(resolveScenario({ text: 'executableName = node app.js\n', engine: 'stdio' }), 'executableName'),
    ).toBe('node app.js');
  });

  it('carries out the check of sequence numbers, which KCL 3 ignores', () => {
    const resolved = resolveScenario({ declared: { validateSequenceNumberBeforeCheckpointing: false } });

    expect(resolved.settings.validateSequenceNumber).toBe(false);
    expect(valueOf(resolved, 'validateSequenceNumberBeforeCheckpointing')).toBeUndefined();
    expect(resolved.notices.map(({ code }) => code)).toEqual(['CARRIED_OUT_BY_MILLRACE']);
  });

  it.each([
    [{ processingLanguage: 'nodejs' }, ['NO_EFFECT']],
    [{ initialLeaseTableReadCapacity: 5, initialLeaseTableWriteCapacity: 5 }, ['NO_EFFECT', 'NO_EFFECT']],
    [{ cleanupLeasesUponShardCompletion: false }, ['NO_EFFECT']],
    [{ cleanupLeasesUponShardCompletion: true }, []],
    [{ initialPositionInStream: 'LATEST' }, ['STARTS_AT_LATEST']],
  ])('says once what %j means', (declared, codes) => {
    expect(noticesOf({ declared })).toEqual(codes);
  });
});

describe('our own options', () => {
  it('takes them beside the properties, and writes none of them', () => {
    const decode = (bytes: Uint8Array) => bytes.length;
    const resolved = resolveScenario({
      declared: {
        discriminator: 'detail.kind',
        decode,
        isolation: 'process',
        hosts: 2,
        maxInFlight: 3,
        lineBytesMax: 4096,
      },
    });

    expect(resolved.settings).toMatchObject({
      discriminator: 'detail.kind',
      decode,
      maxInFlight: 3,
      lineBytesMax: 4096,
    });
    expect(resolved.daemon).toEqual({ isolation: 'process', hosts: 2 });
    expect(valueOf(resolved, 'hosts')).toBeUndefined();
    expect(resolved.options).toContainEqual({
      name: 'decode',
      value: 'a function',
      origin: 'decorator',
      source: '@KinesisConsumer',
    });
  });

  it.each([
    ['text', 'text'],
    ['bytes', 'bytes'],
    ['json', 'json'],
  ])('reads decode=%s from the environment', (given, decode) => {
    expect(resolveScenario({ env: { MILLRACE_DECODE: given } }).settings.decode).toBe(decode);
  });

  it.each([
    [{ decode: 'xml' }, 'BAD_ENUM decode = "xml"'],
    [{ isolation: 'none' }, 'BAD_ENUM isolation = "none" (@KinesisConsumer) is not possible. Write shared or process.'],
    [{ maxInFlight: 0 }, 'OUT_OF_RANGE'],
    [{ discriminator: 5 }, 'WRONG_TYPE'],
  ])('refuses %j', (declared, message) => {
    expect(mistakesOf({ declared })[0]).toContain(message);
  });
});

describe('a consumer made with defineConsumer', () => {
  it('is named so as a source', () => {
    const resolved = resolveScenario({ definition: { instance: { kind: 'factory', create: () => ({}) } } });

    expect(resolved.properties[0]).toMatchObject({ name: 'streamName', source: 'defineConsumer' });
  });
});
