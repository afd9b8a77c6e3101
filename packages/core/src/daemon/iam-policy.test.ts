import { describe, expect, it } from 'vitest';
import { definitionOf, resolveScenario, type Scenario } from '../config/resolve.fixture.js';
import { KCL_OPERATIONS } from './iam-operations.js';
import { policyNotes, policyOf, type PolicyOptions } from './iam-policy.js';

const PLACE = 'eu-west-1:123456789012';
const STREAM = `arn:aws:kinesis:${PLACE}:stream/orders`;
const LEASES = `arn:aws:dynamodb:${PLACE}:table/order-mailer`;
const INDEX = `${LEASES}/index/LeaseOwnerToLeaseKeyIndex`;
const COORDINATOR = `${LEASES}-CoordinatorState`;
const METRICS = `${LEASES}-WorkerMetricStats`;

const OPTIONS: PolicyOptions = {
  account: '123456789012',
  region: undefined,
  environmentRegion: 'eu-west-1',
  provisioned: false,
};

function policy(scenario: Scenario = {}, options: Partial<PolicyOptions> = {}) {
  return policyOf([resolveScenario(scenario)], { ...OPTIONS, ...options });
}

/** What a policy allows, as `operation resource`, in order. */
function allowed(scenario: Scenario = {}, options: Partial<PolicyOptions> = {}): string[] {
  return policy(scenario, options)
    .Statement.flatMap(({ Action, Resource }) => Action.map((action) => `${action} ${String(Resource)}`))
    .toSorted();
}

/**
 * The calls of a polling worker of KCL 3.1.3, read from its source and seen in its traffic, and of its supervisor, which reads
 * how long the stream keeps records; written by hand.
 */
const POLLING = [
  `kinesis:DescribeStreamSummary ${STREAM}`,
  `kinesis:ListShards ${STREAM}`,
  `kinesis:GetShardIterator ${STREAM}`,
  `kinesis:GetRecords ${STREAM}`,
  ...['DescribeTable', 'Scan', 'GetItem', 'PutItem', 'UpdateItem', 'DeleteItem'].map(
    (call) => `dynamodb:${call} ${LEASES}`,
  ),
  `dynamodb:Query ${INDEX}`,
  ...['DescribeTable', 'GetItem', 'PutItem', 'UpdateItem', 'DeleteItem'].map(
    (call) => `dynamodb:${call} ${COORDINATOR}`,
  ),
  ...['DescribeTable', 'Scan', 'UpdateItem', 'DeleteItem'].map((call) => `dynamodb:${call} ${METRICS}`),
];
const CREATION = [
  `dynamodb:CreateTable ${LEASES}`,
  `dynamodb:UpdateTable ${LEASES}`,
  `dynamodb:CreateTable ${COORDINATOR}`,
  `dynamodb:CreateTable ${METRICS}`,
];
const PUBLISHING = ['cloudwatch:PutMetricData *'];
const CONSUMER = `arn:aws:kinesis:${PLACE}:stream/orders/consumer/order-mailer:*`;
const REGISTRATION = [
  `kinesis:DescribeStreamConsumer ${STREAM}`,
  `kinesis:RegisterStreamConsumer ${STREAM}`,
  `kinesis:DescribeStreamConsumer ${CONSUMER}`,
  `kinesis:RegisterStreamConsumer ${CONSUMER}`,
];

describe('what is allowed', () => {
  it('by default is what a polling worker calls, tables and metrics included', () => {
    expect(allowed()).toEqual([...POLLING, ...CREATION, ...PUBLISHING].toSorted());
  });

  it('on provisioned tables creates and changes none', () => {
    expect(allowed({}, { provisioned: true })).toEqual([...POLLING, ...PUBLISHING].toSorted());
  });

  it('without metrics does not touch CloudWatch', () => {
    expect(allowed({ declared: { metricsLevel: 'NONE' } })).toEqual([...POLLING, ...CREATION].toSorted());
  });

  it('under fan-out registers the consumer and subscribes', () => {
    expect(allowed({ declared: { retrievalMode: 'FANOUT' } }, { provisioned: true })).toEqual(
      [
        ...POLLING,
        ...PUBLISHING,
        ...REGISTRATION,
        `kinesis:SubscribeToShard ${STREAM}`,
        `kinesis:SubscribeToShard ${CONSUMER}`,
      ].toSorted(),
    );
  });

  it('under fan-out with a consumer of its own registers none', () => {
    const arn = `${STREAM}/consumer/mailers:1767225600`;
    const declared = { retrievalMode: 'FANOUT', 'fanoutConfig.consumerArn': arn } as const;
    expect(allowed({ declared }, { provisioned: true })).toEqual(
      [...POLLING, ...PUBLISHING, `kinesis:SubscribeToShard ${STREAM}`, `kinesis:SubscribeToShard ${arn}`].toSorted(),
    );
  });

  it('follows KCL where the mode is left to it: a property of polling means polling', () => {
    expect(allowed({ declared: { retrievalMode: 'DEFAULT' } })).toEqual(
      [...POLLING, ...CREATION, ...PUBLISHING].toSorted(),
    );
  });

  it('has what tags and recovery of tables need', () => {
    const declared = {
      leaseTablePitrEnabled: true,
      coordinatorStateTags: { team: 'orders' },
      workerMetricsPointInTimeRecoveryEnabled: true,
    };
    const recovery = `dynamodb:UpdateContinuousBackups ${LEASES}`;
    expect(allowed({ declared })).toEqual(
      [
        ...[...POLLING, ...CREATION, ...PUBLISHING, recovery],
        `dynamodb:TagResource ${COORDINATOR}`,
        `dynamodb:UpdateContinuousBackups ${METRICS}`,
      ].toSorted(),
    );
    expect(allowed({ declared }, { provisioned: true })).toEqual([...POLLING, ...PUBLISHING, recovery].toSorted());
  });

  it('covers every operation of the table in one configuration or another', () => {
    const declared = {
      retrievalMode: 'FANOUT',
      leaseTablePitrEnabled: true,
      coordinatorStateTags: { a: '1' },
      coordinatorStatePointInTimeRecoveryEnabled: true,
      workerMetricsTags: { a: '1' },
      workerMetricsPointInTimeRecoveryEnabled: true,
    } as const;
    expect(allowed({ declared })).toHaveLength(KCL_OPERATIONS.length);
  });
});

