import type { TableDescription } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { resolveScenario } from '../config/resolve.fixture.js';
import { checkTable, createTableInput, planTables, tableState, type TablePlan } from './provision-tables.js';

const [LEASES, COORDINATOR, METRICS] = planTables(resolveScenario());

/** As DescribeTable shows a table that was made of a plan. */
function made(plan: TablePlan, changes: Partial<TableDescription> = {}): TableDescription {
  const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes } = createTableInput(plan);
  const indexes = GlobalSecondaryIndexes?.map((index) => ({ ...index, IndexStatus: 'ACTIVE' as const }));
  return {
    TableName: plan.name,
    TableStatus: 'ACTIVE',
    KeySchema,
    AttributeDefinitions,
    BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    ...(indexes === undefined ? {} : { GlobalSecondaryIndexes: indexes }),
    ...changes,
  };
}

describe('the plan', () => {
  it('is the three tables of KCL 3.1.3, named after the application, on demand', () => {
    expect([LEASES, COORDINATOR, METRICS].map(({ name, key, billing }) => [name, key, billing.kind])).toEqual([
      ['order-mailer', 'leaseKey', 'onDemand'],
      ['order-mailer-CoordinatorState', 'key', 'onDemand'],
      ['order-mailer-WorkerMetricStats', 'wid', 'onDemand'],
    ]);
  });

  it('follows every property of a table', () => {
    const [leases, coordinator, metrics] = planTables(
      resolveScenario({
        declared: {
          tableName: 'mail-leases',
          leaseTableDeletionProtectionEnabled: true,
          leaseTablePitrEnabled: true,
          coordinatorStateTableName: 'mail-lead',
          coordinatorStateBillingMode: 'PROVISIONED',
          coordinatorStateReadCapacity: 5,
          coordinatorStateWriteCapacity: 7,
          coordinatorStateTags: { team: 'orders', 'cost centre': '12' },
          workerMetricsTableName: 'mail-load',
          workerMetricsPointInTimeRecoveryEnabled: true,
          workerMetricsDeletionProtectionEnabled: true,
        },
      }),
    );
    expect(leases).toMatchObject({ name: 'mail-leases', deletionProtection: true, pointInTimeRecovery: true });
    expect(coordinator).toMatchObject({
      name: 'mail-lead',
      billing: { kind: 'provisioned', readCapacity: 5, writeCapacity: 7 },
      deletionProtection: false,
      tags: [
        ['team', 'orders'],
        ['cost centre', '12'],
      ],
    });
    expect(metrics).toMatchObject({ name: 'mail-load', deletionProtection: true, pointInTimeRecovery: true });
  });
});

