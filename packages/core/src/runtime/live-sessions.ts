/** The sessions of one consumer that are alive in this process, keyed by session: two of one shard can overlap (S6). */
import type { ByteChannel } from '../ports.js';
import type { Wish, WishAnswer } from './orders.js';
import type { ShardStatus } from './shard-status.js';
import { ShardRunner, type SessionOutcome } from './shard-runner.js';
import type { ShardRunnerOptions } from './runner-options.js';

export type SessionSetup = Omit<ShardRunnerOptions, 'sessionId' | 'channel' | 'onShardKnown'> & {
  /** The channel with somebody who writes a transcript. */
  readonly recorded?: ((sessionId: string, channel: ByteChannel) => ByteChannel) | undefined;
};

export type LiveSessionsSetup = SessionSetup & {
  /** Tells once which shard a session serves; sessions of the same shard may be alive in other processes too. */
  readonly onKnown?: (sessionId: string, shardId: string) => void;
};

export class LiveSessions {
  private readonly alive = new Map<string, ShardRunner>();
  private readonly shardOf = new Map<string, string>();
  private readonly serving = new Set<Promise<SessionOutcome>>();
  private draining = false;

  constructor(private readonly setup: LiveSessionsSetup) {}

  /** Serves a session until it ends. A younger session of the same shard puts the older one in doubt. */
  serve(session: Pick<ShardRunnerOptions, 'sessionId' | 'channel'>): Promise<SessionOutcome> {
    const { sessionId } = session;
    const { recorded } = this.setup;
    const runner = new ShardRunner({
      ...this.setup,
      sessionId,
      channel: recorded?.(sessionId, session.channel) ?? session.channel,
      onShardKnown: (shardId) => this.claim(sessionId, shardId),
    });
    this.alive.set(sessionId, runner);
    if (this.draining) runner.drain();
    const served = runner.run().finally(() => {
      this.alive.delete(sessionId);
      this.shardOf.delete(sessionId);
      this.serving.delete(served);
    });
    this.serving.add(served);
    return served;
  }

  /** Ends every session without the daemon's goodbye; see ShardRunner.leave. */
  leave(how: 'afterAction' | 'cut'): void {
    for (const runner of this.alive.values()) runner.leave(how);
  }

  /** Resolves when every session has ended and disposed what it had. */
  async ended(): Promise<void> {
    while (this.serving.size > 0) await Promise.allSettled(this.serving);
  }

  /** Every session drains, those that open later included. */
  drain(): void {
    this.draining = true;
    for (const runner of this.alive.values()) runner.drain();
  }

  /** One shard is handed to another worker while its action is open: it drains, the others go on. */
  handOff(sessionId: string): void {
    this.alive.get(sessionId)?.drain('handoff');
  }

  /** Somebody else may own the shard of this session; unknown sessions have ended already. */
  doubt(sessionId: string, why: string): void {
    this.alive.get(sessionId)?.doubt(why);
  }

  /** Of two sessions of one shard, the one that may still do something answers. */
  async operate(recordId: string, wish: Wish): Promise<WishAnswer | undefined> {
    let refused: WishAnswer | undefined;
    for (const runner of [...this.alive.values()].toReversed()) {
      const answer = await runner.operate(recordId, wish);
      if (answer?.kind === 'refused') refused ??= answer;
      else if (answer !== undefined) return answer;
    }
    return refused;
  }

  status(): readonly ShardStatus[] {
    return [...this.alive.values()].map((runner) => runner.status);
  }

  private claim(sessionId: string, shardId: string): void {
    this.shardOf.set(sessionId, shardId);
    // In the order in which they were opened, which is not the order in which they are heard of.
    const ofShard = [...this.alive.keys()].filter((other) => this.shardOf.get(other) === shardId);
    for (const older of ofShard.slice(0, -1)) this.doubt(older, `a younger session of ${shardId} has started`);
    this.setup.onKnown?.(sessionId, shardId);
  }
}
