/** A history as text, one line for each thing that happened, the same in every run: for snapshots and for reading. */
import { isMillraceError, type SessionEvent } from '@millrace/core';
import type { DaemonMessage, WorkerLine } from '@millrace/core/internal';
import { HistoryNames, recordIdOf } from './history-names.js';
import type { HistoryEntry } from './history.js';

export interface TimelineOptions {
  /** Also what says nothing new: the runtime's own view of what the wire shows already. @defaultValue false */
  readonly everything?: boolean;
}

const TIME_WIDTH = 10;
const WHERE_WIDTH = 6;
const ERROR_CHARACTERS_MAX = 120;

/** The runtime's own view of messages that the wire shows. */
const ECHOES: ReadonlySet<SessionEvent['kind']> = new Set([
  'sessionStarted',
  'delivered',
  'acknowledged',
  'progress',
  'checkpointRequested',
  'checkpointAnswered',
]);

/** Records are `#1`, `#2`... in the order of their delivery; times are virtual milliseconds since the bed opened. */
export function timeline(entries: readonly HistoryEntry[], { everything = false }: TimelineOptions = {}): string {
  const names = new HistoryNames(entries);
  return entries
    .filter((entry) => everything || !isEcho(entry))
    .map((entry) => timelineLine(entry, names))
    .join('\n');
}

export function timelineLine(entry: HistoryEntry, names: HistoryNames): string {
  const time = `t+${entry.atMs}ms`.padEnd(TIME_WIDTH);
  return `${time} ${where(entry, names).padEnd(WHERE_WIDTH)} ${describe(entry, names)}`;
}

function isEcho(entry: HistoryEntry): boolean {
  if (entry.kind === 'handed') return true;
  if (entry.kind === 'event') return ECHOES.has(entry.event.kind);
  return entry.kind === 'daemonSent' && entry.message.kind === 'checkpoint' && entry.message.error === undefined;
}

function where(entry: HistoryEntry, names: HistoryNames): string {
  if (entry.kind === 'parked') return names.shard(entry.entry.shardId);
  return 'sessionId' in entry ? names.session(entry.sessionId) : names.shard(entry.shardId);
}

function describe(entry: HistoryEntry, names: HistoryNames): string {
  switch (entry.kind) {
    case 'event':
      return names.within(describeEvent(entry.event, names));
    case 'daemonSent':
      return `daemon: ${describeMessage(entry.message, entry.shardId, names)}`;
    case 'workerSent':
      return `worker: ${describeLine(entry.line, entry.shardId, names)}`;
    case 'misbehaved':
      return `worker misbehaved: ${entry.what} (${entry.detail})`;
    case 'handed':
      return `${names.record(entry.record.id)} handed to its handler`;
    case 'stored':
      return `store: checkpoint at ${names.target(entry.shardId, entry.target)}`;
    case 'parked':
      return `sink: ${names.record(entry.entry.id)} parked after ${times(entry.entry.attempts, 'attempt')}`;
    default:
      return entry satisfies never;
  }
}

function describeMessage(message: DaemonMessage, shardId: string, names: HistoryNames): string {
  switch (message.kind) {
    case 'initialize':
      return `initialize from ${wirePosition(message, shardId, names)}`;
    case 'processRecords': {
      const ids = message.records.map((record) => recordIdOf(shardId, record));
      return `processRecords ${ids.length === 0 ? 'without records' : names.records(ids)}`;
    }
    case 'checkpoint':
      return `checkpoint at ${wirePosition(message, shardId, names)} ${message.error === undefined ? 'done' : `failed: ${message.error}`}`;
    case 'shutdownRequested':
    case 'leaseLost':
    case 'shardEnded':
      return message.kind;
    default:
      return message satisfies never;
  }
}

function describeLine(line: WorkerLine, shardId: string, names: HistoryNames): string {
  switch (line.kind) {
    case 'status':
      return `status ${line.responseFor ?? 'for nothing'}`;
    case 'checkpoint':
      return `checkpoint at ${wirePosition(line, shardId, names)}`;
    case 'skipped':
      return `a line that the daemon skips, because ${line.why}`;
    case 'null':
      return 'the word null';
    default:
      return line satisfies never;
  }
}

