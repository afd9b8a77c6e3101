/** What became of a record, in words and as facts: for the messages of matchers. */
import type { DeadLetterEntry, SettledHow } from '@millrace/core';
import type { HistoryNames } from './history-names.js';
import type { DeliveredRecord, HistoryEntry } from './history.js';
import { errorText } from './timeline.js';

export interface RecordFacts {
  /** How it was settled: once for each session that did it. */
  readonly settled: SettledHow[];
  /** What the sink has of it. */
  readonly parked: DeadLetterEntry[];
  /** Handlers that ran again after a failure. */
  retries: number;
  abandoned: boolean;
  /** What happened last, as the rest of a sentence that begins with "but". */
  state: string;
}

/** The facts of one record; a session that ends abandons what it has not settled. */
export function factsOf(recordId: string, entries: readonly HistoryEntry[]): RecordFacts {
  const facts: RecordFacts = {
    settled: [],
    parked: [],
    retries: 0,
    abandoned: false,
    state: 'it was never delivered to the worker',
  };
  let owner: string | undefined;
  for (const entry of entries) {
    if (entry.kind === 'parked' && entry.entry.id === recordId) facts.parked.push(entry.entry);
    if (entry.kind === 'daemonSent' && delivers(entry, recordId)) {
      // Once more in the same session changes nothing: it joins the first.
      if (owner !== entry.sessionId && facts.settled.length === 0) facts.state = 'no handler has started for it';
      owner = entry.sessionId;
    }
    if (entry.kind !== 'event') continue;
    const { event } = entry;
    if (event.kind === 'sessionEnded' && entry.sessionId === owner && facts.settled.length === 0 && !facts.abandoned)
      Object.assign(facts, { abandoned: true, state: `its session ended (${event.why}) before it was settled` });
    if ('partitionKey' in event && event.recordId === recordId) read(facts, event);
  }
  return facts;
}

type RecordEvent = Extract<Extract<HistoryEntry, { kind: 'event' }>['event'], { partitionKey: string }>;

function read(facts: RecordFacts, event: RecordEvent): void {
  switch (event.kind) {
    case 'handlerStarted':
      if (event.attempt > 1) facts.retries += 1;
      facts.state = `${event.handler} is still running (attempt ${event.attempt})`;
      return;
    case 'handlerEnded':
      if (facts.settled.length > 0) return;
      facts.state =
        event.error === undefined
          ? `${event.handler} returned and nobody has declared it done`
          : `${event.handler} threw ${errorText(event.error)} (attempt ${event.attempt})`;
      return;
    case 'retryScheduled':
      facts.state = `it waits ${event.delayMs} ms for its next attempt after ${errorText(event.error)}`;
      return;
    case 'recordAbsorbed':
      facts.state = 'it is part of a window that was not emitted';
      return;
    case 'recordDeferred':
      facts.state = 'it is deferred and its handle was not used';
      return;
    case 'recordSettled':
      facts.settled.push(event.how);
      facts.state = `it was ${event.how}${event.error === undefined ? '' : ` after ${errorText(event.error)}`}`;
      return;
    case 'recordAbandoned':
      facts.abandoned = true;
      facts.state = `it was abandoned: ${event.why}`;
      return;
    default:
      event satisfies never;
  }
}

function delivers({ message, shardId }: Extract<HistoryEntry, { kind: 'daemonSent' }>, recordId: string): boolean {
  return (
    message.kind === 'processRecords' &&
    message.records.some((record) => `${shardId}:${record.sequenceNumber}:${record.subSequenceNumber}` === recordId)
  );
}

const PAYLOAD_CHARACTERS_MAX = 80;

/** `#2 (shard A, key "c-7")`; the payload only when asked for. */
export function describeRecord(record: DeliveredRecord, names: HistoryNames, reveal: boolean): string {
  const { id, shardId, partitionKey, data } = record;
  const facts = [`shard ${names.shard(shardId)}`, `key ${JSON.stringify(partitionKey)}`];
  if (reveal) facts.push(`payload ${JSON.stringify(excerpt(data))}`);
  return `${names.record(id)} (${facts.join(', ')})`;
}

function excerpt(data: Uint8Array): string {
  const text = new TextDecoder().decode(data);
  return text.length > PAYLOAD_CHARACTERS_MAX ? `${text.slice(0, PAYLOAD_CHARACTERS_MAX)}...` : text;
}
