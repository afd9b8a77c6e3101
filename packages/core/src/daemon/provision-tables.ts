/**
 * The three tables of KCL 3.1.3: what they are to be, how that is asked of DynamoDB, and whether one that exists fits.
 * Pure. KCL adds the index of the lease table at its first start and waits ten seconds and more for it; here it comes with
 * the table.
 */
import type { CreateTableCommandInput, TableDescription, UpdateTableCommandInput } from '@aws-sdk/client-dynamodb';
import type { ResolvedConsumer } from '../config/resolved.js';
import { propertyOf } from './effective-property.js';

export const LEASE_INDEX = 'LeaseOwnerToLeaseKeyIndex';

export type TableRole = 'leases' | 'coordinator' | 'workerMetrics';

export interface TablePlan {
  readonly role: TableRole;
  readonly name: string;
  /** The hash key, a string; none of the tables has a range key. */
  readonly key: string;
  readonly index: IndexPlan | undefined;
  readonly billing: Billing;
  readonly deletionProtection: boolean;
  readonly pointInTimeRecovery: boolean;
  readonly tags: readonly (readonly [key: string, value: string])[];
}

export interface IndexPlan {
  readonly name: string;
  readonly hashKey: string;
  readonly rangeKey: string;
}

export type Billing =
  | { readonly kind: 'onDemand' }
  | { readonly kind: 'provisioned'; readonly readCapacity: number; readonly writeCapacity: number };

/** What became of a table. */
export interface ProvisionedTable {
  readonly plan: TablePlan;
  /** In a dry run: what would be done. */
  readonly outcome: 'created' | 'indexAdded' | 'exists';
  readonly notes: readonly string[];
}

/** The lease table first: it is the one that holds positions. */
export function planTables(consumer: ResolvedConsumer): readonly [TablePlan, TablePlan, TablePlan] {
  const flag = (name: string): boolean => propertyOf(consumer, name) === 'true';
  const leases: TablePlan = {
    role: 'leases',
    name: propertyOf(consumer, 'tableName') ?? consumer.applicationName,
    key: 'leaseKey',
    index: { name: LEASE_INDEX, hashKey: 'leaseOwner', rangeKey: 'leaseKey' },
    billing: { kind: 'onDemand' },
    deletionProtection: flag('leaseTableDeletionProtectionEnabled'),
    pointInTimeRecovery: flag('leaseTablePitrEnabled'),
    tags: [],
  };
  return [
    leases,
    planExtra(consumer, { role: 'coordinator', prefix: 'coordinatorState', suffix: '-CoordinatorState', key: 'key' }),
    planExtra(consumer, { role: 'workerMetrics', prefix: 'workerMetrics', suffix: '-WorkerMetricStats', key: 'wid' }),
  ];
}

interface ExtraTable {
  readonly role: TableRole;
  /** Of its seven properties. */
  readonly prefix: string;
  readonly suffix: string;
  readonly key: string;
}

function planExtra(consumer: ResolvedConsumer, { role, prefix, suffix, key }: ExtraTable): TablePlan {
  const read = (name: string): string | undefined => propertyOf(consumer, `${prefix}${name}`);
  const billing: Billing =
    read('BillingMode') === 'PROVISIONED'
      ? {
          kind: 'provisioned',
          readCapacity: Number(read('ReadCapacity') ?? 1),
          writeCapacity: Number(read('WriteCapacity') ?? 1),
        }
      : { kind: 'onDemand' };
  return {
    role,
    name: read('TableName') ?? `${consumer.applicationName}${suffix}`,
    key,
    index: undefined,
    billing,
    deletionProtection: read('DeletionProtectionEnabled') === 'true',
    pointInTimeRecovery: read('PointInTimeRecoveryEnabled') === 'true',
    tags: readTags(read('Tags')),
  };
}

/** `team=orders,stage=test`, as configuration has checked it. */
function readTags(text: string | undefined): readonly (readonly [string, string])[] {
  if (text === undefined || text === '') return [];
  return text.split(',').map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
}

export function createTableInput(plan: TablePlan): CreateTableCommandInput {
  const { index } = plan;
  return {
    TableName: plan.name,
    KeySchema: [{ AttributeName: plan.key, KeyType: 'HASH' }],
    AttributeDefinitions: [...keyNames(plan)].map((name) => ({ AttributeName: name, AttributeType: 'S' as const })),
    DeletionProtectionEnabled: plan.deletionProtection,
    ...billingInput(plan.billing),
    ...(index === undefined ? {} : { GlobalSecondaryIndexes: [indexInput(index)] }),
    ...(plan.tags.length === 0 ? {} : { Tags: plan.tags.map(([Key, Value]) => ({ Key, Value })) }),
  };
}

/** Every attribute that is a key of the table or of its index. */
export function keyNames({ key, index }: TablePlan): ReadonlySet<string> {
  return new Set(index === undefined ? [key] : [key, index.hashKey, index.rangeKey]);
}

