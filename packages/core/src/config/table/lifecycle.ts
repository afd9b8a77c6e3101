import { boxedMillis, count, millis, oneOf, propertyGroup } from '../property-spec.js';

export const LIFECYCLE = propertyGroup('lifecycle', [
  { name: 'taskBackoffTimeMillis', type: millis(), kcl: '500', effect: 'The pause after a failed task of a shard.' },
  {
    name: 'logWarningForTaskAfterMillis',
    type: boxedMillis(),
    ours: '60000',
    effect:
      'Logs a task of a shard that takes longer than this: the only sign the daemon gives of a shard that stands still.',
  },
]);

export const METRICS = propertyGroup('metrics', [
  {
    name: 'metricsLevel',
    type: oneOf(['NONE', 'SUMMARY', 'DETAILED']),
    kcl: 'DETAILED',
    ours: 'SUMMARY',
    effect: 'How much goes to CloudWatch; DETAILED costs one set of metrics per shard.',
  },
  {
    name: 'metricsBufferTimeMillis',
    type: millis(),
    kcl: '10000',
    effect: 'How long metrics are gathered before they are sent.',
  },
  { name: 'metricsMaxQueueSize', type: count(), kcl: '10000', effect: 'How many metrics wait to be sent at most.' },
  {
    name: 'metricsEnabledDimensions',
    type: { kind: 'list' },
    kcl: 'ALL',
    effect: 'The CloudWatch dimensions in use: ALL, Operation, ShardId, WorkerIdentifier.',
  },
]);
