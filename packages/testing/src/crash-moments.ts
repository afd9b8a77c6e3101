/** The moments at which the death of a process makes a difference, as they show in a history. */
import type { History, HistoryEntry } from './history.js';

export type CrashMoment =
  /** A batch has come, and nothing of it has run. */
  | 'delivered'
  /** A handler has been called with a record. */
  | 'handed'
  /** A handler has ended: what it did is done, and nothing is settled. */
  | 'handlerEnded'
  | 'recordSettled'
  /** The sink has the record, and nobody knows yet. */
  | 'parked'
  /** The worker has asked for a checkpoint, and it is not stored. */
  | 'checkpointRequested'
  /** A checkpoint is stored, and the worker does not know. */
  | 'checkpointStored'
  /** The worker knows that its checkpoint is stored. */
  | 'checkpointAnswered'
  /** The worker has answered an action. */
  | 'acknowledged';

export const CRASH_MOMENTS: readonly CrashMoment[] = [
  'delivered',
  'handed',
  'handlerEnded',
  'recordSettled',
  'parked',
  'checkpointRequested',
  'checkpointStored',
  'checkpointAnswered',
  'acknowledged',
];

/** Undefined for what comes at the same time as something else. */
export function momentOf(entry: HistoryEntry): CrashMoment | undefined {
  switch (entry.kind) {
    case 'handed':
    case 'parked':
      return entry.kind;
    case 'stored':
      return 'checkpointStored';
    case 'event':
      return CRASH_MOMENTS.find((moment) => moment === entry.event.kind);
    case 'daemonSent':
    case 'workerSent':
    case 'misbehaved':
      return undefined;
    default:
      return entry satisfies never;
  }
}

export interface Crash {
  readonly moment: CrashMoment;
  /** The first time that it comes, the second... */
  readonly nth: number;
}

/** Calls once, inside of what the moment tells of. @returns calls it off */
export function whenMoment(history: History, { moment, nth }: Crash, call: () => void): () => void {
  let left = nth;
  const forget = history.watch((entry) => {
    if (momentOf(entry) !== moment) return;
    left -= 1;
    if (left > 0) return;
    forget();
    call();
  });
  return forget;
}
