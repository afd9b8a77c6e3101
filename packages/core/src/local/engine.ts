/**
 * The local engine: one process reads every shard of a stream, parents before children, and drives the same sessions as
 * the daemon. For development, demonstrations and small jobs; there is no lease table, so only one may run.
 *
 * E1 A shard is read only when its parents have stored SHARD_END.
 * E2 What a shard starts from is stored before its first session, so that a later start knows what was known.
 * E3 A source that fails for good stops the engine in order: every session says goodbye first.
 */
import { isMillraceError, MillraceError, toError } from '../errors.js';
import type { CheckpointTarget } from '../protocol/messages.js';
import { sleepUntilAborted } from '../runtime/race.js';
import { DaemonError } from './daemon-error.js';
import { contradictions, leaseSteps, newLeases, readableShards } from './lease-plan.js';
import { ShardLoop, type LocalEngineOptions, type ShardState } from './shard-loop.js';
import type { SourceShard, StreamFacts } from './source.js';

export type LocalEngineOutcome = { readonly kind: 'stopped' } | { readonly kind: 'failed'; readonly error: Error };

export interface LocalShardStatus {
  readonly shardId: string;
  readonly parentShardIds: readonly string[];
  readonly state: ShardState;
  /** Undefined before its first session. */
  readonly sessionId: string | undefined;
  /** Sessions after the first: a worker that fails gets a new one. */
  readonly restarts: number;
  readonly checkpoint: CheckpointTarget | undefined;
  readonly millisBehindLatest: number | undefined;
}

/** Listing shards is cheap, not free; AWS allows 100 calls a second for all consumers of a stream. */
const SHARD_SYNC_MIN_MS = 1_000;

export class LocalEngine {
  /** Resolves once, when everything has ended; never rejects. */
  readonly closed: Promise<LocalEngineOutcome>;
  private readonly loops = new Map<string, ShardLoop>();
  private readonly running = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly givenUp = new AbortController();
  private shards: readonly SourceShard[] = [];
  private shardEnded = new AbortController();
  private failure: Error | undefined;
  private started: Promise<void> | undefined;
  private resolveClosed: (outcome: LocalEngineOutcome) => void = () => undefined;

