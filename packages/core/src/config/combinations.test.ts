import { describe, expect, it } from 'vitest';
import type { BatchHandler, CheckpointPolicy } from '../definition/definition.js';
import { definitionOf, mistakesOf, noticesOf, resolveScenario, valueOf } from './resolve.fixture.js';

const many: BatchHandler = {
  kind: 'batch',
  name: 'placed',
  schema: undefined,
  decode: undefined,
  order: 'any',
  maxItems: undefined,
  maxWaitMs: undefined,
  bisect: false,
  retry: undefined,
  deadLetter: undefined,
  use: [],
  call: () => undefined,
};

describe('the heartbeat', () => {
  const withoutHeartbeat = (checkpoint: CheckpointPolicy) =>
    mistakesOf({ declared: { callProcessRecordsEvenForEmptyRecordList: false }, definition: { checkpoint } });

  it.each<[CheckpointPolicy, string]>([
    [{ kind: 'periodic', everyMs: 5000, everyRecords: 10 }, '@CheckpointPolicy({ everyMs: 5000 }) needs the heartbeat'],
    [{ kind: 'manual' }, "@CheckpointPolicy('manual') lets records settle after their batch"],
  ])('cannot be turned off under %j', (checkpoint, message) => {
    const mistakes = withoutHeartbeat(checkpoint);

    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain('ILLEGAL_COMBINATION callProcessRecordsEvenForEmptyRecordList = false');
    expect(mistakes[0]).toContain(message);
  });

  it('cannot be turned off beside lanes, whatever the policy', () => {
    const concurrency = { perShard: 4, by: 'partitionKey' } as const;
    const declared = { callProcessRecordsEvenForEmptyRecordList: false };
    const mistakes = mistakesOf({ declared, definition: { checkpoint: { kind: 'record' }, concurrency } });

    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(/@Concurrency lets records settle .* needs the heartbeat .* Leave it true\.$/);
  });

  it('cannot be turned off beside batches that gather', () => {
    const declared = { callProcessRecordsEvenForEmptyRecordList: false };
    const mistakes = mistakesOf({
      declared,
      definition: { checkpoint: { kind: 'batch' }, handlers: [{ ...many, maxWaitMs: 500 }] },
    });

    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(/maxWaitMs lets records settle .* needs the heartbeat .* Leave it true\.$/);
    const pieces = { checkpoint: { kind: 'batch' }, handlers: [{ ...many, maxItems: 500 }] } as const;
    expect(mistakesOf({ declared, definition: pieces })).toEqual([]);
  });

  it('cannot be turned off beside windows, whatever the policy', () => {
    const nothing = (): void => undefined;
    const window = { everyMs: 1_000, state: nothing, emit: nothing, call: nothing, kind: 'window' } as const;
    const more = {
      use: [],
      name: 'totals',
      schema: undefined,
      decode: undefined,
      retry: undefined,
      deadLetter: undefined,
    };
    const declared = { callProcessRecordsEvenForEmptyRecordList: false };
    const handlers = [{ ...window, ...more }] as const;
    const mistakes = mistakesOf({ declared, definition: { checkpoint: { kind: 'batch' }, handlers } });

    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(/@OnWindow closes the last window of an idle shard/);
  });

  it.each<[CheckpointPolicy]>([
    [{ kind: 'record' }],
    [{ kind: 'batch' }],
    [{ kind: 'periodic', everyMs: undefined, everyRecords: 10 }],
  ])('can be turned off under %j', (checkpoint) => {
    expect(withoutHeartbeat(checkpoint)).toEqual([]);
  });
});

describe('maxItems', () => {
  const handlers = [{ ...many, maxItems: 500 }] as const;

  it('must fit into the window', () => {
    expect(mistakesOf({ declared: { maxInFlight: 499 }, definition: { handlers } })).toEqual([
      'ILLEGAL_COMBINATION maxInFlight = 499 (@KinesisConsumer) is less than maxItems of placed (500), so that many items never come together. Lower maxItems, or raise maxInFlight.',
    ]);
    expect(mistakesOf({ declared: { maxInFlight: 500 }, definition: { handlers } })).toEqual([]);
  });

  it('is compared with the default, too', () => {
    const [mistake] = mistakesOf({ definition: { handlers: [{ ...many, maxItems: 10_001 }] } });
    expect(mistake).toContain('maxInFlight = 10000 (default) is less than maxItems of placed (10001)');
  });
});

describe('a fixed thread pool', () => {
  it.each([
    [
      'an unknown number of shards',
      { declared: { maxActiveThreads: 3 } },
      'needs 1 + 3 threads per shard, 4 for a single shard',
    ],
    ['four shards', { declared: { maxActiveThreads: 12 }, shardCount: 4 }, '13 for 4 shards'],
    ['one shard', { declared: { maxActiveThreads: 3 }, shardCount: 1 }, '4 for 1 shard,'],
    ['a bound of two leases', { declared: { maxActiveThreads: 6, maxLeasesForWorker: 2 } }, '7 for 2 shards'],
  ])('is refused when it is too small for %s', (_, scenario, message) => {
    expect(mistakesOf(scenario)[0]).toContain('ILLEGAL_COMBINATION maxActiveThreads');
    expect(mistakesOf(scenario)[0]).toContain(message);
  });

  it('comes with a warning unless the leases are bounded', () => {
    expect(noticesOf({ declared: { maxActiveThreads: 13 }, shardCount: 4 })).toEqual(['FIXED_THREAD_POOL']);
    expect(noticesOf({ declared: { maxActiveThreads: 13, maxLeasesForWorker: 4 }, shardCount: 100 })).toEqual([]);
  });

  it('is none when it is 0', () => {
    expect(noticesOf({ declared: { maxActiveThreads: 0 }, shardCount: 50 })).toEqual([]);
  });
});