function billingInput(billing: Billing): Pick<CreateTableCommandInput, 'BillingMode' | 'ProvisionedThroughput'> {
  if (billing.kind === 'onDemand') return { BillingMode: 'PAY_PER_REQUEST' };
  return {
    BillingMode: 'PROVISIONED',
    ProvisionedThroughput: { ReadCapacityUnits: billing.readCapacity, WriteCapacityUnits: billing.writeCapacity },
  };
}

function indexInput(index: IndexPlan) {
  return {
    IndexName: index.name,
    KeySchema: [
      { AttributeName: index.hashKey, KeyType: 'HASH' as const },
      { AttributeName: index.rangeKey, KeyType: 'RANGE' as const },
    ],
    Projection: { ProjectionType: 'KEYS_ONLY' as const },
  };
}

/** What is to be done about a table that exists. */
export type TableFinding =
  | { readonly kind: 'fits'; readonly notes: readonly string[] }
  /** A table that KCL 1 or 2 made; KCL 3 would add the index at its start. */
  | { readonly kind: 'indexMissing'; readonly add: UpdateTableCommandInput; readonly notes: readonly string[] }
  | { readonly kind: 'wrong'; readonly differences: readonly string[] };

export function checkTable(plan: TablePlan, found: TableDescription): TableFinding {
  const differences = [...keyDifferences(plan, found), ...indexDifferences(plan, found)];
  if (differences.length > 0) return { kind: 'wrong', differences };
  const notes = notesOf(plan, found);
  const missing = plan.index !== undefined && findIndex(plan.index, found) === undefined ? plan.index : undefined;
  return missing === undefined
    ? { kind: 'fits', notes }
    : { kind: 'indexMissing', add: addIndexInput(plan, missing, found), notes };
}

function keyDifferences(plan: TablePlan, found: TableDescription): string[] {
  const expected = `${plan.key} (HASH)`;
  const actual = describeKeys(found.KeySchema);
  if (actual !== expected) return [`its key is ${actual}, not ${expected}`];
  return typeDifferences([plan.key], found);
}

function typeDifferences(names: readonly string[], found: TableDescription): string[] {
  return names.flatMap((name) => {
    const type = found.AttributeDefinitions?.find(({ AttributeName }) => AttributeName === name)?.AttributeType;
    return type === undefined || type === 'S' ? [] : [`${name} is of type ${type}, not S`];
  });
}

function indexDifferences({ index }: TablePlan, found: TableDescription): string[] {
  const actual = index === undefined ? undefined : findIndex(index, found);
  if (index === undefined || actual === undefined) return [];
  const expected = `${index.hashKey} (HASH), ${index.rangeKey} (RANGE)`;
  const keys = describeKeys(actual.KeySchema);
  if (keys !== expected) return [`its index ${index.name} has the key ${keys}, not ${expected}`];
  return typeDifferences([index.hashKey], found);
}

function findIndex(index: IndexPlan, { GlobalSecondaryIndexes }: TableDescription) {
  return GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === index.name);
}

function describeKeys(schema: TableDescription['KeySchema'] = []): string {
  // DynamoDB lists the hash key first.
  return schema.map(({ AttributeName, KeyType }) => `${AttributeName} (${KeyType})`).join(', ') || 'none';
}

/** KCL applies these to tables that it creates, and so do we: an existing one is its owner's. */
function notesOf(plan: TablePlan, found: TableDescription): string[] {
  return plan.deletionProtection && found.DeletionProtectionEnabled !== true
    ? ['it has no deletion protection, which is only set on tables that are created: update the table to have it']
    : [];
}

function addIndexInput(plan: TablePlan, index: IndexPlan, found: TableDescription): UpdateTableCommandInput {
  const { ReadCapacityUnits = 0, WriteCapacityUnits = 0 } = found.ProvisionedThroughput ?? {};
  const onDemand = found.BillingModeSummary?.BillingMode === 'PAY_PER_REQUEST' || ReadCapacityUnits === 0;
  const throughput = onDemand ? {} : { ProvisionedThroughput: { ReadCapacityUnits, WriteCapacityUnits } };
  return {
    TableName: plan.name,
    AttributeDefinitions: [index.hashKey, index.rangeKey].map((name) => ({ AttributeName: name, AttributeType: 'S' })),
    GlobalSecondaryIndexUpdates: [{ Create: { ...indexInput(index), ...throughput } }],
  };
}

/** Where the making of a table stands. */
export type TableState =
  | { readonly kind: 'ready' }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'unusable'; readonly status: string };

/** A table is ready with its index; KCL waits for both. */
export function tableState({ index }: TablePlan, found: TableDescription | undefined): TableState {
  const status = found?.TableStatus;
  if (found === undefined || status === undefined || status === 'CREATING' || status === 'UPDATING')
    return { kind: 'waiting' };
  if (status !== 'ACTIVE') return { kind: 'unusable', status };
  return index === undefined || findIndex(index, found)?.IndexStatus === 'ACTIVE'
    ? { kind: 'ready' }
    : { kind: 'waiting' };
}