describe('a statement', () => {
  it('says in its Sid what it is for, once in a policy', () => {
    const sids = policy({ declared: { retrievalMode: 'FANOUT' } }).Statement.map(({ Sid }) => Sid);
    expect(sids).toEqual([
      'ReadStream',
      'UseFanoutOnStream',
      'UseFanoutConsumer',
      'KeepLeases',
      'FindOwnLeases',
      'ElectLeader',
      'ReportWorkerLoad',
      'CreateLeaseTable',
      'CreateCoordinatorTable',
      'CreateWorkerMetricsTable',
      'PublishMetrics',
    ]);
  });

  it("allows metrics in the application's namespace alone", () => {
    expect(policy().Statement.at(-1)).toEqual({
      Sid: 'PublishMetrics',
      Effect: 'Allow',
      Action: ['cloudwatch:PutMetricData'],
      Resource: '*',
      Condition: { StringEquals: { 'cloudwatch:namespace': 'order-mailer' } },
    });
  });

  it('names its consumer where there are several, even of like names', () => {
    const consumers = ['order-mailer', 'order_mailer', 'ledger'].map((applicationName) =>
      resolveScenario({ definition: definitionOf({ applicationName }) }),
    );
    const sids = policyOf(consumers, OPTIONS).Statement.map(({ Sid }) => Sid);
    expect(sids).toEqual(
      expect.arrayContaining(['ReadStreamOfOrderMailer', 'ReadStreamOfOrderMailer2', 'ReadStreamOfLedger']),
    );
    expect(new Set(sids).size).toBe(sids.length);
    expect(sids.filter((sid) => !/^[A-Za-z0-9]+$/.test(sid))).toEqual([]);
  });
});

describe('region and account', () => {
  const stream = (scenario: Scenario, options: Partial<PolicyOptions> = {}) =>
    policy(scenario, { account: undefined, environmentRegion: undefined, ...options }).Statement[0]?.Resource;

  it.each<[string, Scenario, Partial<PolicyOptions>, string]>([
    ['placeholders when nothing is known', {}, {}, 'arn:aws:kinesis:REGION:ACCOUNT_ID:stream/orders'],
    [
      "the stream's ARN",
      { declared: { streamArn: 'arn:aws:kinesis:eu-north-1:210987654321:stream/orders' } },
      {},
      'arn:aws:kinesis:eu-north-1:210987654321:stream/orders',
    ],
    [
      'the property before the environment',
      { declared: { regionName: 'us-east-2' } },
      { environmentRegion: 'eu-west-1' },
      'arn:aws:kinesis:us-east-2:ACCOUNT_ID:stream/orders',
    ],
    [
      'what was asked for before all',
      { declared: { streamArn: 'arn:aws:kinesis:eu-north-1:210987654321:stream/orders' } },
      { region: 'eu-west-3', account: '111111111111' },
      'arn:aws:kinesis:eu-west-3:111111111111:stream/orders',
    ],
    [
      'the partition of the region',
      { declared: { regionName: 'cn-north-1' } },
      {},
      'arn:aws-cn:kinesis:cn-north-1:ACCOUNT_ID:stream/orders',
    ],
    [
      'the partition of the government',
      { declared: { regionName: 'us-gov-west-1' } },
      {},
      'arn:aws-us-gov:kinesis:us-gov-west-1:ACCOUNT_ID:stream/orders',
    ],
  ])('are %s', (_, scenario, options, arn) => {
    expect(stream(scenario, options)).toBe(arn);
  });

  it('can differ for the tables', () => {
    const declared = { 'dynamoDbClient.region': 'us-west-2', tableName: 'mail-leases' };
    const { Statement } = policy({ declared });
    expect(Statement.find(({ Sid }) => Sid === 'KeepLeases')?.Resource).toBe(
      'arn:aws:dynamodb:us-west-2:123456789012:table/mail-leases',
    );
  });
});

describe('the notes', () => {
  const notes = (scenario: Scenario, options: Partial<PolicyOptions> = {}) => {
    const consumers = [resolveScenario(scenario)];
    return policyNotes(consumers, policyOf(consumers, { ...OPTIONS, ...options }));
  };

  it('are none when everything is known', () => {
    expect(notes({})).toEqual([]);
  });

  it('tell of placeholders', () => {
    expect(notes({}, { account: undefined, environmentRegion: undefined })).toEqual([
      expect.stringContaining('replace ACCOUNT_ID'),
      expect.stringContaining('replace REGION'),
    ]);
  });

  it('tell of credentials that need a policy of their own', () => {
    const declared = { AwsCredentialsProviderDynamoDB: 'ProfileCredentialsProvider|tables' };
    expect(notes({ declared })).toEqual([
      'order-mailer has AwsCredentialsProviderDynamoDB: the statements with dynamodb:* belong to those credentials, the others to AwsCredentialsProvider.',
    ]);
  });
});