  constructor(private readonly options: LocalEngineOptions) {
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve;
    });
  }

  /**
   * Looks the stream up and opens the first sessions.
   *
   * @throws MillraceError STREAM_NOT_FOUND, ENDPOINT_UNREACHABLE, CREDENTIALS_MISSING or SOURCE_FAILED from the source;
   * CHECKPOINT_STORE_FAILED when the checkpoints belong to another stream of this name; WORKER_STOPPED after `stop()`.
   */
  start(): Promise<void> {
    this.started ??= this.open();
    return this.started;
  }

  /** Ends every session in order, within shutdownGraceMs; safe to call twice. */
  async stop(): Promise<void> {
    this.endInOrder();
    await this.closed;
  }

  /** Every shard the stream holds or that was read in this run, in the order of their ids. */
  status(): readonly LocalShardStatus[] {
    const { store } = this.options;
    const parents = new Map(this.shards.map((shard) => [shard.shardId, shard.parentShardIds]));
    const shardIds = [...new Set([...parents.keys(), ...this.loops.keys()])].toSorted();
    return shardIds.map((shardId) => {
      const loop = this.loops.get(shardId);
      const checkpoint = store.get(shardId);
      return {
        shardId,
        parentShardIds: parents.get(shardId) ?? [],
        state: loop?.state ?? stateWithoutLoop(checkpoint),
        sessionId: loop?.sessionId,
        restarts: Math.max(0, (loop?.sessions ?? 0) - 1),
        checkpoint,
        millisBehindLatest: loop?.millisBehindLatest,
      };
    });
  }

  private async open(): Promise<void> {
    const { signal } = this.stopping;
    try {
      const facts = await this.options.source.describe(signal);
      const shards = await this.options.source.listShards(signal);
      signal.throwIfAborted();
      this.refuseForeignLeases(facts, shards);
      await this.openShards(shards);
    } catch (error) {
      const failure = signal.aborted
        ? new MillraceError('WORKER_STOPPED', 'The worker was stopped while it started.')
        : toError(error);
      this.fail(failure);
      throw failure;
    }
    this.keep(this.syncUntilStopped());
  }

  /** Finds children of ended shards at once, and everything else in good time. */
  private async syncUntilStopped(): Promise<void> {
    const { clock, consumer, source } = this.options;
    const { shardSyncIntervalMs, parentShardPollIntervalMs } = consumer.settings;
    const intervalMs = Math.max(SHARD_SYNC_MIN_MS, Math.min(shardSyncIntervalMs, parentShardPollIntervalMs));
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await sleepUntilAborted(clock, intervalMs, signal, this.shardEnded.signal);
      if (signal.aborted) return;
      this.shardEnded = new AbortController();
      try {
        await this.openShards(await source.listShards(signal));
      } catch (error) {
        if (signal.aborted) return;
        // A lease that could not be stored is tried again at the next round; sessions that run are not touched.
        if (!(error instanceof DaemonError)) throw error;
        this.options.logger.error({ error: error.message }, `New shards cannot start yet: ${error.message}`);
      }
    }
  }

  private async openShards(shards: readonly SourceShard[]): Promise<void> {
    const { store, consumer } = this.options;
    this.shards = shards;
    const leaseOf = (shardId: string): CheckpointTarget | undefined => store.get(shardId);
    const leases = newLeases(shards, leaseOf, {
      initial: consumer.settings.initialPosition,
      first: store.empty,
    });
    for (const step of leaseSteps(leases, shards))
      await Promise.all(step.map((lease) => store.put(lease.shardId, lease.start)));
    for (const shardId of readableShards(shards, leaseOf)) {
      if (!this.loops.has(shardId) && !this.stopping.signal.aborted) this.openShard(shardId);
    }
  }

  private openShard(shardId: string): void {
    const loop = new ShardLoop(this.options, shardId, { stopping: this.stopping.signal, givenUp: this.givenUp.signal });
    this.loops.set(shardId, loop);
    this.keep(
      loop.run().then(() => {
        if (loop.state === 'ended') this.shardEnded.abort();
      }),
    );
  }

  /** Runs beside the others; the engine is closed when the last one has ended. */
  private keep(work: Promise<void>): void {
    const kept: Promise<void> = work
      .catch((error: unknown) => {
        this.fail(toError(error));
      })
      .then(() => {
        this.running.delete(kept);
        if (this.running.size === 0 && this.stopping.signal.aborted) this.close();
      });
    this.running.add(kept);
  }

  private fail(error: Error): void {
    if (this.failure === undefined && !isMillraceError(error, 'WORKER_STOPPED')) this.failure = error;
    this.endInOrder();
  }

  private endInOrder(): void {
    if (this.stopping.signal.aborted) return;
    this.stopping.abort(new MillraceError('WORKER_STOPPED', 'The worker is stopping.'));
    const { clock, consumer } = this.options;
    const grace = clock.setTimer(consumer.settings.shutdownGraceMs, () => {
      this.giveUp();
    });
    void this.closed.then(() => {
      grace.cancel();
    });
    if (this.running.size === 0) this.close();
  }

  private giveUp(): void {
    const open = [...this.loops.values()]
      .filter((loop) => loop.state !== 'ended' && loop.state !== 'stopped')
      .map((loop) => loop.shardId);
    this.options.logger.warn(
      { shards: open },
      'The grace time is over: the sessions that still run are cut off, their records come again at the next start.',
    );
    this.givenUp.abort();
    this.close();
  }

  private close(): void {
    this.resolveClosed(this.failure === undefined ? { kind: 'stopped' } : { kind: 'failed', error: this.failure });
  }

  private refuseForeignLeases(facts: StreamFacts, shards: readonly SourceShard[]): void {
    const [shardId] = contradictions(shards, (id) => this.options.store.get(id));
    if (shardId === undefined) return;
    throw new MillraceError(
      'CHECKPOINT_STORE_FAILED',
      `The checkpoints say that ${shardId} of stream ${facts.stream} has ended, but it is open: they belong to an earlier stream of this name. Delete the checkpoint file to begin at the initial position.`,
      { details: { shardId, stream: facts.stream } },
    );
  }
}

function stateWithoutLoop(checkpoint: CheckpointTarget | undefined): ShardState {
  if (checkpoint === undefined) return 'unread';
  return checkpoint === 'SHARD_END' ? 'ended' : 'blocked';
}
