/**
 * The sessions of one daemon, wherever they are served. Keyed by session, never by shard: two of one shard can be alive at
 * once, in different hosts too (S6).
 */

export interface RosterEntry {
  readonly sessionId: string;
  /** Undefined until `initialize` has come. */
  readonly shardId: string | undefined;
}

export class SessionRoster {
  private readonly entries = new Map<string, RosterEntry>();
  /** What the end of this life waits for; undefined while nobody asked for the end. */
  private awaited: Set<string> | undefined;
  private opened = 0;

  constructor(
    private readonly applicationName: string,
    /** Called once for each `awaitEnd`. */
    private readonly allGone: () => void,
  ) {}

  /** A new session: its own name, or one that is never used twice. */
  open(name?: string): string {
    this.opened += 1;
    const sessionId = name ?? `${this.applicationName}#${this.opened}`;
    this.entries.set(sessionId, { sessionId, shardId: undefined });
    return sessionId;
  }

  /** The shard of a session is known; returns the older sessions of the same shard, which may not own it any more. */
  know(sessionId: string, shardId: string): readonly string[] {
    if (!this.entries.has(sessionId)) return [];
    // In the order in which they were opened: a host that was blocked may tell of the older one last.
    this.entries.set(sessionId, { sessionId, shardId });
    const ofShard = [...this.entries.values()].filter((entry) => entry.shardId === shardId);
    return ofShard.slice(0, -1).map((entry) => entry.sessionId);
  }

  shardOf(sessionId: string): string | undefined {
    return this.entries.get(sessionId)?.shardId;
  }

  close(sessionId: string): void {
    this.entries.delete(sessionId);
    this.awaited?.delete(sessionId);
    this.check();
  }

  /**
   * From now on the end of the sessions that were initialized is awaited. A daemon that ends may start new ones and takes
   * no leave of those that it has not initialized: these have handled nothing.
   */
  awaitEnd(): void {
    this.awaited = new Set(
      [...this.entries.values()].flatMap(({ sessionId, shardId }) => (shardId === undefined ? [] : [sessionId])),
    );
    this.check();
  }

  /** The daemon is gone, and its sessions with it. */
  clear(): void {
    this.entries.clear();
    this.awaited = undefined;
  }

  has(sessionId: string): boolean {
    return this.entries.has(sessionId);
  }

  private check(): void {
    if (this.awaited === undefined || this.awaited.size > 0) return;
    this.awaited = undefined;
    this.allGone();
  }
}