describe('the request', () => {
  it('creates the lease table together with its index', () => {
    expect(createTableInput(LEASES)).toEqual({
      TableName: 'order-mailer',
      KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
      AttributeDefinitions: [
        { AttributeName: 'leaseKey', AttributeType: 'S' },
        { AttributeName: 'leaseOwner', AttributeType: 'S' },
      ],
      DeletionProtectionEnabled: false,
      BillingMode: 'PAY_PER_REQUEST',
      GlobalSecondaryIndexes: [
        {
          IndexName: 'LeaseOwnerToLeaseKeyIndex',
          KeySchema: [
            { AttributeName: 'leaseOwner', KeyType: 'HASH' },
            { AttributeName: 'leaseKey', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    });
  });

  it('gives capacity and tags to a table that has them', () => {
    const plan: TablePlan = {
      ...COORDINATOR,
      billing: { kind: 'provisioned', readCapacity: 5, writeCapacity: 7 },
      tags: [['team', 'orders']],
    };
    expect(createTableInput(plan)).toMatchObject({
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 7 },
      Tags: [{ Key: 'team', Value: 'orders' }],
    });
  });
});

describe('an existing table', () => {
  it.each([LEASES, COORDINATOR, METRICS])('fits when it was made like this: $name', (plan) => {
    expect(checkTable(plan, made(plan))).toEqual({ kind: 'fits', notes: [] });
  });

  it.each<[string, TablePlan, Partial<TableDescription>, string]>([
    [
      'another key',
      LEASES,
      { KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }] },
      'its key is id (HASH), not leaseKey (HASH)',
    ],
    [
      'a range key',
      COORDINATOR,
      {
        KeySchema: [
          { AttributeName: 'key', KeyType: 'HASH' },
          { AttributeName: 'at', KeyType: 'RANGE' },
        ],
      },
      'its key is key (HASH), at (RANGE), not key (HASH)',
    ],
    [
      'a key of another type',
      METRICS,
      { AttributeDefinitions: [{ AttributeName: 'wid', AttributeType: 'N' }] },
      'wid is of type N, not S',
    ],
    [
      'an index with another key',
      LEASES,
      {
        GlobalSecondaryIndexes: [
          {
            IndexName: 'LeaseOwnerToLeaseKeyIndex',
            KeySchema: [{ AttributeName: 'leaseOwner', KeyType: 'HASH' }],
          },
        ],
      },
      'its index LeaseOwnerToLeaseKeyIndex has the key leaseOwner (HASH), not leaseOwner (HASH), leaseKey (RANGE)',
    ],
  ])('with %s is wrong, and says what differs', (_, plan, changes, difference) => {
    expect(checkTable(plan, made(plan, changes))).toEqual({ kind: 'wrong', differences: [difference] });
  });

  it('without the index gets it, as KCL 3 would give it to a table of KCL 2', () => {
    const { GlobalSecondaryIndexes, ...older } = made(LEASES);
    const finding = checkTable(LEASES, older);
    expect(finding).toMatchObject({
      kind: 'indexMissing',
      add: {
        TableName: 'order-mailer',
        GlobalSecondaryIndexUpdates: [
          { Create: GlobalSecondaryIndexes?.[0] && { IndexName: 'LeaseOwnerToLeaseKeyIndex' } },
        ],
      },
    });
    expect(JSON.stringify(finding)).not.toContain('ProvisionedThroughput');
  });

  it('without the index and with capacity gives the index the same', () => {
    const { GlobalSecondaryIndexes: _, ...older } = made(LEASES, {
      BillingModeSummary: { BillingMode: 'PROVISIONED' },
      ProvisionedThroughput: { ReadCapacityUnits: 10, WriteCapacityUnits: 20 },
    });
    const capacity = { ReadCapacityUnits: 10, WriteCapacityUnits: 20 };
    expect(checkTable(LEASES, older)).toMatchObject({
      add: { GlobalSecondaryIndexUpdates: [{ Create: { ProvisionedThroughput: capacity } }] },
    });
  });

  it('may have more than was asked for, and is told when it lacks the protection', () => {
    const plan = { ...LEASES, deletionProtection: true };
    expect(checkTable(plan, made(plan, { DeletionProtectionEnabled: true }))).toEqual({ kind: 'fits', notes: [] });
    expect(checkTable(plan, made(plan))).toEqual({
      kind: 'fits',
      notes: [expect.stringContaining('has no deletion protection')],
    });
  });
});

describe('a table is ready', () => {
  const indexed = (IndexStatus: 'CREATING' | 'ACTIVE') => ({
    GlobalSecondaryIndexes: [{ IndexName: 'LeaseOwnerToLeaseKeyIndex', IndexStatus }],
  });

  it.each<[string, TableDescription | undefined, string]>([
    ['not before it is seen', undefined, 'waiting'],
    ['not while it is made', { TableStatus: 'CREATING', ...indexed('CREATING') }, 'waiting'],
    ['not while its index is made', { TableStatus: 'ACTIVE', ...indexed('CREATING') }, 'waiting'],
    ['not without its index', { TableStatus: 'ACTIVE' }, 'waiting'],
    ['not while it is changed', { TableStatus: 'UPDATING', ...indexed('ACTIVE') }, 'waiting'],
    ['when both are active', { TableStatus: 'ACTIVE', ...indexed('ACTIVE') }, 'ready'],
    ['never once it is deleted', { TableStatus: 'DELETING' }, 'unusable'],
    ['never without its key', { TableStatus: 'INACCESSIBLE_ENCRYPTION_CREDENTIALS' }, 'unusable'],
  ])('%s', (_, found, kind) => {
    expect(tableState(LEASES, found).kind).toBe(kind);
  });

  it('without an index when it has none', () => {
    expect(tableState(METRICS, { TableStatus: 'ACTIVE' })).toEqual({ kind: 'ready' });
  });
});
