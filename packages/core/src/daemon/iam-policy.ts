/** The least policy that a consumer runs with: its daemon by the table of operations and its properties, its sinks by what they are. Pure. */
import type { ResolvedConsumer } from '../config/resolved.js';
import { propertyOf } from './effective-property.js';
import { KCL_OPERATIONS, type IamCondition, type IamResource } from './iam-operations.js';
import { sinkStatements } from './iam-sinks.js';
import { partitionOf, type ArnPlace, type PolicyStatement } from './iam-statement.js';
import { LEASE_INDEX, planTables, type TablePlan } from './provision-tables.js';
import { pascalCase } from './provision-templates.js';

export interface PolicyOptions {
  /** Undefined: the placeholder ACCOUNT_ID, unless the stream is named by ARN. */
  readonly account: string | undefined;
  /** Stronger than the properties. */
  readonly region: string | undefined;
  /** Weaker than the properties: AWS_REGION. Without any, the placeholder REGION. */
  readonly environmentRegion: string | undefined;
  /** The tables exist with their index (`millrace provision`): nothing is created at a start. */
  readonly provisioned: boolean;
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

const ACCOUNT_PLACEHOLDER = 'ACCOUNT_ID';
const REGION_PLACEHOLDER = 'REGION';

/** One document for all consumers of a program; with several, every Sid says whose it is. */
export function policyOf(consumers: readonly ResolvedConsumer[], options: PolicyOptions): PolicyDocument {
  const owners = new Map<string, number>();
  const statements = consumers.flatMap((consumer) => {
    const own = statementsOf(consumer, options);
    if (consumers.length === 1) return own;
    const owner = pascalCase(consumer.applicationName);
    const count = (owners.get(owner) ?? 0) + 1;
    owners.set(owner, count);
    return own.map((statement) => ({ ...statement, Sid: `${statement.Sid}Of${owner}${count === 1 ? '' : count}` }));
  });
  return { Version: '2012-10-17', Statement: statements };
}

/** What each group of operations is for, as its Sid; operations on one resource stand together. */
const GROUPS: readonly { readonly sid: string; readonly on: IamResource; readonly when: readonly IamCondition[] }[] = [
  { sid: 'ReadStream', on: 'stream', when: ['always'] },
  { sid: 'UseFanoutOnStream', on: 'stream', when: ['fanoutRegistration', 'fanout'] },
  { sid: 'UseFanoutConsumer', on: 'fanoutConsumer', when: ['fanoutRegistration', 'fanout'] },
  { sid: 'KeepLeases', on: 'leaseTable', when: ['always', 'leaseTableRecovery'] },
  { sid: 'FindOwnLeases', on: 'leaseIndex', when: ['always'] },
  { sid: 'ElectLeader', on: 'coordinatorTable', when: ['always'] },
  { sid: 'ReportWorkerLoad', on: 'workerMetricsTable', when: ['always'] },
  { sid: 'CreateLeaseTable', on: 'leaseTable', when: ['unprovisioned'] },
  { sid: 'CreateCoordinatorTable', on: 'coordinatorTable', when: creation() },
  { sid: 'CreateWorkerMetricsTable', on: 'workerMetricsTable', when: creation() },
  { sid: 'PublishMetrics', on: 'metrics', when: ['metrics'] },
];

function creation(): readonly IamCondition[] {
  return ['unprovisioned', 'unprovisionedWithTags', 'unprovisionedWithRecovery'];
}

function statementsOf(consumer: ResolvedConsumer, options: PolicyOptions): readonly PolicyStatement[] {
  const [leases, coordinator, workerMetrics] = planTables(consumer);
  const tables: Partial<Record<IamResource, TablePlan>> = {
    leaseTable: leases,
    coordinatorTable: coordinator,
    workerMetricsTable: workerMetrics,
  };
  const daemon = GROUPS.flatMap(({ sid, on, when }): readonly PolicyStatement[] => {
    const facts = { consumer, table: tables[on], provisioned: options.provisioned };
    const actions = KCL_OPERATIONS.filter(
      (operation) => operation.on === on && when.includes(operation.when) && holds(operation.when, facts),
    ).map(({ action }) => action);
    if (actions.length === 0) return [];
    const statement = { Sid: sid, Effect: 'Allow', Action: actions, Resource: arnOf(on, consumer, options) } as const;
    return on === 'metrics' ? [{ ...statement, Condition: inNamespace(consumer) }] : [statement];
  });
  return [...daemon, ...sinkStatements(consumer.definition, placeOf('kinesis', consumer, options))];
}

/** PutMetricData knows no resources, but it knows the namespace, which KCL names after the application. */
function inNamespace({ applicationName }: ResolvedConsumer) {
  return { StringEquals: { 'cloudwatch:namespace': applicationName } };
}

interface Facts {
  readonly consumer: ResolvedConsumer;
  /** The table that the operation is on. */
  readonly table: TablePlan | undefined;
  readonly provisioned: boolean;
}

function holds(condition: IamCondition, { consumer, table, provisioned }: Facts): boolean {
  switch (condition) {
    case 'always':
      return true;
    case 'unprovisioned':
      return !provisioned;
    case 'unprovisionedWithTags':
      return !provisioned && table !== undefined && table.tags.length > 0;
    case 'unprovisionedWithRecovery':
      return !provisioned && table?.pointInTimeRecovery === true;
    case 'leaseTableRecovery':
      return table?.pointInTimeRecovery === true;
    case 'fanout':
      return usesFanout(consumer);
    case 'fanoutRegistration':
      return registersConsumer(consumer);
    case 'metrics':
      return propertyOf(consumer, 'metricsLevel') !== 'NONE';
    default:
      return condition satisfies never;
  }
}

/** Fan-out without a consumer of its own: KCL asks for the stream's ARN, and finds or registers one. */
export function registersConsumer(consumer: ResolvedConsumer): boolean {
  return usesFanout(consumer) && propertyOf(consumer, 'fanoutConfig.consumerArn') === undefined;
}

const POLLING_PROPERTIES = [
  'maxRecords',
  'idleTimeBetweenReadsInMillis',
  'millisBehindLatestThresholdForReducedTps',
  'retryGetRecordsInSeconds',
  'maxGetRecordsThreadPool',
];

/** DEFAULT means fan-out to KCL, unless the file holds a property of polling. */
function usesFanout(consumer: ResolvedConsumer): boolean {
  const mode = propertyOf(consumer, 'retrievalMode') ?? 'DEFAULT';
  if (mode !== 'DEFAULT') return mode === 'FANOUT';
  return !POLLING_PROPERTIES.some((name) => propertyOf(consumer, name) !== undefined);
}

function arnOf(on: IamResource, consumer: ResolvedConsumer, options: PolicyOptions): string {
  if (on === 'metrics') return '*';
  const [leases, coordinator, workerMetrics] = planTables(consumer);
  const arn = (service: 'kinesis' | 'dynamodb', resource: string): string => {
    const { partition, region, account } = placeOf(service, consumer, options);
    return `arn:${partition}:${service}:${region}:${account}:${resource}`;
  };
  switch (on) {
    case 'stream':
      return arn('kinesis', `stream/${consumer.stream}`);
    case 'fanoutConsumer':
      return propertyOf(consumer, 'fanoutConfig.consumerArn') ?? arn('kinesis', consumerResource(consumer));
    case 'leaseTable':
      return arn('dynamodb', `table/${leases.name}`);
    case 'leaseIndex':
      return arn('dynamodb', `table/${leases.name}/index/${LEASE_INDEX}`);
    case 'coordinatorTable':
      return arn('dynamodb', `table/${coordinator.name}`);
    case 'workerMetricsTable':
      return arn('dynamodb', `table/${workerMetrics.name}`);
    default:
      return on satisfies never;
  }
}

/** The ARN of a registered consumer ends in the time at which it was registered. */
function consumerResource(consumer: ResolvedConsumer): string {
  const name = propertyOf(consumer, 'fanoutConfig.consumerName') ?? consumer.applicationName;
  return `stream/${consumer.stream}/consumer/${name}:*`;
}

function placeOf(service: 'kinesis' | 'dynamodb', consumer: ResolvedConsumer, options: PolicyOptions): ArnPlace {
  const client = service === 'kinesis' ? 'kinesisClient' : 'dynamoDbClient';
  // arn:aws:kinesis:eu-west-1:123456789012:stream/orders
  const [, , , , streamAccount] = propertyOf(consumer, 'streamArn')?.split(':') ?? [];
  const region =
    options.region ??
    propertyOf(consumer, `${client}.region`) ??
    propertyOf(consumer, 'regionName') ??
    options.environmentRegion ??
    REGION_PLACEHOLDER;
  return { partition: partitionOf(region), region, account: options.account ?? streamAccount ?? ACCOUNT_PLACEHOLDER };
}

/** What a reader of the policy has to know beside it. */
export function policyNotes(consumers: readonly ResolvedConsumer[], document: PolicyDocument): readonly string[] {
  const text = JSON.stringify(document);
  const notes: string[] = [];
  if (text.includes(`:${ACCOUNT_PLACEHOLDER}:`))
    notes.push(`The account is not known: give --account, or replace ${ACCOUNT_PLACEHOLDER}.`);
  if (text.includes(`:${REGION_PLACEHOLDER}:`))
    notes.push(
      `The region is not known: set regionName or AWS_REGION, give --region, or replace ${REGION_PLACEHOLDER}.`,
    );
  for (const consumer of consumers) notes.push(...otherCredentials(consumer));
  return notes;
}

/** With credentials of their own, the statements of a service belong into another policy. */
function otherCredentials(consumer: ResolvedConsumer): string[] {
  const stream = propertyOf(consumer, 'AwsCredentialsProvider');
  const services = [
    ['AwsCredentialsProviderDynamoDB', 'dynamodb'],
    ['AwsCredentialsProviderCloudWatch', 'cloudwatch'],
  ] as const;
  return services.flatMap(([name, service]) => {
    const own = propertyOf(consumer, name);
    if (own === undefined || own === stream) return [];
    return [
      `${consumer.applicationName} has ${name}: the statements with ${service}:* belong to those credentials, the others to AwsCredentialsProvider.`,
    ];
  });
}
