import type { PropertyRow } from '../property-spec.js';
import { boxedFlag, count, longOf, millis, oneOf, percent, propertyGroup, tableName } from '../property-spec.js';

const rows: readonly PropertyRow[] = [
  {
    name: 'inMemoryWorkerMetricsCaptureFrequencyMillis',
    type: millis(),
    kcl: '1000',
    effect: 'How often a worker measures its own load.',
  },
  {
    name: 'workerMetricsReporterFreqInMillis',
    type: millis(),
    kcl: '30000',
    effect: 'How often a worker writes its load to its table.',
  },
  {
    name: 'noOfPersistedMetricsPerWorkerMetrics',
    type: count(),
    kcl: '10',
    effect: 'How many measurements are kept per worker.',
  },
  {
    name: 'disableWorkerMetrics',
    type: boxedFlag,
    kcl: 'false',
    effect: 'Balances by throughput alone; set it where the load of a container cannot be measured.',
  },
  {
    name: 'maxThroughputPerHostKBps',
    type: { kind: 'double', min: 1, max: Number.MAX_VALUE },
    kcl: 'unlimited',
    effect: 'How much throughput is assigned to one worker at most, in KB per second.',
  },
  {
    name: 'dampeningPercentage',
    type: percent(),
    kcl: '60',
    effect: 'How much of an imbalance one assignment evens out.',
  },
  {
    name: 'reBalanceThresholdPercentage',
    type: percent(),
    kcl: '10',
    effect: 'How far a worker may be from the average load.',
  },
  {
    name: 'allowThroughputOvershoot',
    type: boxedFlag,
    kcl: 'true',
    effect: 'Moves a lease although it evens out more than was wanted, when no smaller one is there.',
  },
  { name: 'varianceBalancingFrequency', type: count(), kcl: '3', effect: 'Balances at every n-th assignment.' },
  {
    name: 'workerMetricsEMAAlpha',
    type: { kind: 'double', min: 0.001, max: 1 },
    kcl: '0.5',
    effect: 'How much the newest measurement weighs in the average.',
  },
  {
    name: 'staleWorkerMetricsEntryCleanupDuration',
    type: { kind: 'duration' },
    kcl: 'P1D',
    effect: 'When the measurements of a worker that is gone are deleted.',
  },
];

export const WORKERS = propertyGroup(
  'workers',
  rows.map((row) => ({ ...row, nestedIn: 'workerUtilizationAwareAssignmentConfigBean' })),
);

/** The two tables beside the lease table have the same seven properties under two prefixes. */
function extraTable(prefix: string, suffix: string, nestedIn: string): readonly PropertyRow[] {
  const deprecated = 'KCL 3.5 keeps everything in the lease table.';
  const what = prefix === 'coordinatorState' ? 'the coordinator table' : 'the worker metrics table';
  return [
    { name: `${prefix}TableName`, type: tableName, kcl: `applicationName + ${suffix}`, effect: `The name of ${what}.` },
    {
      name: `${prefix}BillingMode`,
      type: oneOf(['PAY_PER_REQUEST', 'PROVISIONED']),
      kcl: 'PAY_PER_REQUEST',
      effect: `How ${what} is billed.`,
    },
    { name: `${prefix}ReadCapacity`, type: longOf('count'), effect: `Provisioned read capacity of ${what}.` },
    { name: `${prefix}WriteCapacity`, type: longOf('count'), effect: `Provisioned write capacity of ${what}.` },
    {
      name: `${prefix}PointInTimeRecoveryEnabled`,
      type: boxedFlag,
      kcl: 'false',
      effect: `Creates ${what} with point-in-time recovery.`,
    },
    {
      name: `${prefix}DeletionProtectionEnabled`,
      type: boxedFlag,
      kcl: 'false',
      effect: `Creates ${what} with deletion protection.`,
    },
    { name: `${prefix}Tags`, type: { kind: 'tags' } as const, effect: `Tags of ${what}.` },
  ].map((row) => ({ ...row, nestedIn, deprecated }));
}

export const TABLES = propertyGroup('tables', [
  {
    name: 'tableName',
    type: tableName,
    kcl: 'applicationName',
    effect: 'The name of the lease table.',
    sensitivity: 'identifies',
  },
  ...extraTable('coordinatorState', '-CoordinatorState', 'coordinatorStateTableConfigBean'),
  ...extraTable('workerMetrics', '-WorkerMetricStats', 'workerMetricStatsTableConfigBean'),
]);
