import { boxedInteger, count, flag, millis, oneOf, propertyGroup, text } from '../property-spec.js';

export const RETRIEVAL = propertyGroup('retrieval', [
  {
    name: 'initialPositionInStream',
    type: { kind: 'position' },
    kcl: 'LATEST',
    ours: 'TRIM_HORIZON',
    effect:
      'Where a shard without a lease starts: the oldest record, the newest, or a moment. Children of a reshard always start at their oldest.',
  },
  {
    name: 'initialPositionInStreamExtended',
    type: { kind: 'timestamp' },
    effect:
      'The moment at which a shard without a lease starts, in seconds since the epoch; takes the place of initialPositionInStream.',
  },
  {
    name: 'retrievalMode',
    type: oneOf(['POLLING', 'FANOUT', 'DEFAULT']),
    kcl: 'DEFAULT',
    ours: 'POLLING',
    effect: 'How records are read. KCL takes enhanced fan-out, which costs extra, unless a polling property is set.',
  },
  {
    name: 'maxRecords',
    type: count({ max: 10_000 }),
    kcl: '10000',
    ours: '1000',
    effect: 'How many Kinesis records one read brings at most (polling).',
    nestedIn: 'pollingConfig',
  },
  {
    name: 'idleTimeBetweenReadsInMillis',
    type: millis({ min: 200 }),
    kcl: '1500',
    effect: 'The pause between two reads of a shard (polling); KCL raises smaller values to 200.',
    nestedIn: 'pollingConfig',
  },
  {
    name: 'millisBehindLatestThresholdForReducedTps',
    type: millis({ min: 0 }),
    kcl: '0',
    effect: 'Reads less often while a shard lags less than this (polling); 0 turns it off.',
    nestedIn: 'pollingConfig',
  },
  {
    name: 'retryGetRecordsInSeconds',
    type: boxedInteger('seconds'),
    effect: 'Repeats a read that takes longer than this (polling).',
    nestedIn: 'pollingConfig',
  },
  {
    name: 'maxGetRecordsThreadPool',
    type: boxedInteger('count'),
    effect: 'How many threads repeat slow reads (polling).',
    nestedIn: 'pollingConfig',
  },
  {
    name: 'fanoutConfig.consumerArn',
    type: text,
    effect: 'A registered fan-out consumer (fan-out).',
    sensitivity: 'identifies',
  },
  {
    name: 'fanoutConfig.consumerName',
    type: text,
    kcl: 'applicationName',
    effect: 'The name under which a fan-out consumer is registered; a stream takes 20 of them (fan-out).',
    sensitivity: 'identifies',
  },
  {
    name: 'fanoutConfig.maxDescribeStreamSummaryRetries',
    type: count(),
    kcl: '10',
    effect: 'Attempts at DescribeStreamSummary (fan-out).',
  },
  {
    name: 'fanoutConfig.maxDescribeStreamConsumerRetries',
    type: count(),
    kcl: '10',
    effect: 'Attempts at DescribeStreamConsumer (fan-out).',
  },
  {
    name: 'fanoutConfig.registerStreamConsumerRetries',
    type: count(),
    kcl: '10',
    effect: 'Attempts at RegisterStreamConsumer (fan-out).',
  },
  {
    name: 'fanoutConfig.retryBackoffMillis',
    type: millis(),
    kcl: '1000',
    effect: 'The pause between those attempts (fan-out).',
  },
  {
    name: 'callProcessRecordsEvenForEmptyRecordList',
    type: flag,
    kcl: 'false',
    ours: 'true',
    effect: 'Empty batches of an idle shard arrive too, as a heartbeat to checkpoint in; they reach no handler.',
  },
]);
