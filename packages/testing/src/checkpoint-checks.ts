/** I1, I4, I7, I8, I9, I12: what checkpoints may cover, and when they may be asked for. */
import type { ConsumerDefinition, PositionData } from '@millrace/core';
import { comparePositions } from '@millrace/core/internal';
import type { HistoryEntry } from './history.js';
import { readSessions, type RecordMark, type SessionLedger } from './session-ledger.js';
import { OUR_FAULT, type Violation } from './violation.js';

type Target = PositionData | 'SHARD_END';
/** What the declaration changes: under `manual` a record is handled when it is declared so. */
type Declared = Pick<ConsumerDefinition, 'checkpoint'>;
type StoredEntry = Extract<HistoryEntry, { kind: 'stored' }>;

/** Who asked for a stored checkpoint, and when. */
interface Request {
  readonly at: number;
  readonly session: SessionLedger;
}

/** I1, I8, I9: everything that a stored checkpoint covers was settled before the checkpoint was asked for. */
export function checkCoverage(entries: readonly HistoryEntry[], definition: Declared): Violation[] {
  const sessions = readSessions(entries);
  const parkedAt = firstParked(entries);
  const uncovered = new Map([...sessions].map(([id, { records }]) => [id, inOrder(records.values())]));
  const violations: Violation[] = [];
  for (const [at, entry] of entries.entries()) {
    if (entry.kind !== 'stored') continue;
    const request = requestOf(entries, at, sessions);
    if (request === undefined) violations.push(unasked(entry, at));
    else {
      for (const record of takeCovered(uncovered.get(request.session.sessionId) ?? [], request, entry.target)) {
        violations.push(...checkCovered({ record, request, entry, at, entries, parkedAt, definition }));
      }
    }
  }
  return [...violations, ...checkShardEnds(entries)];
}

function firstParked(entries: readonly HistoryEntry[]): ReadonlyMap<string, number> {
  const parkedAt = new Map<string, number>();
  for (const [at, entry] of entries.entries())
    if (entry.kind === 'parked' && !parkedAt.has(entry.entry.id)) parkedAt.set(entry.entry.id, at);
  return parkedAt;
}

/** Last first, so that the end of the array is the next to be covered. */
function inOrder(records: Iterable<RecordMark>): RecordMark[] {
  return [...records].sort((a, b) => comparePositions(b, a));
}

/** The last request before the store took it: of this target, or (the daemon turns the last position into SHARD_END) of any. */
function requestOf(
  entries: readonly HistoryEntry[],
  storedAt: number,
  sessions: ReadonlyMap<string, SessionLedger>,
): Request | undefined {
  const stored = entries[storedAt];
  if (stored?.kind !== 'stored') return undefined;
  for (let at = storedAt - 1; at >= 0; at -= 1) {
    const entry = entries[at];
    if (entry?.kind !== 'event' || entry.shardId !== stored.shardId || entry.event.kind !== 'checkpointRequested')
      continue;
    const session = sessions.get(entry.sessionId);
    const fits = stored.target === 'SHARD_END' || sameTarget(entry.event.target, stored.target);
    if (fits && session !== undefined) return { at, session };
  }
  return undefined;
}

/**
 * Takes out the records that this session had when it asked; each is judged once, by the first checkpoint that covers it.
 * What other sessions had lies before this one's start, or is theirs to settle.
 */
function takeCovered(uncovered: RecordMark[], { at }: Request, target: Target): RecordMark[] {
  const taken: RecordMark[] = [];
  for (let next = uncovered.at(-1); next !== undefined; next = uncovered.at(-1)) {
    if (next.sentAt > at || (target !== 'SHARD_END' && comparePositions(next, target) > 0)) break;
    uncovered.pop();
    taken.push(next);
  }
  return taken;
}

interface Coverage {
  readonly record: RecordMark;
  readonly request: Request;
  readonly entry: StoredEntry;
  readonly at: number;
  readonly entries: readonly HistoryEntry[];
  /** Record id to the entry at which the sink had it. */
  readonly parkedAt: ReadonlyMap<string, number>;
  readonly definition: Declared;
}

