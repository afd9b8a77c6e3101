import { boxedInteger, count, flag, millis, propertyGroup, text } from '../property-spec.js';

export const IDENTITY = propertyGroup('identity', [
  { name: 'streamName', type: { kind: 'streamName' }, effect: 'The stream to read.', sensitivity: 'identifies' },
  {
    name: 'streamArn',
    type: { kind: 'streamArn' },
    effect: 'The stream to read, by ARN; KCL keeps only its name, so the account is the one of the credentials.',
    sensitivity: 'identifies',
  },
  {
    name: 'applicationName',
    type: { kind: 'applicationName' },
    effect:
      'Names the lease table, the CloudWatch namespace and the fan-out consumer: workers with the same name share the shards.',
    sensitivity: 'identifies',
  },
  {
    name: 'workerId',
    type: text,
    kcl: 'a random UUID',
    effect: 'Names this worker in the lease table; two live workers must never share one.',
    aliases: ['workerIdentifier'],
    sensitivity: 'identifies',
  },
  {
    name: 'executableName',
    type: text,
    effect: 'The command that the daemon starts for every shard.',
    handling: { kind: 'sets', why: 'Millrace starts the processes of the shards itself.' },
  },
  {
    name: 'processingLanguage',
    type: text,
    effect: 'A note for the log.',
    handling: { kind: 'accepts', when: 'always', why: 'KCL 3 logs it and does nothing with it.' },
    deprecated: 'KCL 3 does nothing with it.',
  },
  {
    name: 'maxActiveThreads',
    type: count({ min: 0 }),
    kcl: '0',
    effect:
      'A fixed number of daemon threads; 0 takes as many as are needed. A fixed pool that is too small stands still for ever.',
  },
  {
    name: 'shutdownGraceMillis',
    type: millis({ min: 1000 }),
    kcl: '0',
    ours: '25000',
    effect: 'How long a stopping daemon waits for its shards; with the 0 of KCL they are never asked to shut down.',
  },
  {
    name: 'timeoutInSeconds',
    type: boxedInteger('seconds'),
    effect:
      'Halts the whole daemon, without an orderly shutdown, when one message of one shard is not answered in this time.',
  },
  {
    name: 'validateSequenceNumberBeforeCheckpointing',
    type: flag,
    ours: 'true',
    effect: 'Checks that a checkpoint lies in the range of what was delivered before it is sent.',
    handling: { kind: 'carriesOut', why: 'KCL 3 ignores it, so Millrace checks the range itself.' },
  },
  {
    name: 'shardPrioritization',
    type: text,
    effect: 'The order in which shards are taken, as a Java object.',
    handling: { kind: 'refuses', why: 'It takes a Java object, which a properties file cannot give.' },
  },
]);
