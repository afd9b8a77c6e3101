/**
 * Under which id a daemon starts. A stable id brings a killed worker back in seconds, since its leases are its own; it must
 * not be another living worker's, nor that of a lease that is just being handed over.
 */
import { MillraceError } from '../errors.js';
import type { Clock } from '../ports.js';
import { sleepUntilAborted } from '../runtime/race.js';
import type { Coordination, LeaseFacts } from './coordination.js';

export type IdentityVerdict =
  | { readonly kind: 'clean' }
  /**
   * A hand-over to this id or from it is under way. KCL 3.1.3 (#1718) takes every lease with its own id for its own when it
   * starts and never looks at the checkpoint's owner: nobody would ever run such a shard.
   */
  | { readonly kind: 'pendingHandOff'; readonly shardIds: readonly string[] }
  /** A dead predecessor's, or a living twin's: only the counters tell, by moving. */
  | {
      readonly kind: 'owns';
      readonly shardIds: readonly string[];
      /** By shard. */
      readonly counters: ReadonlyMap<string, number>;
    };

export function judgeIdentity(workerId: string, rows: readonly LeaseFacts[]): IdentityVerdict {
  const pending = rows.filter(
    ({ owner, checkpointOwner }) =>
      checkpointOwner !== undefined && (owner === workerId || checkpointOwner === workerId),
  );
  if (pending.length > 0) return { kind: 'pendingHandOff', shardIds: pending.map(({ shardId }) => shardId) };
  const own = rows.filter(({ owner }) => owner === workerId);
  if (own.length === 0) return { kind: 'clean' };
  return {
    kind: 'owns',
    shardIds: own.map(({ shardId }) => shardId),
    counters: new Map(own.map(({ shardId, counter }) => [shardId, counter])),
  };
}

export interface IdentitySearch {
  /** In the order of preference: `<hostname>-<slot>`, each with its slot taken. Pulled one by one. */
  readonly candidates: Iterable<string> | AsyncIterable<string>;
  readonly coordination: Pick<Coordination, 'leases' | 'lastSeenMs'>;
  readonly clock: Clock;
  /** failoverTimeMillis / 3: how often an owner counts up. */
  readonly renewEveryMs: number;
  readonly signal: AbortSignal;
  /** The user has chosen the id, so there is no other: one that was alive within the last minute may be its dead predecessor. */
  readonly chosen?: boolean;
}

export interface FoundIdentity {
  readonly workerId: string;
  /** Leases of a dead predecessor with this id, which the daemon takes up at once. */
  readonly inherited: readonly string[];
  readonly rejected: readonly RejectedIdentity[];
}

export interface RejectedIdentity {
  readonly workerId: string;
  readonly why: 'pendingHandOff' | 'twin';
  readonly shardIds: readonly string[];
  /** For the log. */
  readonly message: string;
}

/** A renewal may come late, and clocks of two machines need not agree about a third of a second. */
const LATE_RENEWAL = 1.25;
const RENEWAL_MIN_MS = 500;

/** @throws MillraceError COORDINATION_FAILED when no candidate can be used; what `leases` throws; the signal's reason. */
export async function findIdentity(search: IdentitySearch): Promise<FoundIdentity> {
  const rejected: RejectedIdentity[] = [];
  for await (const workerId of search.candidates) {
    search.signal.throwIfAborted();
    const trial = await tryIdentity(workerId, search);
    if (trial.kind === 'usable') return { workerId, inherited: trial.inherited, rejected };
    rejected.push(trial.rejected);
  }
  throw new MillraceError(
    'COORDINATION_FAILED',
    `No worker id can be used: ${rejected.map(({ message }) => message).join(' ') || 'none was left to try.'} Wait until the hand-overs have ended, or give each container a host name of its own.`,
    { details: { rejected } },
  );
}

type Trial =
  | { readonly kind: 'usable'; readonly inherited: readonly string[] }
  | { readonly kind: 'rejected'; readonly rejected: RejectedIdentity };

async function tryIdentity(workerId: string, { coordination, clock, ...search }: IdentitySearch): Promise<Trial> {
  const first = judgeIdentity(workerId, await coordination.leases(search.signal));
  if (first.kind === 'clean') {
    // Without leases only the list of workers can tell of a twin, and there is nothing to take up under this very name.
    const seenMs = await coordination.lastSeenMs(workerId, search.signal);
    const isAlive = search.chosen !== true && seenMs !== undefined && clock.now() - seenMs < COUNTS_AS_ALIVE_MS;
    return isAlive ? { kind: 'rejected', rejected: seenTwin(workerId) } : { kind: 'usable', inherited: [] };
  }
  if (first.kind === 'pendingHandOff') return concluded(workerId, first);
  const waitMs = Math.max(RENEWAL_MIN_MS, search.renewEveryMs * LATE_RENEWAL);
  if (!(await sleepUntilAborted(clock, waitMs, search.signal))) search.signal.throwIfAborted();
  const second = judgeIdentity(workerId, await coordination.leases(search.signal));
  if (second.kind !== 'owns') return concluded(workerId, second);
  const moved = second.shardIds.filter((shardId) => {
    const before = first.counters.get(shardId);
    return before !== undefined && before !== second.counters.get(shardId);
  });
  // Leases that it did not own before say nothing: a leader still assigns some to a worker that has just died.
  return moved.length > 0
    ? { kind: 'rejected', rejected: twin(workerId, moved) }
    : { kind: 'usable', inherited: second.shardIds };
}

function concluded(workerId: string, verdict: IdentityVerdict & { readonly kind: 'clean' | 'pendingHandOff' }): Trial {
  return verdict.kind === 'clean'
    ? { kind: 'usable', inherited: [] }
    : { kind: 'rejected', rejected: handOff(workerId, verdict.shardIds) };
}

function handOff(workerId: string, shardIds: readonly string[]): RejectedIdentity {
  const are = shardIds.length === 1 ? 'is' : 'are';
  const message = `"${workerId}" is not used: ${listed(shardIds)} ${are} being handed over to it or by it, and a daemon that starts under this id now would strand what it takes (KCL 3.1.3, #1718).`;
  return { workerId, why: 'pendingHandOff', shardIds, message };
}

/** As long as KCL takes a worker for alive after it wrote its row of metrics; a stop in order takes the row away. */
const COUNTS_AS_ALIVE_MS = 60_000;

function seenTwin(workerId: string): RejectedIdentity {
  const message = `"${workerId}" is not used: a worker of this id was alive within the last minute, and owns no shard that it would leave to its successor.`;
  return { workerId, why: 'twin', shardIds: [], message };
}

function twin(workerId: string, shardIds: readonly string[]): RejectedIdentity {
  const message = `"${workerId}" is not used: a living worker of this id renews ${listed(shardIds)}. Another container has the same host name, and two workers of one id run the same shards.`;
  return { workerId, why: 'twin', shardIds, message };
}

const LISTED_MAX = 5;

function listed(shardIds: readonly string[]): string {
  const rest = shardIds.length > LISTED_MAX ? ` and ${shardIds.length - LISTED_MAX} more` : '';
  return `${shardIds.slice(0, LISTED_MAX).join(', ')}${rest}`;
}
