/** I5 and I6: what the worker says to the daemon, and when. */
import type { ConsumerDefinition } from '@millrace/core';
import type { HistoryEntry } from './history.js';
import { OUR_FAULT, type InvariantId, type Violation } from './violation.js';

type InSession = Extract<HistoryEntry, { sessionId: string }>;

/** The daemon's view: which action is open. The worker's view: what is still running in it. */
interface Turn {
  open: string | undefined;
  closing: boolean;
  checkpointing: boolean;
  readonly running: Set<string>;
}

const PRINTED =
  'something wrote to standard output past the guard: a native module, or code that opened the descriptor itself';

/** I5 */
export function checkStatuses(entries: readonly HistoryEntry[], { concurrency }: ConsumerDefinition): Violation[] {
  // Lanes acknowledge a batch while the last of its records run.
  const ahead = concurrency !== undefined;
  const turns = new Map<string, Turn>();
  return entries.flatMap((entry, at) => {
    if (!('sessionId' in entry)) return [];
    const turn = turns.get(entry.sessionId) ?? newTurn();
    turns.set(entry.sessionId, turn);
    const wrong = entry.kind === 'event' ? readEvent(turn, entry, ahead) : readWire(turn, entry);
    return wrong === undefined ? [] : [violation('I5', { entry, at, ...wrong })];
  });
}

interface Wrong {
  readonly what: string;
  readonly recordId?: string | undefined;
}

function newTurn(): Turn {
  return { open: undefined, closing: false, checkpointing: false, running: new Set() };
}

function readWire(turn: Turn, entry: Exclude<InSession, { kind: 'event' }>): Wrong | undefined {
  switch (entry.kind) {
    case 'daemonSent': {
      const { kind } = entry.message;
      if (kind === 'checkpoint') return undefined;
      const before = turn.open;
      turn.open = kind;
      return before === undefined ? undefined : { what: `${before} was not answered before ${kind} came` };
    }
    case 'workerSent': {
      if (entry.line.kind !== 'status') return undefined;
      const { open } = turn;
      turn.open = undefined;
      if (open === entry.line.responseFor) return undefined;
      return { what: `a status for ${entry.line.responseFor ?? 'nothing'} came while ${open ?? 'no action'} was open` };
    }
    case 'misbehaved':
      return entry.what === 'outOfTurn' ? { what: `the worker wrote out of turn: ${entry.detail}` } : undefined;
    default:
      return entry satisfies never;
  }
}

/** Work that a session has given up is not waited for. */
function readEvent(turn: Turn, { event }: Extract<InSession, { kind: 'event' }>, ahead: boolean): Wrong | undefined {
  if (event.kind === 'handlerStarted') turn.running.add(event.recordId);
  if (event.kind === 'handlerEnded' || event.kind === 'recordAbandoned') turn.running.delete(event.recordId);
  if (event.kind === 'checkpointRequested') turn.checkpointing = true;
  if (event.kind === 'checkpointAnswered') turn.checkpointing = false;
  if (event.kind === 'leaseDoubt' || event.kind === 'draining') turn.closing = true;
  if (event.kind !== 'acknowledged') return undefined;
  const [recordId] = turn.running;
  const mayRun = turn.closing || (ahead && event.action === 'processRecords');
  if (recordId !== undefined && !mayRun)
    return { what: `${event.action} was acknowledged while the handler of ${recordId} was running`, recordId };
  return turn.checkpointing ? { what: `${event.action} was acknowledged while a checkpoint was in flight` } : undefined;
}

/** I6. Every such line is in the history twice, as read and as misbehaviour; the reading counts. */
export function checkPurity(entries: readonly HistoryEntry[]): Violation[] {
  return entries.flatMap((entry, at) => {
    if (entry.kind !== 'workerSent') return [];
    const { line } = entry;
    if (line.kind !== 'skipped' && line.kind !== 'null') return [];
    const what =
      line.kind === 'skipped'
        ? `a line reached the daemon that is no message, because ${line.why}`
        : 'the word null reached the daemon, which ends its whole worker';
    return [violation('I6', { entry, at, what, cause: PRINTED })];
  });
}

function violation(
  invariant: InvariantId,
  found: Wrong & { readonly entry: InSession; readonly at: number; readonly cause?: string },
): Violation {
  const { what, at, recordId, entry, cause = OUR_FAULT } = found;
  return { invariant, what, shardId: entry.shardId, recordId, at, cause };
}