describe('timeoutInSeconds', () => {
  it('must be longer than a handler may run', () => {
    expect(mistakesOf({ declared: { timeoutInSeconds: 65 } })[0]).toContain(
      '@RetryPolicy gives it 60000 ms. Take it out, write 66 or more, or lower timeoutMs.',
    );
  });

  it("looks at the handlers' own policies as well", () => {
    const slow = { ...many, retry: { ...definitionOf().retry, timeoutMs: 100_000 } };

    expect(mistakesOf({ declared: { timeoutInSeconds: 66 }, definition: { handlers: [slow] } })[0]).toContain(
      '100000 ms',
    );
    expect(
      mistakesOf({ declared: { timeoutInSeconds: 66 }, definition: { handlers: [{ ...slow, retry: undefined }] } }),
    ).toEqual([]);
  });

  it('comes with a warning all the same', () => {
    expect(noticesOf({ declared: { timeoutInSeconds: 66 } })).toEqual(['TIMEOUT_HALTS_DAEMON']);
  });
});

describe('polling and fan-out', () => {
  it('leaves out the properties of polling under fan-out, and speaks of those that were given', () => {
    const resolved = resolveScenario({ declared: { retrievalMode: 'FANOUT', idleTimeBetweenReadsInMillis: 500 } });

    expect(valueOf(resolved, 'maxRecords')).toBeUndefined();
    expect(valueOf(resolved, 'idleTimeBetweenReadsInMillis')).toBeUndefined();
    expect(resolved.notices.map(({ message }) => message)).toEqual([
      'idleTimeBetweenReadsInMillis = 500 (@KinesisConsumer) has no effect, because retrievalMode is FANOUT.',
    ]);
  });

  it('leaves out the properties of fan-out under polling', () => {
    expect(noticesOf({ declared: { 'fanoutConfig.consumerName': 'x' } })).toEqual(['OTHER_RETRIEVAL_MODE']);
  });

  it('leaves both to KCL under DEFAULT', () => {
    expect(
      noticesOf({ declared: { retrievalMode: 'DEFAULT', 'fanoutConfig.consumerName': 'x', maxRecords: 5 } }),
    ).toEqual([]);
  });
});

describe('two ways to set one thing of a client', () => {
  it.each([
    [
      { regionName: 'eu-west-1', 'dynamoDbClient.region': 'eu-west-1' },
      'regionName = eu-west-1 (@KinesisConsumer) and dynamoDbClient.region = eu-west-1',
    ],
    [
      { kinesisEndpoint: 'http://a:1', 'kinesisClient.endpointOverride': 'http://b:1' },
      'kinesisClient.endpointOverride',
    ],
    [
      { dynamoDBEndpoint: 'http://a:1', 'dynamoDbClient.endpointOverride': 'http://b:1' },
      'dynamoDbClient.endpointOverride',
    ],
    [
      { AwsCredentialsProvider: 'ProfileCredentialsProvider', 'kinesisCredentialsProvider.class': 'x.Y' },
      'kinesisCredentialsProvider.class',
    ],
  ])('is refused: %j', (declared, message) => {
    const mistakes = mistakesOf({ declared });

    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain('ILLEGAL_COMBINATION');
    expect(mistakes[0]).toContain(message);
  });

  it('takes the builder form of the credentials instead of our default', () => {
    const resolved = resolveScenario({
      declared: { 'kinesisCredentialsProvider.class': 'ProfileCredentialsProvider' },
    });

    expect(valueOf(resolved, 'AwsCredentialsProvider')).toBeUndefined();
  });

  it('tells the runtime the region and endpoint of the Kinesis client', () => {
    const { settings } = resolveScenario({
      declared: { 'kinesisClient.region': 'eu-west-1', 'kinesisClient.endpointOverride': 'http://a:1' },
    });

    expect(settings).toMatchObject({ regionName: 'eu-west-1', kinesisEndpoint: 'http://a:1' });
  });

  it('writes the keys of the builders by name', () => {
    const { properties } = resolveScenario({ declared: { 'kinesisClient.b': 1, 'kinesisClient.a': 2 } });

    expect(properties.map(({ name }) => name).filter((name) => name.startsWith('kinesisClient'))).toEqual([
      'kinesisClient.a',
      'kinesisClient.b',
    ]);
  });
});

describe('a provisioned table', () => {
  it('needs both capacities', () => {
    expect(mistakesOf({ declared: { workerMetricsBillingMode: 'PROVISIONED', workerMetricsReadCapacity: 1 } })).toEqual(
      [
        'ILLEGAL_COMBINATION workerMetricsBillingMode = PROVISIONED (@KinesisConsumer) needs workerMetricsWriteCapacity. Give it a number, or leave the table on demand.',
      ],
    );
  });
});
