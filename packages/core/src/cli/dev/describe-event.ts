/** Events as lines for people: what is worth a line, and its words. */
import type { PlainSessionEvent } from '../../runtime/plain-event.js';
import type { ConsumerFacts, DevEvent } from './dev-events.js';
import { formatCheckpoint, formatDuration, formatShard } from './format-values.js';
import { applicationOf } from './live-view.js';
import { putCommand } from './put-hint.js';

/** What the words depend on beside the event. */
export interface Wording {
  /** `npx millrace` in a project. */
  readonly command: string;
  /** Given on the command line; repeated where the user has to give it again. */
  readonly region: string | undefined;
}

/** Remembers what the words depend on: the goodbye of a session means something else when it was asked for. */
export class Narrator {
  private ending = false;
  private introduced: string | undefined;
  private severalConsumers = false;

  constructor(private readonly wording: Wording) {}

  /** Undefined for events that need no line. The text may have several lines; none ends it. */
  tell(event: DevEvent): string | undefined {
    if (event.kind === 'workerStarted') this.ending = false;
    if (event.kind === 'stopping' || event.kind === 'fileChanged') this.ending = true;
    if (event.kind === 'session' && this.ending && isGoodbye(event.event)) return undefined;
    if (event.kind === 'session') return describeSession(event.event, this.severalConsumers);
    const text = describeDevEvent(event, this.wording);
    // A worker that was restarted is introduced again only when it reads something else.
    if (event.kind !== 'consumersLoaded') return text;
    this.severalConsumers = event.consumers.length > 1;
    const known = text === this.introduced;
    this.introduced = text;
    return known ? undefined : text;
  }
}

/** The local engine takes the leases back when it ends. */
function isGoodbye(event: PlainSessionEvent): boolean {
  return event.kind === 'leaseDoubt' || (event.kind === 'sessionEnded' && event.abandoned === 0);
}

function describeDevEvent(event: Exclude<DevEvent, { kind: 'session' }>, wording: Wording): string | undefined {
  switch (event.kind) {
    case 'emulatorStarted':
      return `Embedded Kinesis at ${event.endpoint}; what it holds is gone when this command ends.`;
    case 'dynamoDbStarted':
      return `DynamoDB Local at ${event.endpoint}, for the leases; they are gone when this command ends.`;
    case 'makingArchive':
      return "Making the archive of the daemon's classes, once for this Java; every start takes half the time then.";
    case 'archiveFailed':
      return event.why;
    case 'consumersLoaded':
      return event.consumers.map(describeConsumer).join('\n') + putHints(event.consumers, wording);
    case 'streamReady':
      return event.made === 'created' ? `Created stream ${event.stream}.` : undefined;
    case 'eventsDropped':
      return `${event.count} events were not shown: they came faster than they could be told.`;
    case 'workerFailed':
      return event.text.trimEnd();
    case 'workerEnded':
      return describeEnd(event.exitCode, event.signal);
    case 'fileChanged':
      return `${event.file} has changed: the worker ends in order and starts again.`;
    case 'waitingForChange':
      return 'The worker is not running. It starts again when a file changes; Ctrl-C ends.';
    case 'stopping':
      return `${event.why}: handlers that run may finish, then the checkpoint is written. A second Ctrl-C does not wait.`;
    case 'killed':
      return `The worker was killed: ${event.why}. Records that were not checkpointed come again.`;
    case 'workerStarted':
    case 'tablesReady':
    case 'workerRunning':
      return undefined;
    default:
      return event satisfies never;
  }
}

function describeConsumer({ consumer, applicationName, stream, endpoint }: ConsumerFacts): string {
  return `${consumer} reads stream ${stream} at ${endpoint ?? 'AWS'} as application ${applicationName}.`;
}

function putHints(consumers: readonly ConsumerFacts[], { command, region }: Wording): string {
  const streams = new Map(consumers.map((consumer) => [`${consumer.stream} ${consumer.endpoint}`, consumer]));
  const hints = [...streams.values()].flatMap(({ stream, endpoint }) =>
    endpoint === undefined ? [] : [`\nTo send records:\n  ${putCommand({ command, stream, endpoint, region })}`],
  );
  return hints.join('');
}

function describeEnd(exitCode: number | undefined, signal: string | undefined): string | undefined {
  if (exitCode === 0) return undefined;
  return exitCode === undefined
    ? `The worker was ended by ${signal ?? 'an unknown signal'}.`
    : `The worker ended with exit code ${exitCode}.`;
}

/** What a person wants to know at once; counts and positions are in the table or in the summaries. */
function describeSession(event: PlainSessionEvent, severalConsumers: boolean): string | undefined {
  // Shards of two streams can have the same id.
  const shard = `${severalConsumers ? `${applicationOf(event.sessionId)} ` : ''}${formatShard(event.shardId)}`;
  switch (event.kind) {
    case 'sessionStarted':
      return `${shard}: starts ${startOf(event.sequenceNumber)}.`;
    case 'held':
      return `${shard}: HELD at ${event.recordId ?? 'no record'}: ${event.why} (${event.error.message})`;
    case 'released':
      return `${shard}: released${event.recordId === undefined ? '' : ` at ${event.recordId}`}.`;
    case 'ordered':
      return `${shard}: an operator has ordered ${event.order} for ${event.recordId}.`;
    case 'stuck':
      return `${shard}: ${event.handler} has not come back for ${formatDuration(event.runningMs)} and does not heed its signal.`;
    case 'checkpointAnswered':
      return event.error === undefined
        ? undefined
        : `${shard}: checkpoint ${formatCheckpoint(event.target)} failed: ${event.error}.`;
    case 'circuitBreaker':
      return `${shard}: the circuit breaker is ${event.state === 'halfOpen' ? 'half open' : event.state}.`;
    case 'leaseDoubt':
      return `${shard}: the lease is in doubt: ${event.why}.`;
    case 'sessionEnded':
      return `${shard}: ended (${event.why})${event.abandoned === 0 ? '' : `, ${event.abandoned} records come again`}.`;
    case 'windowEmitted':
      return `${shard}: window of ${new Date(event.startMs).toISOString()}, ${event.records} records, ${event.how === 'handled' ? 'emitted' : event.how}.`;
    case 'sessionReady':
    case 'delivered':
    case 'acknowledged':
    case 'progress':
    case 'checkpointRequested':
    case 'draining':
    case 'handlerStarted':
    case 'handlerEnded':
    case 'retryScheduled':
    case 'recordSettled':
    case 'recordAbsorbed':
    case 'recordDeferred':
    case 'recordAbandoned':
      return undefined;
    default:
      return event satisfies never;
  }
}

function startOf(sequenceNumber: string | undefined): string {
  if (sequenceNumber === undefined) return 'at an unknown position';
  if (/^\d+$/.test(sequenceNumber)) return `after ${formatCheckpoint({ sequenceNumber, subSequenceNumber: 0 })}`;
  return `at ${sequenceNumber}`;
}
