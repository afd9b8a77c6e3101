/** Settings that cannot work together, each explained, and combinations that deserve a word. */
import { acksAhead, gatheringHandler } from '../definition/acks-ahead.js';
import type { ConsumerDefinition } from '../definition/definition.js';
import type { Effective, EffectiveProperties } from './effective.js';
import type { Findings } from './issues.js';
import { findOption } from './millrace-options.js';

export interface CombinationContext {
  readonly definition: ConsumerDefinition;
  readonly effective: EffectiveProperties;
  /** Our own, without those that nobody set. */
  readonly options: EffectiveProperties;
  /** How many shards the stream has, when somebody looked. */
  readonly shardCount: number | undefined;
  readonly findings: Findings;
}

export function checkCombinations(context: CombinationContext): void {
  checkHeartbeat(context);
  checkMaxItems(context);
  checkThreads(context);
  checkTimeout(context);
  checkRetrieval(context);
  checkClients(context);
  checkProvisioned(context);
}

/** What was said and where, for a message. */
function said(name: string, value: Pick<Effective, 'text' | 'source'>): string {
  return `${name} = ${value.text} (${value.source})`;
}

/** Between two batches nothing can be written: without the heartbeat an idle shard's last records are never checkpointed. */
function checkHeartbeat({ definition, effective, findings }: CombinationContext): void {
  const name = 'callProcessRecordsEvenForEmptyRecordList';
  const heartbeat = effective.get(name);
  if (heartbeat === undefined || heartbeat.text === 'true') return;
  const why = needOfHeartbeat(definition);
  if (why === undefined) return;
  const otherPolicy = needsItWhateverThePolicy(definition) ? '' : ", or use @CheckpointPolicy('record') or ('batch')";
  findings.issue('ILLEGAL_COMBINATION', name, `${said(name, heartbeat)}: ${why}. Leave it true${otherPolicy}.`);
}

function needsItWhateverThePolicy(definition: ConsumerDefinition): boolean {
  return acksAhead(definition) || definition.handlers.some(({ kind }) => kind === 'window');
}

function needOfHeartbeat(definition: ConsumerDefinition): string | undefined {
  const { checkpoint, concurrency, handlers } = definition;
  const late = 'lets records settle after their batch was acknowledged, and needs the heartbeat to write them down';
  if (concurrency !== undefined) return `@Concurrency ${late}`;
  if (gatheringHandler(handlers) !== undefined) return `maxWaitMs ${late}`;
  if (handlers.some(({ kind }) => kind === 'window'))
    return '@OnWindow closes the last window of an idle shard when an empty batch says that nothing more has come';
  if (checkpoint.kind === 'manual') return `@CheckpointPolicy('manual') ${late}`;
  if (checkpoint.kind === 'periodic' && checkpoint.everyMs !== undefined)
    return `@CheckpointPolicy({ everyMs: ${checkpoint.everyMs} }) needs the heartbeat of an idle shard to write in`;
  return undefined;
}

/** A batch that the window has no room for would never come together. */
function checkMaxItems({ definition, options, findings }: CombinationContext): void {
  const text = findOption('maxInFlight')?.default ?? '';
  const maxInFlight = options.get('maxInFlight') ?? { text, source: 'default' };
  for (const handler of definition.handlers) {
    if (handler.kind !== 'batch' || handler.maxItems === undefined) continue;
    if (handler.maxItems <= Number(maxInFlight.text)) continue;
    findings.issue(
      'ILLEGAL_COMBINATION',
      'maxInFlight',
      `${said('maxInFlight', maxInFlight)} is less than maxItems of ${handler.name} (${handler.maxItems}), so that many items never come together. Lower maxItems, or raise maxInFlight.`,
    );
  }
}

const THREADS_PER_SHARD = 3;

function checkThreads({ effective, shardCount, findings }: CombinationContext): void {
  const threads = effective.get('maxActiveThreads');
  if (threads === undefined || threads.text === '0') return;
  const leases = effective.get('maxLeasesForWorker');
  const shards = Math.min(shardCount ?? Infinity, leases === undefined ? Infinity : Number(leases.text));
  const needed = 1 + THREADS_PER_SHARD * (Number.isFinite(shards) ? shards : 1);
  const available = Number(threads.text);
  if (available < needed) {
    const many = Number.isFinite(shards) ? `${shards} ${shards === 1 ? 'shard' : 'shards'}` : 'a single shard';
    findings.issue(
      'ILLEGAL_COMBINATION',
      'maxActiveThreads',
      `${said('maxActiveThreads', threads)} is too small: the daemon needs 1 + ${THREADS_PER_SHARD} threads per shard, ${needed} for ${many}, and stands still for ever without them. Take it out, and bound the load with maxLeasesForWorker.`,
    );
  } else if (leases === undefined) {
    const enoughFor = Math.floor((available - 1) / THREADS_PER_SHARD);
    findings.notice(
      'FIXED_THREAD_POOL',
      `${said('maxActiveThreads', threads)} serves ${enoughFor} shards at most, and none when more are assigned. Take it out, or set maxLeasesForWorker to ${enoughFor}.`,
    );
  }
}