function describeEvent(event: SessionEvent, names: HistoryNames): string {
  return 'partitionKey' in event
    ? `${names.record(event.recordId)} ${describeRecordEvent(event)}`
    : describeSessionEvent(event, names);
}

type RecordEvent = Extract<SessionEvent, { partitionKey: string }>;

function describeRecordEvent(event: RecordEvent): string {
  switch (event.kind) {
    case 'handlerStarted':
      return `${event.handler} started (attempt ${event.attempt})`;
    case 'handlerEnded':
      return `${event.handler} ${event.error === undefined ? 'returned' : `threw ${errorText(event.error)}`}`;
    case 'retryScheduled':
      return `runs again in ${event.delayMs}ms`;
    case 'recordSettled':
      return `settled: ${event.how}${event.error === undefined ? '' : ` (${errorText(event.error)})`}`;
    case 'recordAbsorbed':
      return 'absorbed';
    case 'recordDeferred':
      return 'deferred';
    case 'recordAbandoned':
      return `abandoned: ${event.why}`;
    default:
      return event satisfies never;
  }
}

function describeSessionEvent(event: Exclude<SessionEvent, RecordEvent>, names: HistoryNames): string {
  const { shardId } = event;
  switch (event.kind) {
    case 'sessionStarted':
      return `session started at ${wirePosition(event, shardId, names)}`;
    case 'sessionReady':
      return 'session ready';
    case 'delivered':
      return `${times(event.records, 'record')} delivered`;
    case 'acknowledged':
      return `${event.action} acknowledged, ${event.unsettled} unsettled`;
    case 'progress':
      return `progress: ${Object.entries(event.settled)
        .map(([how, count]) => `${count} ${how}`)
        .join(', ')}, ${times(event.retries, 'retry', 'retries')}`;
    case 'held':
      return `held${ofRecord(event.recordId, names)}: ${event.why}`;
    case 'released':
      return `no longer held${ofRecord(event.recordId, names)}`;
    case 'ordered':
      return `an operator ordered ${event.order} for ${names.record(event.recordId)}`;
    case 'stuck':
      return `${event.handler} is stuck${event.recordId === undefined ? '' : ` in ${names.record(event.recordId)}`} after ${event.runningMs}ms`;
    case 'windowEmitted':
      return `window of ${times(event.records, 'record')} ${event.how === 'handled' ? 'emitted' : event.how} (closed by ${event.closedBy})`;
    case 'checkpointRequested':
      return `checkpoint at ${names.target(shardId, event.target)} requested`;
    case 'checkpointAnswered':
      return `checkpoint at ${names.target(shardId, event.target)} ${event.error === undefined ? 'done' : `failed: ${event.error}`}`;
    case 'circuitBreaker':
      return `circuit breaker ${event.state === 'halfOpen' ? 'half open' : event.state}`;
    case 'leaseDoubt':
      return `lease in doubt: ${event.why}`;
    case 'draining':
      return `draining: ${event.reason}`;
    case 'sessionEnded':
      return `session ended: ${event.why}, ${event.abandoned} abandoned`;
    default:
      return event satisfies never;
  }
}

/** `error.code` says more than the class when we threw it. Only the first line: stacks are never the same twice. */
export function errorText(error: Error): string {
  const [line = ''] = error.message.split('\n', 1);
  const text = `${isMillraceError(error) ? error.code : error.name}: ${line}`;
  return text.length > ERROR_CHARACTERS_MAX ? `${text.slice(0, ERROR_CHARACTERS_MAX)}...` : text;
}

function wirePosition(
  at: { readonly sequenceNumber: string | undefined; readonly subSequenceNumber: number | undefined },
  shardId: string,
  names: HistoryNames,
): string {
  const { sequenceNumber, subSequenceNumber = 0 } = at;
  return sequenceNumber === undefined ? 'SHARD_END' : names.position(shardId, { sequenceNumber, subSequenceNumber });
}

function ofRecord(recordId: string | undefined, names: HistoryNames): string {
  return recordId === undefined ? '' : ` by ${names.record(recordId)}`;
}

function times(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
