/** Whether the leader lives: its row does not say how old it is, and only watching it tells. */
import type { Clock } from '../ports.js';
import { sleepUntilAborted } from '../runtime/race.js';
import type { LeaderRow } from './provision-ports.js';

/** The leader writes its row every 30 seconds; one that stood still for longer belongs to nobody. */
export const STILL_FOR_MS = 35_000;
const POLL_MS = 1_000;

export type LeaderWatch =
  | { readonly kind: 'still' }
  /** Renewed, or another's by now. */
  | { readonly kind: 'moved'; readonly row: LeaderRow }
  /** Deleted or released. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'aborted' };

/** Watches until the row changes, or stood still for 35 seconds. */
export async function watchLeader(
  first: LeaderRow,
  read: () => Promise<LeaderRow | undefined>,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal },
): Promise<LeaderWatch> {
  const signals = signal === undefined ? [] : [signal];
  const startedMs = clock.monotonicMs();
  while (clock.monotonicMs() - startedMs < STILL_FOR_MS) {
    if (!(await sleepUntilAborted(clock, POLL_MS, ...signals))) return { kind: 'aborted' };
    const row = await read();
    if (row === undefined || row.released) return { kind: 'gone' };
    if (row.version !== first.version || row.owner !== first.owner) return { kind: 'moved', row };
  }
  return { kind: 'still' };
}