/** A run that has used up its time is given this long before it counts as stuck. */
const STUCK_AFTER_MS = 5000;

function checkTimeout({ definition, effective, findings }: CombinationContext): void {
  const timeout = effective.get('timeoutInSeconds');
  if (timeout === undefined) return;
  const policies = [definition.retry, ...definition.handlers.map((handler) => handler.retry)];
  const longestMs = Math.max(...policies.map((policy) => policy?.timeoutMs ?? 0));
  if (Number(timeout.text) * 1000 <= longestMs + STUCK_AFTER_MS) {
    const least = Math.floor((longestMs + STUCK_AFTER_MS) / 1000) + 1;
    findings.issue(
      'ILLEGAL_COMBINATION',
      'timeoutInSeconds',
      `${said('timeoutInSeconds', timeout)} halts the whole daemon while one handler may still run: @RetryPolicy gives it ${longestMs} ms. Take it out, write ${least} or more, or lower timeoutMs.`,
    );
    return;
  }
  findings.notice(
    'TIMEOUT_HALTS_DAEMON',
    `${said('timeoutInSeconds', timeout)} halts the whole daemon, without an orderly shutdown, when one batch of one shard takes longer; a held record always does. Take it out unless you want that.`,
  );
}

const POLLING_ONLY: ReadonlySet<string> = new Set([
  'maxRecords',
  'idleTimeBetweenReadsInMillis',
  'millisBehindLatestThresholdForReducedTps',
  'retryGetRecordsInSeconds',
  'maxGetRecordsThreadPool',
]);

/** A property of the mode that is not in use is taken out; Millrace's own default goes silently. */
function checkRetrieval({ effective, findings }: CombinationContext): void {
  const mode = effective.get('retrievalMode')?.text;
  for (const [name, value] of [...effective]) {
    const other = mode === 'FANOUT' ? POLLING_ONLY.has(name) : mode === 'POLLING' && name.startsWith('fanoutConfig.');
    if (!other) continue;
    effective.delete(name);
    if (value.origin !== 'millrace')
      findings.notice('OTHER_RETRIEVAL_MODE', `${said(name, value)} has no effect, because retrievalMode is ${mode}.`);
  }
}

const CLIENTS = ['kinesisClient', 'dynamoDbClient', 'cloudWatchClient'] as const;
const CREDENTIALS = [
  ['AwsCredentialsProvider', 'kinesisCredentialsProvider'],
  ['AwsCredentialsProviderDynamoDB', 'dynamoDBCredentialsProvider'],
  ['AwsCredentialsProviderCloudWatch', 'cloudWatchCredentialsProvider'],
] as const;

/** Two ways to say one thing: the daemon reads its file in hash order, so chance would decide. */
function checkClients(context: CombinationContext): void {
  for (const client of CLIENTS) refusePair('regionName', `${client}.region`, context);
  refusePair('kinesisEndpoint', 'kinesisClient.endpointOverride', context);
  refusePair('dynamoDBEndpoint', 'dynamoDbClient.endpointOverride', context);
  for (const [simple, prefix] of CREDENTIALS) {
    const built = [...context.effective.keys()].find((name) => name.startsWith(`${prefix}.`));
    if (built === undefined) continue;
    // The builder form is enough for the daemon, so our default steps aside.
    if (context.effective.get(simple)?.origin === 'millrace') context.effective.delete(simple);
    else refusePair(simple, built, context);
  }
}

function refusePair(left: string, right: string, { effective, findings }: CombinationContext): void {
  const [first, second] = [effective.get(left), effective.get(right)];
  if (first === undefined || second === undefined) return;
  findings.issue(
    'ILLEGAL_COMBINATION',
    right,
    `${said(left, first)} and ${said(right, second)} set the same thing, and chance decides in the daemon. Keep one.`,
  );
}

function checkProvisioned({ effective, findings }: CombinationContext): void {
  for (const table of ['coordinatorState', 'workerMetrics']) {
    const mode = effective.get(`${table}BillingMode`);
    if (mode?.text !== 'PROVISIONED') continue;
    for (const name of [`${table}ReadCapacity`, `${table}WriteCapacity`]) {
      if (effective.has(name)) continue;
      findings.issue(
        'ILLEGAL_COMBINATION',
        name,
        `${said(`${table}BillingMode`, mode)} needs ${name}. Give it a number, or leave the table on demand.`,
      );
    }
  }
}
