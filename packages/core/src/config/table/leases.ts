import type { Handling } from '../property-spec.js';
import { boxedFlag, boxedMillis, count, flag, longOf, millis, oneOf, propertyGroup } from '../property-spec.js';

const ON_DEMAND: Handling = {
  kind: 'accepts',
  when: 'always',
  why: 'KCL 3 always creates the lease table with on-demand capacity, so it has no effect.',
};

export const LEASES = propertyGroup('leases', [
  {
    name: 'failoverTimeMillis',
    type: millis({ min: 1000 }),
    kcl: '10000',
    effect: 'How long a lease lives without being renewed; it is renewed every third of this.',
  },
  {
    name: 'leaseAssignmentIntervalMillis',
    type: millis({ min: 100 }),
    kcl: '2 x failoverTimeMillis',
    ours: '5000',
    effect:
      'How often the leader looks at all leases and assigns those without an owner; each look is a scan of the lease table.',
  },
  {
    name: 'enablePriorityLeaseAssignment',
    type: boxedFlag,
    kcl: 'true',
    effect: 'Assigns leases that expired long ago first.',
  },
  {
    name: 'leaseTableDeletionProtectionEnabled',
    type: boxedFlag,
    kcl: 'false',
    effect: 'Creates the lease table with deletion protection.',
  },
  {
    name: 'leaseTablePitrEnabled',
    type: boxedFlag,
    kcl: 'false',
    effect: 'Creates the lease table with point-in-time recovery.',
  },
  {
    name: 'shardSyncIntervalMillis',
    type: millis(),
    kcl: '60000',
    ours: '1000',
    effect: 'How long an application sleeps after its very first look at the shards; of little effect later.',
  },
  {
    name: 'cleanupLeasesUponShardCompletion',
    type: flag,
    kcl: 'true',
    effect: 'Deletes the lease of a shard that was read to its end.',
    handling: {
      kind: 'accepts',
      when: 'false',
      why: 'KCL 3 cannot read a false here: leases of ended shards are deleted all the same.',
    },
  },
  {
    name: 'ignoreUnexpectedChildShards',
    type: flag,
    kcl: 'false',
    effect: 'Goes on when the list of shards has children of shards that are still open.',
  },
  {
    name: 'maxLeasesForWorker',
    type: count(),
    kcl: '2147483647',
    effect: 'How many shards this worker takes at most: the right way to bound its load.',
  },
  {
    name: 'maxLeasesToStealAtOneTime',
    type: count(),
    kcl: '1',
    effect: 'How many leases a worker takes from another at once; only while in the mode compatible with KCL 2.',
  },
  {
    name: 'initialLeaseTableReadCapacity',
    type: count(),
    kcl: '10',
    effect: 'Read capacity of the lease table.',
    handling: ON_DEMAND,
    deprecated: 'The lease table is always on demand.',
  },
  {
    name: 'initialLeaseTableWriteCapacity',
    type: count(),
    kcl: '10',
    effect: 'Write capacity of the lease table.',
    handling: ON_DEMAND,
    deprecated: 'The lease table is always on demand.',
  },
  {
    name: 'leaseTableScanTotalSegments',
    type: count(),
    effect: 'How many segments a scan of the lease table has.',
    handling: { kind: 'newer', since: '3.5' },
  },
  { name: 'maxLeaseRenewalThreads', type: count(), kcl: '20', effect: 'How many threads renew leases.' },
  {
    name: 'listShardsBackoffTimeInMillis',
    type: millis(),
    kcl: '1500',
    effect: 'The pause after a failed ListShards.',
  },
  { name: 'maxListShardsRetryAttempts', type: count(), kcl: '50', effect: 'Attempts at ListShards.' },
  {
    name: 'parentShardPollIntervalMillis',
    type: millis(),
    kcl: '10000',
    effect: 'How often a child shard looks whether its parents were read to their end.',
  },
  {
    name: 'skipShardSyncAtWorkerInitializationIfLeasesExist',
    type: flag,
    kcl: 'false',
    effect: 'Does not look for shards at start when there are leases.',
  },
  {
    name: 'schedulerInitializationBackoffTimeMillis',
    type: millis(),
    kcl: '1000',
    effect: 'The pause between the 20 attempts of a daemon to start.',
  },
  {
    name: 'clientVersionConfig',
    type: oneOf(
      ['CLIENT_VERSION_CONFIG_3X', 'CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X'],
      ['CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X_PHASE1'],
    ),
    kcl: 'CLIENT_VERSION_CONFIG_3X',
    effect: 'Lets workers of KCL 2 and 3 share an application while it is being upgraded.',
  },
  {
    name: 'migrateAllEntitiesToLeaseTable',
    type: flag,
    effect: 'Moves the two extra tables into the lease table.',
    handling: { kind: 'newer', since: '3.5' },
  },
  {
    name: 'tableMigrationCompleteBakeTimeSeconds',
    type: longOf('seconds', { min: 3600, max: 604_800 }),
    effect: 'How long that migration can be taken back.',
    handling: { kind: 'newer', since: '3.5' },
  },
  {
    name: 'isGracefulLeaseHandoffEnabled',
    type: boxedFlag,
    kcl: 'true',
    effect: 'Asks the owner of a shard to finish before its lease moves to another worker.',
    nestedIn: 'gracefulLeaseHandoffConfigBean',
  },
  {
    name: 'gracefulLeaseHandoffTimeoutMillis',
    type: boxedMillis({ min: 1000 }),
    kcl: '30000',
    effect: 'How long the owner has to finish; then the lease moves under the running handler.',
    nestedIn: 'gracefulLeaseHandoffConfigBean',
  },
]);