function checkCovered(coverage: Coverage): Violation[] {
  const { record, request, entry, at, parkedAt, definition } = coverage;
  const { settled } = record;
  const about = { shardId: entry.shardId, recordId: record.id, at };
  const what = `the stored checkpoint ${entry.target === 'SHARD_END' ? 'SHARD_END ' : ''}covers ${record.id}`;
  if (settled === undefined || settled.at > request.at) {
    const invariant = entry.target === 'SHARD_END' ? 'I8' : 'I1';
    return [
      {
        ...about,
        invariant,
        what: `${what}, which was not settled when it was asked for`,
        cause: whyUnsettled(coverage),
      },
    ];
  }
  if (settled.how === 'parked' && (parkedAt.get(record.id) ?? Infinity) > request.at) {
    const cause = `the record counts as parked, but the sink had not confirmed it: a sink must not resolve before its entry is durable; else ${OUR_FAULT}`;
    return [{ ...about, invariant: 'I9', what: `${what}, which the dead-letter sink did not have yet`, cause }];
  }
  const unproven = settled.how === 'handled' ? whyUnproven(record, settled.at, definition) : undefined;
  if (unproven === undefined) return [];
  return [
    { ...about, invariant: 'I1', what: `${what}, which counts as handled although ${unproven}`, cause: OUR_FAULT },
  ];
}

function whyUnsettled({ record, request, entries, definition }: Coverage): string {
  const last = record.attempts.at(-1);
  const asked = entries[request.at]?.atMs ?? 0;
  const atMs = (index: number): string => `t+${entries[index]?.atMs ?? 0}ms`;
  const manual = definition.checkpoint.kind === 'manual';
  if (record.deferredAt !== undefined)
    return `its handler took a defer() handle at ${atMs(record.deferredAt)} that was not used by t+${asked}ms; ${OUR_FAULT}`;
  if (last === undefined) return `no handler had started for it; ${OUR_FAULT}`;
  if (last.endedAt === undefined || last.endedAt > request.at)
    return `its handler, started at ${atMs(last.startedAt)}, was still running at t+${asked}ms; ${OUR_FAULT}`;
  if (last.error !== undefined)
    return `its handler had thrown at ${atMs(last.endedAt)} and nothing was decided yet; ${OUR_FAULT}`;
  if (manual)
    return `its handler returned at ${atMs(last.endedAt)} and nobody declared the record done with context.checkpoint(); ${OUR_FAULT}`;
  return `its handler returned at ${atMs(last.endedAt)}, but the record was not settled by t+${asked}ms; ${OUR_FAULT}`;
}

/** Handled means: a handler took the record and returned, or somebody declared the record done. */
function whyUnproven(record: RecordMark, settledAt: number, definition: Declared): string | undefined {
  const last = record.attempts.findLast(({ startedAt }) => startedAt < settledAt);
  if (last === undefined) return 'no handler had started for it';
  const declared =
    definition.checkpoint.kind === 'manual' || (record.deferredAt !== undefined && record.deferredAt < settledAt);
  if (declared) return undefined;
  if (last.endedAt === undefined || last.endedAt > settledAt) return 'its handler was still running';
  return last.error === undefined ? undefined : 'its last attempt had failed';
}

function unasked(entry: StoredEntry, at: number): Violation {
  const what = 'a checkpoint was stored that the runtime never asked for';
  return { invariant: 'I1', what, shardId: entry.shardId, recordId: undefined, at, cause: OUR_FAULT };
}

