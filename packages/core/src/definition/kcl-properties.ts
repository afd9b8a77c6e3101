/**
 * The properties of KCL 3.1.3's MultiLangDaemon as types. Generated from the property table by
 * `npm run generate:config`; do not edit.
 */

/** An ISO-8601 time with its zone: `2026-01-31T08:00:00Z`. */
export type IsoTimestamp = `${number}-${number}-${number}T${string}`;

/** A Date, or anything else that knows its milliseconds since the epoch. */
export interface DateLike {
  getTime(): number;
}

/** Where a shard without a lease starts: at its oldest record, at its newest, or at a moment. */
export type StartPosition =
  | 'TRIM_HORIZON'
  | 'LATEST'
  | 'AT_TIMESTAMP'
  | DateLike
  | IsoTimestamp
  | { readonly timestamp: DateLike | IsoTimestamp };

/** A value for a method of an AWS SDK client builder. */
export type BuilderValue = string | number | boolean;

export type KclProperties = {
  /** The stream to read. */
  readonly streamName?: string | undefined;
  /** The stream to read, by ARN; KCL keeps only its name, so the account is the one of the credentials. */
  readonly streamArn?: string | undefined;
  /**
   * Names the lease table, the CloudWatch namespace and the fan-out consumer: workers with the same name share the
   * shards.
   */
  readonly applicationName?: string | undefined;
  /** Names this worker in the lease table; two live workers must never share one. @defaultValue a random UUID */
  readonly workerId?: string | undefined;
  /** The same as `workerId`. */
  readonly workerIdentifier?: string | undefined;
  /** The command that the daemon starts for every shard. */
  readonly executableName?: string | undefined;
  /** A note for the log. @deprecated KCL 3 does nothing with it. */
  readonly processingLanguage?: string | undefined;
  /**
   * A fixed number of daemon threads; 0 takes as many as are needed. A fixed pool that is too small stands still
   * for ever.
   * @defaultValue 0
   */
  readonly maxActiveThreads?: number | undefined;
  /**
   * How long a stopping daemon waits for its shards; with the 0 of KCL they are never asked to shut down.
   * @defaultValue 25000
   */
  readonly shutdownGraceMillis?: number | undefined;
  /**
   * Halts the whole daemon, without an orderly shutdown, when one message of one shard is not answered in this
   * time.
   */
  readonly timeoutInSeconds?: number | undefined;
  /** Checks that a checkpoint lies in the range of what was delivered before it is sent. @defaultValue true */
  readonly validateSequenceNumberBeforeCheckpointing?: boolean | undefined;
  /**
   * Where the credentials come from: provider names of the AWS SDK for Java 2, each with its arguments.
   * @defaultValue DefaultCredentialsProvider
   */
  readonly AwsCredentialsProvider?: string | undefined;
  /** The same as `AwsCredentialsProvider`. */
  readonly AWSCredentialsProvider?: string | undefined;
  /** The same as `AwsCredentialsProvider`. */
  readonly awsCredentialsProvider?: string | undefined;
  /** The same for DynamoDB alone, for a stream in another account. @defaultValue as AwsCredentialsProvider */
  readonly AwsCredentialsProviderDynamoDB?: string | undefined;
  /** The same as `AwsCredentialsProviderDynamoDB`. */
  readonly AWSCredentialsProviderDynamoDB?: string | undefined;
  /** The same as `AwsCredentialsProviderDynamoDB`. */
  readonly awsCredentialsProviderDynamoDB?: string | undefined;
  /** The same for CloudWatch alone. @defaultValue as AwsCredentialsProvider */
  readonly AwsCredentialsProviderCloudWatch?: string | undefined;
  /** The same as `AwsCredentialsProviderCloudWatch`. */
  readonly AWSCredentialsProviderCloudWatch?: string | undefined;
  /** The same as `AwsCredentialsProviderCloudWatch`. */
  readonly awsCredentialsProviderCloudWatch?: string | undefined;
  /**
   * The region of all three clients: Kinesis, DynamoDB and CloudWatch.
   * @defaultValue the region chain of the AWS SDK
   */
  readonly regionName?: string | undefined;
  /** Another endpoint for Kinesis. @defaultValue AWS */
  readonly kinesisEndpoint?: string | undefined;
  /** Another endpoint for DynamoDB. @defaultValue AWS */
  readonly dynamoDBEndpoint?: string | undefined;
  /** Any method of the Kinesis client builder that takes one argument, for example `kinesisClient.region`. */
  readonly [path: `kinesisClient.${string}`]: BuilderValue | undefined;
  /** The same for the DynamoDB client. */
  readonly [path: `dynamoDbClient.${string}`]: BuilderValue | undefined;
  /** The same for the CloudWatch client; `cloudWatchClient.endpointOverride` is its only endpoint setting. */
  readonly [path: `cloudWatchClient.${string}`]: BuilderValue | undefined;
  /**
   * The builder form of AwsCredentialsProvider: `kinesisCredentialsProvider.class` and the methods of its builder.
   */
  readonly [path: `kinesisCredentialsProvider.${string}`]: BuilderValue | undefined;
  /** The builder form of AwsCredentialsProviderDynamoDB. */
  readonly [path: `dynamoDBCredentialsProvider.${string}`]: BuilderValue | undefined;
  /** The builder form of AwsCredentialsProviderCloudWatch. */
  readonly [path: `cloudWatchCredentialsProvider.${string}`]: BuilderValue | undefined;
  /**
   * Where a shard without a lease starts: the oldest record, the newest, or a moment. Children of a reshard always
   * start at their oldest.
   * @defaultValue TRIM_HORIZON
   */
  readonly initialPositionInStream?: StartPosition | undefined;
  /**
   * The moment at which a shard without a lease starts, in seconds since the epoch; takes the place of
   * initialPositionInStream.
   */
  readonly initialPositionInStreamExtended?: number | DateLike | IsoTimestamp | undefined;
  /**
   * How records are read. KCL takes enhanced fan-out, which costs extra, unless a polling property is set.
   * @defaultValue POLLING
   */
  readonly retrievalMode?: 'POLLING' | 'FANOUT' | 'DEFAULT' | undefined;
  /** How many Kinesis records one read brings at most (polling). @defaultValue 1000 */
  readonly maxRecords?: number | undefined;
  /** The same as `maxRecords`. */
  readonly 'pollingConfig.maxRecords'?: number | undefined;
  /** The pause between two reads of a shard (polling); KCL raises smaller values to 200. @defaultValue 1500 */
  readonly idleTimeBetweenReadsInMillis?: number | undefined;
  /** The same as `idleTimeBetweenReadsInMillis`. */
  readonly 'pollingConfig.idleTimeBetweenReadsInMillis'?: number | undefined;
  /** Reads less often while a shard lags less than this (polling); 0 turns it off. @defaultValue 0 */
  readonly millisBehindLatestThresholdForReducedTps?: number | undefined;
  /** The same as `millisBehindLatestThresholdForReducedTps`. */
  readonly 'pollingConfig.millisBehindLatestThresholdForReducedTps'?: number | undefined;
  /** Repeats a read that takes longer than this (polling). */
  readonly retryGetRecordsInSeconds?: number | undefined;
  /** The same as `retryGetRecordsInSeconds`. */
  readonly 'pollingConfig.retryGetRecordsInSeconds'?: number | undefined;
  /** How many threads repeat slow reads (polling). */
  readonly maxGetRecordsThreadPool?: number | undefined;
  /** The same as `maxGetRecordsThreadPool`. */
  readonly 'pollingConfig.maxGetRecordsThreadPool'?: number | undefined;
  /** A registered fan-out consumer (fan-out). */
  readonly 'fanoutConfig.consumerArn'?: string | undefined;
  /**
   * The name under which a fan-out consumer is registered; a stream takes 20 of them (fan-out).
   * @defaultValue applicationName
   */
  readonly 'fanoutConfig.consumerName'?: string | undefined;
  /** Attempts at DescribeStreamSummary (fan-out). @defaultValue 10 */
  readonly 'fanoutConfig.maxDescribeStreamSummaryRetries'?: number | undefined;
  /** Attempts at DescribeStreamConsumer (fan-out). @defaultValue 10 */
  readonly 'fanoutConfig.maxDescribeStreamConsumerRetries'?: number | undefined;
  /** Attempts at RegisterStreamConsumer (fan-out). @defaultValue 10 */
  readonly 'fanoutConfig.registerStreamConsumerRetries'?: number | undefined;
  /** The pause between those attempts (fan-out). @defaultValue 1000 */
  readonly 'fanoutConfig.retryBackoffMillis'?: number | undefined;
  /**
   * Empty batches of an idle shard arrive too, as a heartbeat to checkpoint in; they reach no handler.
   * @defaultValue true
   */
  readonly callProcessRecordsEvenForEmptyRecordList?: boolean | undefined;
  /** How long a lease lives without being renewed; it is renewed every third of this. @defaultValue 10000 */
  readonly failoverTimeMillis?: number | undefined;
  /**
   * How often the leader looks at all leases and assigns those without an owner; each look is a scan of the lease
   * table.
   * @defaultValue 5000
   */
  readonly leaseAssignmentIntervalMillis?: number | undefined;
  /** Assigns leases that expired long ago first. @defaultValue true */
  readonly enablePriorityLeaseAssignment?: boolean | undefined;
  /** Creates the lease table with deletion protection. @defaultValue false */
  readonly leaseTableDeletionProtectionEnabled?: boolean | undefined;
  /** Creates the lease table with point-in-time recovery. @defaultValue false */
  readonly leaseTablePitrEnabled?: boolean | undefined;
  /**
   * How long an application sleeps after its very first look at the shards; of little effect later.
   * @defaultValue 1000
   */
  readonly shardSyncIntervalMillis?: number | undefined;
  /** Deletes the lease of a shard that was read to its end. @defaultValue true */
  readonly cleanupLeasesUponShardCompletion?: boolean | undefined;
  /** Goes on when the list of shards has children of shards that are still open. @defaultValue false */
  readonly ignoreUnexpectedChildShards?: boolean | undefined;
  /** How many shards this worker takes at most: the right way to bound its load. @defaultValue 2147483647 */
  readonly maxLeasesForWorker?: number | undefined;
  /**
   * How many leases a worker takes from another at once; only while in the mode compatible with KCL 2.
   * @defaultValue 1
   */
  readonly maxLeasesToStealAtOneTime?: number | undefined;
  /** Read capacity of the lease table. @defaultValue 10 @deprecated The lease table is always on demand. */
  readonly initialLeaseTableReadCapacity?: number | undefined;
  /** Write capacity of the lease table. @defaultValue 10 @deprecated The lease table is always on demand. */
  readonly initialLeaseTableWriteCapacity?: number | undefined;
  /** How many threads renew leases. @defaultValue 20 */
  readonly maxLeaseRenewalThreads?: number | undefined;
  /** The pause after a failed ListShards. @defaultValue 1500 */
  readonly listShardsBackoffTimeInMillis?: number | undefined;
  /** Attempts at ListShards. @defaultValue 50 */
  readonly maxListShardsRetryAttempts?: number | undefined;
  /** How often a child shard looks whether its parents were read to their end. @defaultValue 10000 */
  readonly parentShardPollIntervalMillis?: number | undefined;
  /** Does not look for shards at start when there are leases. @defaultValue false */
  readonly skipShardSyncAtWorkerInitializationIfLeasesExist?: boolean | undefined;
  /** The pause between the 20 attempts of a daemon to start. @defaultValue 1000 */
  readonly schedulerInitializationBackoffTimeMillis?: number | undefined;
  /**
   * Lets workers of KCL 2 and 3 share an application while it is being upgraded.
   * @defaultValue CLIENT_VERSION_CONFIG_3X
   */
  readonly clientVersionConfig?: 'CLIENT_VERSION_CONFIG_3X' | 'CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X' | undefined;
  /** Asks the owner of a shard to finish before its lease moves to another worker. @defaultValue true */
  readonly isGracefulLeaseHandoffEnabled?: boolean | undefined;
  /** The same as `isGracefulLeaseHandoffEnabled`. */
  readonly 'gracefulLeaseHandoffConfigBean.isGracefulLeaseHandoffEnabled'?: boolean | undefined;
  /** How long the owner has to finish; then the lease moves under the running handler. @defaultValue 30000 */
  readonly gracefulLeaseHandoffTimeoutMillis?: number | undefined;
  /** The same as `gracefulLeaseHandoffTimeoutMillis`. */
  readonly 'gracefulLeaseHandoffConfigBean.gracefulLeaseHandoffTimeoutMillis'?: number | undefined;
  /** The pause after a failed task of a shard. @defaultValue 500 */
  readonly taskBackoffTimeMillis?: number | undefined;
  /**
   * Logs a task of a shard that takes longer than this: the only sign the daemon gives of a shard that stands
   * still.
   * @defaultValue 60000
   */
  readonly logWarningForTaskAfterMillis?: number | undefined;
  /** How much goes to CloudWatch; DETAILED costs one set of metrics per shard. @defaultValue SUMMARY */
  readonly metricsLevel?: 'NONE' | 'SUMMARY' | 'DETAILED' | undefined;
  /** How long metrics are gathered before they are sent. @defaultValue 10000 */
  readonly metricsBufferTimeMillis?: number | undefined;
  /** How many metrics wait to be sent at most. @defaultValue 10000 */
  readonly metricsMaxQueueSize?: number | undefined;
  /** The CloudWatch dimensions in use: ALL, Operation, ShardId, WorkerIdentifier. @defaultValue ALL */
  readonly metricsEnabledDimensions?: readonly string[] | undefined;
  /** How often a worker measures its own load. @defaultValue 1000 */
  readonly inMemoryWorkerMetricsCaptureFrequencyMillis?: number | undefined;
  /** The same as `inMemoryWorkerMetricsCaptureFrequencyMillis`. */
  readonly 'workerUtilizationAwareAssignmentConfigBean.inMemoryWorkerMetricsCaptureFrequencyMillis'?:
    | number
    | undefined;
  /** How often a worker writes its load to its table. @defaultValue 30000 */
  readonly workerMetricsReporterFreqInMillis?: number | undefined;
  /** The same as `workerMetricsReporterFreqInMillis`. */
  readonly 'workerUtilizationAwareAssignmentConfigBean.workerMetricsReporterFreqInMillis'?: number | undefined;
  /** How many measurements are kept per worker. @defaultValue 10 */
  readonly noOfPersistedMetricsPerWorkerMetrics?: number | undefined;
  /** The same as `noOfPersistedMetricsPerWorkerMetrics`. */
  readonly 'workerUtilizationAwareAssignmentConfigBean.noOfPersistedMetricsPerWorkerMetrics'?: number | undefined;
  /**
   * Balances by throughput alone; set it where the load of a container cannot be measured.
   * @defaultValue false
   */
  readonly disableWorkerMetrics?: boolean | undefined;
  /** The same as `disableWorkerMetrics`. */
  readonly 'workerUtilizationAwareAssignmentConfigBean.disableWorkerMetrics'?: boolean | undefined;
  /** How much throughput is assigned to one worker at most, in KB per second. @defaultValue unlimited */
  readonly maxThroughputPerHostKBps?: number | undefined;
  /** The same as `maxThroughputPerHostKBps`. */
  readonly 'workerUtilizationAwareAssignmentConfigBean.maxThroughputPerHostKBps'?: number | undefined;
  /** How much of an imbalance one assignment evens out. @defaultValue 60 */
  readonly dampeningPercentage?: number | undefined;
  /** The same as `dampeningPercentage`. */
  readonly 'workerUtilizationAwareAssignmentConfigBean.dampeningPercentage'?: number | undefined;
  /** How far a worker may be from the average load. @defaultValue 10 */
  readonly reBalanceThresholdPercentage?: number | undefined;
  /** The same as `reBalanceThresholdPercentage`. */
  readonly 'workerUtilizationAwareAssignmentConfigBean.reBalanceThresholdPercentage'?: number | undefined;
  /**
   * Moves a lease although it evens out more than was wanted, when no smaller one is there.
   * @defaultValue true
   */
  readonly allowThroughputOvershoot?: boolean | undefined;
  /** The same as `allowThroughputOvershoot`. */
  readonly 'workerUtilizationAwareAssignmentConfigBean.allowThroughputOvershoot'?: boolean | undefined;
  /** Balances at every n-th assignment. @defaultValue 3 */
  readonly varianceBalancingFrequency?: number | undefined;
  /** The same as `varianceBalancingFrequency`. */
  readonly 'workerUtilizationAwareAssignmentConfigBean.varianceBalancingFrequency'?: number | undefined;
  /** How much the newest measurement weighs in the average. @defaultValue 0.5 */
  readonly workerMetricsEMAAlpha?: number | undefined;
  /** The same as `workerMetricsEMAAlpha`. */
  readonly 'workerUtilizationAwareAssignmentConfigBean.workerMetricsEMAAlpha'?: number | undefined;
  /** When the measurements of a worker that is gone are deleted. @defaultValue P1D */
  readonly staleWorkerMetricsEntryCleanupDuration?: string | undefined;
  /** The same as `staleWorkerMetricsEntryCleanupDuration`. */
  readonly 'workerUtilizationAwareAssignmentConfigBean.staleWorkerMetricsEntryCleanupDuration'?: string | undefined;
  /** The name of the lease table. @defaultValue applicationName */
  readonly tableName?: string | undefined;
  /**
   * The name of the coordinator table.
   * @defaultValue applicationName + -CoordinatorState
   * @deprecated KCL 3.5 keeps everything in the lease table.
   */
  readonly coordinatorStateTableName?: string | undefined;
  /** The same as `coordinatorStateTableName`. */
  readonly 'coordinatorStateTableConfigBean.coordinatorStateTableName'?: string | undefined;
  /**
   * How the coordinator table is billed.
   * @defaultValue PAY_PER_REQUEST
   * @deprecated KCL 3.5 keeps everything in the lease table.
   */
  readonly coordinatorStateBillingMode?: 'PAY_PER_REQUEST' | 'PROVISIONED' | undefined;
  /** The same as `coordinatorStateBillingMode`. */
  readonly 'coordinatorStateTableConfigBean.coordinatorStateBillingMode'?:
    | 'PAY_PER_REQUEST'
    | 'PROVISIONED'
    | undefined;
  /**
   * Provisioned read capacity of the coordinator table.
   * @deprecated KCL 3.5 keeps everything in the lease table.
   */
  readonly coordinatorStateReadCapacity?: number | undefined;
  /** The same as `coordinatorStateReadCapacity`. */
  readonly 'coordinatorStateTableConfigBean.coordinatorStateReadCapacity'?: number | undefined;
  /**
   * Provisioned write capacity of the coordinator table.
   * @deprecated KCL 3.5 keeps everything in the lease table.
   */
  readonly coordinatorStateWriteCapacity?: number | undefined;
  /** The same as `coordinatorStateWriteCapacity`. */
  readonly 'coordinatorStateTableConfigBean.coordinatorStateWriteCapacity'?: number | undefined;
  /**
   * Creates the coordinator table with point-in-time recovery.
   * @defaultValue false
   * @deprecated KCL 3.5 keeps everything in the lease table.
   */
  readonly coordinatorStatePointInTimeRecoveryEnabled?: boolean | undefined;
  /** The same as `coordinatorStatePointInTimeRecoveryEnabled`. */
  readonly 'coordinatorStateTableConfigBean.coordinatorStatePointInTimeRecoveryEnabled'?: boolean | undefined;
  /**
   * Creates the coordinator table with deletion protection.
   * @defaultValue false
   * @deprecated KCL 3.5 keeps everything in the lease table.
   */
  readonly coordinatorStateDeletionProtectionEnabled?: boolean | undefined;
  /** The same as `coordinatorStateDeletionProtectionEnabled`. */
  readonly 'coordinatorStateTableConfigBean.coordinatorStateDeletionProtectionEnabled'?: boolean | undefined;
  /** Tags of the coordinator table. @deprecated KCL 3.5 keeps everything in the lease table. */
  readonly coordinatorStateTags?: Readonly<Record<string, string>> | undefined;
  /** The same as `coordinatorStateTags`. */
  readonly 'coordinatorStateTableConfigBean.coordinatorStateTags'?: Readonly<Record<string, string>> | undefined;
  /**
   * The name of the worker metrics table.
   * @defaultValue applicationName + -WorkerMetricStats
   * @deprecated KCL 3.5 keeps everything in the lease table.
   */
  readonly workerMetricsTableName?: string | undefined;
  /** The same as `workerMetricsTableName`. */
  readonly 'workerMetricStatsTableConfigBean.workerMetricsTableName'?: string | undefined;
  /**
   * How the worker metrics table is billed.
   * @defaultValue PAY_PER_REQUEST
   * @deprecated KCL 3.5 keeps everything in the lease table.
   */
  readonly workerMetricsBillingMode?: 'PAY_PER_REQUEST' | 'PROVISIONED' | undefined;
  /** The same as `workerMetricsBillingMode`. */
  readonly 'workerMetricStatsTableConfigBean.workerMetricsBillingMode'?: 'PAY_PER_REQUEST' | 'PROVISIONED' | undefined;
  /**
   * Provisioned read capacity of the worker metrics table.
   * @deprecated KCL 3.5 keeps everything in the lease table.
   */
  readonly workerMetricsReadCapacity?: number | undefined;
  /** The same as `workerMetricsReadCapacity`. */
  readonly 'workerMetricStatsTableConfigBean.workerMetricsReadCapacity'?: number | undefined;
  /**
   * Provisioned write capacity of the worker metrics table.
   * @deprecated KCL 3.5 keeps everything in the lease table.
   */
  readonly workerMetricsWriteCapacity?: number | undefined;
  /** The same as `workerMetricsWriteCapacity`. */
  readonly 'workerMetricStatsTableConfigBean.workerMetricsWriteCapacity'?: number | undefined;
  /**
   * Creates the worker metrics table with point-in-time recovery.
   * @defaultValue false
   * @deprecated KCL 3.5 keeps everything in the lease table.
   */
  readonly workerMetricsPointInTimeRecoveryEnabled?: boolean | undefined;
  /** The same as `workerMetricsPointInTimeRecoveryEnabled`. */
  readonly 'workerMetricStatsTableConfigBean.workerMetricsPointInTimeRecoveryEnabled'?: boolean | undefined;
  /**
   * Creates the worker metrics table with deletion protection.
   * @defaultValue false
   * @deprecated KCL 3.5 keeps everything in the lease table.
   */
  readonly workerMetricsDeletionProtectionEnabled?: boolean | undefined;
  /** The same as `workerMetricsDeletionProtectionEnabled`. */
  readonly 'workerMetricStatsTableConfigBean.workerMetricsDeletionProtectionEnabled'?: boolean | undefined;
  /** Tags of the worker metrics table. @deprecated KCL 3.5 keeps everything in the lease table. */
  readonly workerMetricsTags?: Readonly<Record<string, string>> | undefined;
  /** The same as `workerMetricsTags`. */
  readonly 'workerMetricStatsTableConfigBean.workerMetricsTags'?: Readonly<Record<string, string>> | undefined;
};
