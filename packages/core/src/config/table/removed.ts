/** Names that people still have in their files although the daemon of KCL 3 has no such property, and what to do instead. */
export const REMOVED_PROPERTIES: ReadonlyMap<string, string> = new Map([
  ['billingMode', 'The lease table is always on demand; remove it.'],
  ['commonClientConfig', 'Set single builder methods instead, for example kinesisClient.region.'],
  ['dataFetchingStrategy', 'KCL 3 always reads ahead; remove it.'],
  ['gracefulShutdownCoordinator', 'It takes a Java object, which a properties file cannot give; remove it.'],
  ['maxCacheByteSize', 'The read-ahead cache is not configurable; lower maxRecords instead.'],
  [
    'maxInitializationAttempts',
    'The daemon always tries 20 times; set schedulerInitializationBackoffTimeMillis to change the pause.',
  ],
  ['maxPendingProcessRecordsInput', 'The read-ahead cache is not configurable; lower maxRecords instead.'],
  ['maxRecordsCount', 'The read-ahead cache is not configurable; lower maxRecords instead.'],
  ['metricsNamespace', 'The namespace is always applicationName; remove it.'],
  ['recordsFetcherFactory', 'It takes a Java object, which a properties file cannot give; remove it.'],
  ['shardConsumerDispatchPollIntervalMillis', 'It cannot be set from a properties file; remove it.'],
  ['userAgent', 'It cannot be set from a properties file; remove it.'],
]);
