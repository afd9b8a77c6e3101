/** What happened in each session, sorted by record: what the checkers ask. Indexes point into the history. */
import type { PositionData, SessionEvent, SettledHow } from '@millrace/core';
import { recordIdOf } from './history-names.js';
import type { HistoryEntry } from './history.js';

export interface AttemptMark {
  readonly startedAt: number;
  endedAt: number | undefined;
  error: Error | undefined;
}

export interface RecordMark extends PositionData {
  readonly id: string;
  readonly partitionKey: string;
  readonly sentAt: number;
  readonly attempts: AttemptMark[];
  settled: { readonly at: number; readonly how: SettledHow } | undefined;
  deferredAt: number | undefined;
}

export interface SessionLedger {
  readonly sessionId: string;
  /** By record id, in the order of delivery. */
  readonly records: Map<string, RecordMark>;
  /** From here on no handler may start: the first of doubt, drain and end. */
  closedAt: Closing | undefined;
  /** As closedAt, for what had gathered before a drain: that is still called, once. */
  closedForGatheredAt: Closing | undefined;
}

interface Closing {
  readonly at: number;
  readonly why: string;
}

type InSession = Extract<HistoryEntry, { sessionId: string }>;
type EventEntry = Extract<HistoryEntry, { kind: 'event' }>;

export function readSessions(entries: readonly HistoryEntry[]): ReadonlyMap<string, SessionLedger> {
  const sessions = new Map<string, SessionLedger>();
  for (const [at, entry] of entries.entries()) {
    if (!('sessionId' in entry)) continue;
    const ledger = ledgerOf(sessions, entry);
    if (entry.kind === 'event') readEvent(ledger, entry, at);
    if (entry.kind === 'daemonSent' && entry.message.kind === 'processRecords') {
      for (const record of entry.message.records) {
        const id = recordIdOf(entry.shardId, record);
        if (!ledger.records.has(id)) ledger.records.set(id, newMark({ ...record, id, sentAt: at }));
      }
    }
  }
  return sessions;
}

function ledgerOf(sessions: Map<string, SessionLedger>, { sessionId }: InSession): SessionLedger {
  const known = sessions.get(sessionId);
  if (known !== undefined) return known;
  const opened = {
    sessionId,
    records: new Map<string, RecordMark>(),
    closedAt: undefined,
    closedForGatheredAt: undefined,
  };
  sessions.set(sessionId, opened);
  return opened;
}

function newMark(record: Pick<RecordMark, 'id' | 'sentAt' | 'partitionKey' | keyof PositionData>): RecordMark {
  const { id, partitionKey, sentAt, sequenceNumber, subSequenceNumber } = record;
  const open = { attempts: [], settled: undefined, deferredAt: undefined };
  return { id, partitionKey, sentAt, sequenceNumber, subSequenceNumber, ...open };
}

/** The ends of a session, in the words of a sentence that begins with "after". */
const CLOSED_BY: Readonly<Partial<Record<SessionEvent['kind'], string>>> = {
  leaseDoubt: 'the lease was in doubt',
  draining: 'the session was draining',
  sessionEnded: 'the session had ended',
};

function readEvent(ledger: SessionLedger, { event }: EventEntry, at: number): void {
  const why = CLOSED_BY[event.kind];
  if (why !== undefined) ledger.closedAt ??= { at, why };
  if (why !== undefined && event.kind !== 'draining') ledger.closedForGatheredAt ??= { at, why };
  if (!('partitionKey' in event)) return;
  const mark = ledger.records.get(event.recordId);
  if (mark !== undefined) readRecordEvent(mark, event, at);
}

function readRecordEvent(mark: RecordMark, event: Extract<SessionEvent, { partitionKey: string }>, at: number): void {
  switch (event.kind) {
    case 'handlerStarted':
      mark.attempts.push({ startedAt: at, endedAt: undefined, error: undefined });
      return;
    case 'handlerEnded': {
      const running = mark.attempts.at(-1);
      if (running !== undefined) Object.assign(running, { endedAt: at, error: event.error });
      return;
    }
    case 'recordSettled':
      mark.settled ??= { at, how: event.how };
      return;
    case 'recordDeferred':
      mark.deferredAt ??= at;
      return;
    case 'recordAbandoned':
    case 'recordAbsorbed':
    case 'retryScheduled':
      return;
    default:
      event satisfies never;
  }
}
