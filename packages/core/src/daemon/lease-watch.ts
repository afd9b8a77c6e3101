/**
 * Watches the leases of shards that cannot hear about them. While an action is open no message of the protocol arrives, so a
 * shard that is held would never know that it lost its lease. Reads, never writes, and only while there is something to watch.
 */
import { toError } from '../errors.js';
import type { Clock, Logger, Timer } from '../ports.js';
import type { Coordination, LeaseFacts } from './coordination.js';

export type LeaseVerdict = 'ours' | 'handedOver' | 'lost';

/**
 * - `handedOver`: another worker is to run the shard and waits for us; we may still checkpoint. The shard has to drain.
 * - `lost`: no checkpoint of ours will be taken any more.
 * - `ours` also when the lease has expired: expiry leaves the owner in the row until somebody else takes it, and a
 *   checkpoint is taken that long.
 *
 * A lease without any owner is lost. KCL takes the owner out when a worker drops the lease: after `shutdownRequested` was
 * acknowledged, when no work is left, or because it could not go on with the shard. With that it counts the lease up, and a
 * checkpoint is only taken at the count that the daemon knows.
 */
export function judgeLease(row: LeaseFacts | undefined, workerId: string): LeaseVerdict {
  if (row === undefined) return 'lost';
  if (row.owner === workerId) return 'ours';
  return row.checkpointOwner === workerId ? 'handedOver' : 'lost';
}

export interface WatchedSession {
  readonly sessionId: string;
  readonly shardId: string;
  /** How long its action has been open; 0 when none is. */
  readonly openMs: number;
}

export type WatchClient = Pick<Coordination, 'lease' | 'close'>;

export interface LeaseWatchOptions {
  readonly workerId: string;
  /** failoverTimeMillis: nobody can take a lease faster than that. */
  readonly everyMs: number;
  /** Called when the first session needs it, and again after it was closed. */
  readonly open: () => Promise<WatchClient>;
  /**
   * The supervisor reads with the credentials of the daemon. If it does not, it may see another account's table: a lease
   * counts as lost there only after the table has shown one of ours.
   */
  readonly sameCredentials: boolean;
  readonly onVerdict: (sessionId: string, verdict: LeaseVerdict) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Below this the next message of the protocol is fast enough. */
const WATCH_AFTER_MS = 10_000;
/** Held shards come and go; the client is kept for so long after the last. */
const CLOSE_AFTER_MS = 60_000;

type Client = { readonly kind: 'closed' } | { readonly kind: 'open'; readonly opened: Promise<WatchClient> };

type Wait =
  | { readonly kind: 'none' }
  | { readonly kind: 'round'; readonly timer: Timer }
  | { readonly kind: 'closing'; readonly timer: Timer };

/** Kept as long as the session is there, so that each change is told once. */
interface Watched {
  readonly shardId: string;
  /** Its action has been open for long. */
  held: boolean;
  /** `lost` is for good: doubt about a lease lasts. */
  verdict: LeaseVerdict;
}

export class LeaseWatch {
  readonly #sessions = new Map<string, Watched>();
  /** One read at a time for each shard. */
  readonly #reading = new Set<string>();
  readonly #closed = new AbortController();
  #client: Client = { kind: 'closed' };
  #wait: Wait = { kind: 'none' };
  #reads: 'well' | 'failing' = 'well';
  /** The table is the one that our daemon writes. */
  #table: 'trusted' | 'unproven';

  constructor(private readonly options: LeaseWatchOptions) {
    this.#table = options.sameCredentials ? 'trusted' : 'unproven';
  }

