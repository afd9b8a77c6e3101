/** I2 and I3: in which order handlers run, and until when. */
import type { ConsumerDefinition, SessionEvent } from '@millrace/core';
import { comparePositions } from '@millrace/core/internal';
import type { HistoryEntry } from './history.js';
import { readSessions, type RecordMark } from './session-ledger.js';
import { OUR_FAULT, type Violation } from './violation.js';

/** The records of one key in one session; the key is what the consumer orders by. */
interface Lane {
  /** What runs, and the entry its call began with: a batch handler's call starts several records at once. */
  readonly running: Map<string, number>;
  /** What threw, until something else decides over it. */
  readonly owing: Set<string>;
  /** What a handle or a declaration decides over, whatever its handler throws. */
  readonly decided: Set<string>;
  furthest: RecordMark | undefined;
}

/** I2 */
export function checkOrder(entries: readonly HistoryEntry[], definition: ConsumerDefinition): Violation[] {
  const sessions = readSessions(entries);
  const inBatches = definition.handlers.some(({ kind }) => kind === 'batch');
  const lanes = new Map<string, Lane>();
  const violations: Violation[] = [];
  let callAt = 0;
  for (const [at, entry] of entries.entries()) {
    if (entry.kind !== 'event' || !('recordId' in entry.event) || !('partitionKey' in entry.event)) continue;
    const { event, sessionId, shardId } = entry;
    const record = sessions.get(sessionId)?.records.get(event.recordId);
    if (record === undefined) continue;
    const key = event.lane ?? record.partitionKey;
    const lane = laneOf(lanes, `${sessionId} ${key}`);
    if (event.kind !== 'handlerStarted') {
      follow(lane, event);
      continue;
    }
    if (!startsWith(entries[at - 1], sessionId)) callAt = at;
    const wrong = inBatches ? overlap(lane, callAt) : (overlap(lane, at) ?? misplaced(lane, record));
    lane.running.set(record.id, callAt);
    if (lane.furthest === undefined || comparePositions(record, lane.furthest) > 0) lane.furthest = record;
    if (wrong === undefined) continue;
    const what = `the handler of ${record.id} (key "${key}") started ${wrong}`;
    violations.push({ invariant: 'I2', what, shardId, recordId: record.id, at, cause: OUR_FAULT });
  }
  return violations;
}

function laneOf(lanes: Map<string, Lane>, name: string): Lane {
  const known = lanes.get(name);
  if (known !== undefined) return known;
  const lane = {
    running: new Map<string, number>(),
    owing: new Set<string>(),
    decided: new Set<string>(),
    furthest: undefined,
  };
  lanes.set(name, lane);
  return lane;
}

function startsWith(before: HistoryEntry | undefined, sessionId: string): boolean {
  return before?.kind === 'event' && before.event.kind === 'handlerStarted' && before.sessionId === sessionId;
}

function follow(lane: Lane, event: Extract<SessionEvent, { partitionKey: string }>): void {
  const { recordId } = event;
  switch (event.kind) {
    case 'handlerEnded':
      lane.running.delete(recordId);
      if (event.error !== undefined && !lane.decided.has(recordId)) lane.owing.add(recordId);
      else lane.owing.delete(recordId);
      return;
    case 'recordDeferred':
      lane.decided.add(recordId);
      return;
    case 'recordSettled':
      lane.decided.add(recordId);
      lane.owing.delete(recordId);
      return;
    case 'recordAbandoned':
      lane.running.delete(recordId);
      lane.owing.delete(recordId);
      return;
    case 'handlerStarted':
    case 'recordAbsorbed':
    case 'retryScheduled':
      return;
    default:
      event satisfies never;
  }
}

function overlap(lane: Lane, callAt: number): string | undefined {
  for (const [id, startedAt] of lane.running) if (startedAt !== callAt) return `while that of ${id} was running`;
  return undefined;
}

function misplaced(lane: Lane, record: RecordMark): string | undefined {
  const { furthest } = lane;
  if (furthest !== undefined && comparePositions(furthest, record) > 0)
    return `after that of ${furthest.id}, which comes later in the shard`;
  for (const id of lane.owing) if (id !== record.id) return `although ${id} before it has failed and is not settled`;
  return undefined;
}

/** I3 */
export function checkNoLateStarts(entries: readonly HistoryEntry[], definition: ConsumerDefinition): Violation[] {
  const sessions = readSessions(entries);
  const gathers = definition.handlers.some((handler) => handler.kind === 'batch' && handler.maxWaitMs !== undefined);
  return entries.flatMap((entry, at) => {
    if (entry.kind !== 'event' || entry.event.kind !== 'handlerStarted') return [];
    const { shardId, event } = entry;
    const session = sessions.get(entry.sessionId);
    const closedAt = gathers && event.attempt === 1 ? session?.closedForGatheredAt : session?.closedAt;
    if (closedAt === undefined || closedAt.at > at) return [];
    const what = `the handler of ${event.recordId} started after ${closedAt.why}`;
    return [{ invariant: 'I3' as const, what, shardId, recordId: event.recordId, at, cause: OUR_FAULT }];
  });
}
