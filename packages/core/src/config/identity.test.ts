import { describe, expect, it } from 'vitest';
import { mistakesOf, noticesOf, resolveScenario, valueOf } from './resolve.fixture.js';

const ARN = 'arn:aws:kinesis:eu-west-1:123456789012:stream/orders-eu';

describe('the stream', () => {
  it('may be named by an ARN in the declaration, which names the region as well', () => {
    const resolved = resolveScenario({ definition: { stream: ARN } });

    expect(resolved.stream).toBe('orders-eu');
    expect(valueOf(resolved, 'streamName')).toBe('orders-eu');
    expect(valueOf(resolved, 'streamArn')).toBe(ARN);
    expect(resolved.settings.regionName).toBe('eu-west-1');
    expect(resolved.notices.map(({ code }) => code)).toEqual(['STREAM_ARN_REDUCED']);
  });

  it('follows the stronger of name and ARN', () => {
    const byArn = resolveScenario({ env: { MILLRACE_STREAM_ARN: ARN } });
    const byName = resolveScenario({
      declared: { streamArn: ARN },
      definition: { stream: '' },
      env: { MILLRACE_STREAM_NAME: 'other' },
    });

    expect(byArn.stream).toBe('orders-eu');
    expect(byName.stream).toBe('other');
    expect(valueOf(byName, 'streamArn')).toBeUndefined();
  });

  it.each([
    [
      'a name and another ARN in one place',
      { text: `streamName=orders\nstreamArn=${ARN}` },
      'ILLEGAL_COMBINATION streamName is "orders" (app.properties:1) and streamArn names "orders-eu"',
    ],
    [
      'an ARN in another region',
      { env: { MILLRACE_STREAM_ARN: ARN, MILLRACE_REGION_NAME: 'us-east-1' } },
      'ILLEGAL_COMBINATION The region is us-east-1',
    ],
    [
      'an ARN beside a client of another region',
      { env: { MILLRACE_STREAM_ARN: ARN }, declared: { 'kinesisClient.region': 'us-east-1' } },
      'The region is us-east-1',
    ],
    ['something else than an ARN', { env: { MILLRACE_STREAM_ARN: 'arn:aws:s3:::orders' } }, 'WRONG_TYPE streamArn'],
    [
      'two names in one declaration',
      { declared: { streamName: 'b' } },
      'ILLEGAL_COMBINATION streamName: @KinesisConsumer names "orders" and its options name "b". Keep one.',
    ],
    [
      'an ARN of another stream in one declaration',
      { declared: { streamArn: ARN } },
      'ILLEGAL_COMBINATION streamArn: @KinesisConsumer names "orders" and its options name "orders-eu". Keep one.',
    ],
    ['no stream at all', { definition: { stream: '' } }, 'MISSING streamName is not given.'],
    [
      'a name that no stream can have',
      { definition: { stream: 'my orders' } },
      'BAD_STREAM_NAME streamName = "my orders"',
    ],
    ['a broken ARN and no name', { definition: { stream: 'arn:x' } }, 'WRONG_TYPE streamArn'],
  ])('refuses %s', (_, scenario, message) => {
    const mistakes = mistakesOf(scenario);

    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(message);
  });

  it('accepts what agrees', () => {
    const text = `streamName=orders-eu\nstreamArn=${ARN}\nregionName=eu-west-1`;

    expect(noticesOf({ text })).toEqual(['STREAM_ARN_REDUCED']);
    expect(mistakesOf({ declared: { streamName: 'orders' } })).toEqual([]);
    expect(mistakesOf({ declared: { streamName: 'orders-eu' }, definition: { stream: ARN } })).toEqual([]);
    expect(mistakesOf({ declared: { streamArn: ARN }, definition: { stream: 'orders-eu' } })).toEqual([]);
  });
});

describe('the application', () => {
  it.each([
    ['no name', { definition: { applicationName: '' } }, 'MISSING applicationName'],
    ['a name that no table can have', { definition: { applicationName: 'a b' } }, 'BAD_APPLICATION_NAME'],
    ['a name that is too short', { definition: { applicationName: 'ab' } }, 'BAD_APPLICATION_NAME'],
    ['another name in the options', { declared: { applicationName: 'other' } }, 'ILLEGAL_COMBINATION applicationName'],
    [
      'a name that leaves no room for its fan-out consumer',
      { definition: { applicationName: 'a'.repeat(129) }, declared: { retrievalMode: 'FANOUT' } },
      'the fan-out consumer takes 128',
    ],
  ])('refuses %s', (_, scenario, message) => {
    const mistakes = mistakesOf(scenario);

    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(message);
  });

  it('leaves room for the names of the two extra tables', () => {
    expect(mistakesOf({ definition: { applicationName: 'a'.repeat(240) } })).toHaveLength(2);
    expect(
      mistakesOf({
        definition: { applicationName: 'a'.repeat(240) },
        declared: { workerMetricsTableName: 'metrics', coordinatorStateTableName: 'state' },
      }),
    ).toEqual([]);
  });

  it.each([{ 'fanoutConfig.consumerName': 'mailer' }, { 'fanoutConfig.consumerArn': 'arn:aws:kinesis:x' }])(
    'may be long when the fan-out consumer has a name of its own: %j',
    (own) => {
      expect(
        mistakesOf({ definition: { applicationName: 'a'.repeat(129) }, declared: { retrievalMode: 'FANOUT', ...own } }),
      ).toEqual([]);
    },
  );
});
