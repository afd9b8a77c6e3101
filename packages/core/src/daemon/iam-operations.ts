/**
 * Every AWS operation that KCL 3.1.3 and its supervisor call: on what, and when. `millrace iam` is made of this table alone, so what is not in
 * it is not allowed, and the application says so at its first start.
 */

/** What an operation is allowed on. */
export type IamResource =
  | 'stream'
  | 'fanoutConsumer'
  | 'leaseTable'
  | 'leaseIndex'
  | 'coordinatorTable'
  | 'workerMetricsTable'
  | 'metrics';

/** When an operation is called at all. */
export type IamCondition =
  | 'always'
  /** Tables were not made beforehand: KCL creates what is missing. */
  | 'unprovisioned'
  /** ... with tags: DynamoDB asks for a permission of its own to create a table that has some. */
  | 'unprovisionedWithTags'
  /** ... with point-in-time recovery. */
  | 'unprovisionedWithRecovery'
  /** The lease table's recovery is turned on again at every start. */
  | 'leaseTableRecovery'
  | 'fanout'
  /** Fan-out, and KCL finds or registers the consumer itself. */
  | 'fanoutRegistration'
  | 'metrics';

export interface IamOperation {
  readonly action: string;
  readonly on: IamResource;
  readonly when: IamCondition;
  /** What it is called for. */
  readonly purpose: string;
}

const KINESIS: readonly IamOperation[] = [
  { action: 'kinesis:ListShards', on: 'stream', when: 'always', purpose: 'shards to make leases for' },
  { action: 'kinesis:GetShardIterator', on: 'stream', when: 'always', purpose: 'where reading begins' },
  {
    action: 'kinesis:GetRecords',
    on: 'stream',
    when: 'always',
    purpose: 'polling; under fan-out, the children of a shard that ended',
  },
  {
    action: 'kinesis:DescribeStreamSummary',
    on: 'stream',
    when: 'always',
    purpose: "the supervisor: how long records are kept; KCL under fan-out: the stream's ARN",
  },
  { action: 'kinesis:DescribeStreamConsumer', on: 'stream', when: 'fanoutRegistration', purpose: 'is it registered' },
  { action: 'kinesis:RegisterStreamConsumer', on: 'stream', when: 'fanoutRegistration', purpose: 'registers it' },
  {
    action: 'kinesis:DescribeStreamConsumer',
    on: 'fanoutConsumer',
    when: 'fanoutRegistration',
    purpose: 'is it ready',
  },
  {
    action: 'kinesis:RegisterStreamConsumer',
    on: 'fanoutConsumer',
    when: 'fanoutRegistration',
    purpose: 'registers it',
  },
  { action: 'kinesis:SubscribeToShard', on: 'stream', when: 'fanout', purpose: 'reads a shard' },
  { action: 'kinesis:SubscribeToShard', on: 'fanoutConsumer', when: 'fanout', purpose: 'reads a shard' },
];

const LEASE_TABLE: readonly IamOperation[] = [
  { action: 'dynamodb:CreateTable', on: 'leaseTable', when: 'unprovisioned', purpose: 'the first start' },
  { action: 'dynamodb:UpdateTable', on: 'leaseTable', when: 'unprovisioned', purpose: 'adds the index' },
  {
    action: 'dynamodb:UpdateContinuousBackups',
    on: 'leaseTable',
    when: 'leaseTableRecovery',
    purpose: 'point-in-time recovery, at every start',
  },
  { action: 'dynamodb:DescribeTable', on: 'leaseTable', when: 'always', purpose: 'is it there, with its index' },
  { action: 'dynamodb:Scan', on: 'leaseTable', when: 'always', purpose: 'all leases, for the leader and at start' },
  { action: 'dynamodb:GetItem', on: 'leaseTable', when: 'always', purpose: 'a lease that was assigned or has ended' },
  { action: 'dynamodb:PutItem', on: 'leaseTable', when: 'always', purpose: 'a lease for a new shard' },
  { action: 'dynamodb:UpdateItem', on: 'leaseTable', when: 'always', purpose: 'renewal, assignment, checkpoint' },
  { action: 'dynamodb:DeleteItem', on: 'leaseTable', when: 'always', purpose: 'the lease of a shard that is gone' },
  { action: 'dynamodb:Query', on: 'leaseIndex', when: 'always', purpose: "this worker's leases" },
];

const COORDINATOR_TABLE: readonly IamOperation[] = [
  ...creationOf('coordinatorTable'),
  { action: 'dynamodb:DescribeTable', on: 'coordinatorTable', when: 'always', purpose: 'is it there' },
  { action: 'dynamodb:GetItem', on: 'coordinatorTable', when: 'always', purpose: 'who leads; the state of migration' },
  { action: 'dynamodb:PutItem', on: 'coordinatorTable', when: 'always', purpose: 'takes the lead' },
  { action: 'dynamodb:UpdateItem', on: 'coordinatorTable', when: 'always', purpose: 'keeps the lead' },
  { action: 'dynamodb:DeleteItem', on: 'coordinatorTable', when: 'always', purpose: 'gives up the lead' },
];

const WORKER_METRICS_TABLE: readonly IamOperation[] = [
  ...creationOf('workerMetricsTable'),
  { action: 'dynamodb:DescribeTable', on: 'workerMetricsTable', when: 'always', purpose: 'is it there' },
  { action: 'dynamodb:Scan', on: 'workerMetricsTable', when: 'always', purpose: 'the load of all workers' },
  { action: 'dynamodb:UpdateItem', on: 'workerMetricsTable', when: 'always', purpose: 'the load of this worker' },
  { action: 'dynamodb:DeleteItem', on: 'workerMetricsTable', when: 'always', purpose: 'a worker that is gone' },
];

function creationOf(on: 'coordinatorTable' | 'workerMetricsTable'): readonly IamOperation[] {
  return [
    { action: 'dynamodb:CreateTable', on, when: 'unprovisioned', purpose: 'the first start' },
    { action: 'dynamodb:TagResource', on, when: 'unprovisionedWithTags', purpose: 'creates the table with its tags' },
    {
      action: 'dynamodb:UpdateContinuousBackups',
      on,
      when: 'unprovisionedWithRecovery',
      purpose: 'point-in-time recovery of the table it created',
    },
  ];
}

export const KCL_OPERATIONS: readonly IamOperation[] = [
  ...KINESIS,
  ...LEASE_TABLE,
  ...COORDINATOR_TABLE,
  ...WORKER_METRICS_TABLE,
  { action: 'cloudwatch:PutMetricData', on: 'metrics', when: 'metrics', purpose: 'metrics, every ten seconds' },
];