  /** All sessions of the worker, whenever one changes and at least every few seconds. */
  update(sessions: readonly WatchedSession[]): void {
    if (this.#closed.signal.aborted) return;
    const present = new Set(sessions.map(({ sessionId }) => sessionId));
    for (const sessionId of [...this.#sessions.keys()]) if (!present.has(sessionId)) this.#sessions.delete(sessionId);
    const joined = new Set<string>();
    for (const { sessionId, shardId, openMs } of sessions) {
      const known = this.#sessions.get(sessionId) ?? { shardId, held: false, verdict: 'ours' };
      if (!known.held && openMs >= WATCH_AFTER_MS) joined.add(shardId);
      known.held = openMs >= WATCH_AFTER_MS;
      this.#sessions.set(sessionId, known);
    }
    for (const shardId of joined) this.#startReading(shardId);
    this.#plan();
  }

  close(): void {
    this.#closed.abort();
    this.#waitFor({ kind: 'none' });
    this.#sessions.clear();
    this.#closeClient();
  }

  #watchedShards(): ReadonlySet<string> {
    return new Set([...this.#sessions.values()].filter(isWatched).map(({ shardId }) => shardId));
  }

  /** One timer at most: for the next round, or for letting go of the client. */
  #plan(): void {
    const { clock, everyMs } = this.options;
    const next = this.#watchedShards().size > 0 ? 'round' : this.#client.kind === 'open' ? 'closing' : 'none';
    if (next === this.#wait.kind) return;
    switch (next) {
      case 'round':
        return this.#waitFor({ kind: next, timer: clock.setTimer(everyMs, () => this.#round()) });
      case 'closing':
        return this.#waitFor({ kind: next, timer: clock.setTimer(CLOSE_AFTER_MS, () => this.#letGo()) });
      case 'none':
        return this.#waitFor({ kind: next });
      default:
        return next satisfies never;
    }
  }

  #waitFor(wait: Wait): void {
    if (this.#wait.kind !== 'none') this.#wait.timer.cancel();
    this.#wait = wait;
  }

  #round(): void {
    this.#wait = { kind: 'none' };
    for (const shardId of this.#watchedShards()) this.#startReading(shardId);
    this.#plan();
  }

  #letGo(): void {
    this.#wait = { kind: 'none' };
    this.#closeClient();
  }

  #startReading(shardId: string): void {
    if (this.#reading.has(shardId)) return;
    // A session that begins while the row is on its way is not judged by it: the lease may have come back in between.
    const judged = [...this.#sessions].filter(([, session]) => isWatched(session) && session.shardId === shardId);
    if (judged.length === 0) return;
    this.#reading.add(shardId);
    void this.#read(shardId)
      .then((answer) => {
        if (answer.kind === 'read') for (const [sessionId, session] of judged) this.#judge(sessionId, session, answer);
      })
      .finally(() => {
        this.#reading.delete(shardId);
        if (!this.#closed.signal.aborted) this.#plan();
      });
  }

  /** Never rejects. */
  async #read(shardId: string): Promise<Answer> {
    try {
      const row = await (await this.#openClient()).lease(shardId, this.#closed.signal);
      this.#reads = 'well';
      return { kind: 'read', row };
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#reportFailure(shardId, error);
      return { kind: 'failed' };
    }
  }

  #judge(sessionId: string, session: Watched, { row }: Answer & { readonly kind: 'read' }): void {
    if (this.#closed.signal.aborted || this.#sessions.get(sessionId) !== session || session.verdict === 'lost') return;
    const { workerId, logger, onVerdict } = this.options;
    const verdict = judgeLease(row, workerId);
    if (verdict !== 'lost') this.#table = 'trusted';
    if (verdict === session.verdict) return;
    if (this.#table === 'unproven') {
      logger.debug({ sessionId, shardId: session.shardId }, 'The lease table that is read may be of another account.');
      return;
    }
    session.verdict = verdict;
    onVerdict(sessionId, verdict);
  }

  #openClient(): Promise<WatchClient> {
    if (this.#client.kind === 'open') return this.#client.opened;
    const opened = this.options.open();
    this.#client = { kind: 'open', opened };
    // What could not be opened is opened again in the next round.
    opened.catch(() => {
      if (this.#client.kind === 'open' && this.#client.opened === opened) this.#client = { kind: 'closed' };
    });
    return opened;
  }

  #closeClient(): void {
    if (this.#client.kind === 'closed') return;
    const { opened } = this.#client;
    this.#client = { kind: 'closed' };
    opened.then(
      (client) => client.close(),
      // Never opened: whoever asked for it has been told.
      () => undefined,
    );
  }

  /** The first of a row of failures is told; the rest would fill the log. */
  #reportFailure(shardId: string, error: unknown): void {
    if (this.#reads === 'failing') return;
    this.#reads = 'failing';
    const { message } = toError(error);
    const { logger, everyMs } = this.options;
    logger.warn(
      { shardId, everyMs },
      `The lease of a shard that is held cannot be read, so its loss would go unnoticed; it is tried again: ${message}`,
    );
  }
}

type Answer =
  | { readonly kind: 'read'; readonly row: LeaseFacts | undefined }
  /** Says nothing about the lease. */
  | { readonly kind: 'failed' };

function isWatched({ held, verdict }: Watched): boolean {
  return held && verdict !== 'lost';
}
