/**
 * Counters of an application that never go backwards. Sessions count from zero and come and go with their leases, so what a
 * session has counted when it goes is kept in its application's base, and the session is forgotten.
 */
import type { SettledHow } from '../events.js';
import type { ShardStatus } from '../runtime/shard-status.js';
import type { ConsumerHealth, WorkerHealth } from '../runtime/worker-health.js';

export interface ConsumerTotals extends Counts {
  readonly applicationName: string;
  readonly stream: string;
}

interface Counts {
  readonly settled: Readonly<Record<SettledHow, number>>;
  readonly retries: number;
}

interface Application {
  base: Counts;
  /** Only sessions that were alive at the last look, so it stays as small as the worker's leases are few. */
  sessions: ReadonlyMap<string, Counts>;
}

const ZERO: Counts = { settled: { handled: 0, parked: 0, skipped: 0, filtered: 0, deduplicated: 0 }, retries: 0 };

/** Look whenever totals are wanted, and when a session ends: what it counted after the last look would be missed. */
export class SessionTotals {
  private readonly applications = new Map<string, Application>();

  look(health: WorkerHealth): readonly ConsumerTotals[] {
    return health.consumers.map((consumer) => this.total(consumer));
  }

  private total({ applicationName, stream, shards }: ConsumerHealth): ConsumerTotals {
    const known = this.applications.get(applicationName) ?? { base: ZERO, sessions: new Map<string, Counts>() };
    const sessions = new Map(shards.map((status) => [status.sessionId, countsOf(status)]));
    for (const [sessionId, last] of known.sessions) {
      const now = sessions.get(sessionId);
      // A host that was started again may give the same id to another session, which counts from zero.
      if (now === undefined || goesBack(last, now)) known.base = sum(known.base, last);
    }
    known.sessions = sessions;
    this.applications.set(applicationName, known);
    return { applicationName, stream, ...[...sessions.values()].reduce(sum, known.base) };
  }
}

function countsOf({ settled, retries }: ShardStatus): Counts {
  return { settled: { ...settled }, retries };
}

function goesBack(last: Counts, now: Counts): boolean {
  return now.retries < last.retries || HOWS.some((how) => now.settled[how] < last.settled[how]);
}

const HOWS = ['handled', 'parked', 'skipped', 'filtered', 'deduplicated'] as const satisfies readonly SettledHow[];

function sum(a: Counts, b: Counts): Counts {
  return {
    settled: {
      handled: a.settled.handled + b.settled.handled,
      parked: a.settled.parked + b.settled.parked,
      skipped: a.settled.skipped + b.settled.skipped,
      filtered: a.settled.filtered + b.settled.filtered,
      deduplicated: a.settled.deduplicated + b.settled.deduplicated,
    },
    retries: a.retries + b.retries,
  };
}
