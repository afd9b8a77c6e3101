/**
 * Gives the lead back for a daemon of ours that is dead. KCL 3.1.3 frees the lock of a dead leader after 120 s, and until then
 * nobody assigns a lease.
 */
import type { Clock } from '../ports.js';
import type { Coordination } from './coordination.js';
import { watchLeader } from './leader-watch.js';

export interface LeaderRelease {
  readonly coordination: Pick<Coordination, 'leader' | 'deleteLeader'>;
  /** Of our own daemon, whose process has been waited for. */
  readonly workerId: string;
  /** No other living worker has this id: it was looked for at the start, and its slot is still held. */
  readonly twinsRuledOut: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export type ReleasedLeader =
  | 'deleted'
  /** Nobody leads, or the lead was given back in order. */
  | 'free'
  | 'notOurs'
  /** The row moves though our daemon is dead: a twin leads. */
  | 'alive'
  | 'aborted';

/** @throws MillraceError as `Coordination` does; the lead is then free after 120 s. */
export async function releaseLeader(release: LeaderRelease): Promise<ReleasedLeader> {
  const { coordination, workerId, twinsRuledOut, clock, signal } = release;
  const row = await coordination.leader(signal);
  if (row === undefined || row.released) return 'free';
  if (row.owner !== workerId) return 'notOurs';
  if (!twinsRuledOut) {
    const watched = await watchLeader(row, () => coordination.leader(signal), { clock, signal });
    switch (watched.kind) {
      case 'moved':
        return watched.row.owner === workerId ? 'alive' : 'notOurs';
      case 'gone':
        return 'free';
      case 'aborted':
        return 'aborted';
      case 'still':
        break;
      default:
        return watched satisfies never;
    }
  }
  const outcome = await coordination.deleteLeader(row, signal);
  switch (outcome) {
    case 'deleted':
      return 'deleted';
    case 'absent':
      return 'free';
    case 'changed':
      // Taken over between reading and deleting, or renewed: either way by somebody who lives.
      return (await coordination.leader(signal))?.owner === workerId ? 'alive' : 'notOurs';
    default:
      return outcome satisfies never;
  }
}