/** The rest of I8: without a stored end the child shards wait for ever. */
function checkShardEnds(entries: readonly HistoryEntry[]): Violation[] {
  const stored = new Set<string>();
  const doubted = new Set<string>();
  return entries.flatMap((entry, at) => {
    if (!('sessionId' in entry)) return [];
    const { sessionId, shardId } = entry;
    if (entry.kind === 'event' && entry.event.kind === 'leaseDoubt') doubted.add(sessionId);
    if (entry.kind === 'daemonSent' && entry.message.kind === 'checkpoint') {
      const { sequenceNumber, error } = entry.message;
      if (sequenceNumber === undefined && error === undefined) stored.add(sessionId);
    }
    const acknowledged =
      entry.kind === 'workerSent' && entry.line.kind === 'status' && entry.line.responseFor === 'shardEnded';
    if (!acknowledged || stored.has(sessionId) || doubted.has(sessionId)) return [];
    const what = 'the end of the shard was acknowledged although SHARD_END was not stored';
    return [{ invariant: 'I8' as const, what, shardId, recordId: undefined, at, cause: OUR_FAULT }];
  });
}

/** I4: by what the daemon read. Equal is allowed only after a failure. */
export function checkIncrease(entries: readonly HistoryEntry[]): Violation[] {
  const last = new Map<string, { readonly target: Target; failed: boolean }>();
  return entries.flatMap((entry, at) => {
    if (!('sessionId' in entry)) return [];
    const { sessionId, shardId } = entry;
    if (entry.kind === 'daemonSent' && entry.message.kind === 'checkpoint') {
      const asked = last.get(sessionId);
      if (asked !== undefined) asked.failed = entry.message.error !== undefined;
    }
    if (entry.kind !== 'workerSent' || entry.line.kind !== 'checkpoint') return [];
    const { sequenceNumber, subSequenceNumber = 0 } = entry.line;
    const target: Target = sequenceNumber === undefined ? 'SHARD_END' : { sequenceNumber, subSequenceNumber };
    const before = last.get(sessionId);
    last.set(sessionId, { target, failed: false });
    if (before === undefined) return [];
    const order = compareTargets(target, before.target);
    if (order > 0 || (order === 0 && before.failed)) return [];
    const what = `a checkpoint was asked for ${order === 0 ? 'again although the one before it was stored' : 'that lies before the last one'}`;
    return [{ invariant: 'I4' as const, what, shardId, recordId: undefined, at, cause: OUR_FAULT }];
  });
}

/** I7 and I12: one in flight, none where the daemon has no checkpointer, none after doubt. */
export function checkMoments(entries: readonly HistoryEntry[]): Violation[] {
  const inFlight = new Set<string>();
  const doubted = new Set<string>();
  const open = new Map<string, string>();
  return entries.flatMap((entry, at) => {
    if (!('sessionId' in entry)) return [];
    const { sessionId, shardId } = entry;
    const violation = (invariant: 'I7' | 'I12', what: string): Violation[] => [
      { invariant, what, shardId, recordId: undefined, at, cause: OUR_FAULT },
    ];
    if (entry.kind === 'daemonSent' && entry.message.kind !== 'checkpoint') open.set(sessionId, entry.message.kind);
    if (entry.kind === 'workerSent' && entry.line.kind === 'checkpoint') {
      const action = open.get(sessionId);
      return action === 'initialize' || action === 'leaseLost'
        ? violation('I7', `a checkpoint was asked for in ${action}, where the daemon takes none`)
        : [];
    }
    if (entry.kind !== 'event') return [];
    if (entry.event.kind === 'leaseDoubt') doubted.add(sessionId);
    if (entry.event.kind === 'checkpointAnswered') inFlight.delete(sessionId);
    if (entry.event.kind !== 'checkpointRequested') return [];
    const second = inFlight.has(sessionId);
    inFlight.add(sessionId);
    return [
      ...(second ? violation('I7', 'a checkpoint was asked for while another one was not answered') : []),
      ...(doubted.has(sessionId) ? violation('I12', 'a checkpoint was asked for although the lease was in doubt') : []),
    ];
  });
}

function sameTarget(a: Target, b: Target): boolean {
  return compareTargets(a, b) === 0;
}

function compareTargets(a: Target, b: Target): number {
  if (a === 'SHARD_END') return b === 'SHARD_END' ? 0 : 1;
  return b === 'SHARD_END' ? -1 : comparePositions(a, b);
}
