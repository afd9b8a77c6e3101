/**
 * Reads one shard and drives its sessions: read, deliver, wait, until the shard ends or the engine stops. A worker that
 * fails gets a new session from the stored checkpoint after a backoff, as a restarted daemon would give it.
 */
import type { ResolvedConsumer } from '../config/resolved.js';
import { isMillraceError, MillraceError, toError } from '../errors.js';
import { backoffMs } from '../policy/retry.js';
import type { ByteChannel, Clock, Logger, Random } from '../ports.js';
import type { Position } from '../protocol/messages.js';
import { sleepUntilAborted } from '../runtime/race.js';
import { memoryChannelPair } from '../transport/memory-channel.js';
import type { CheckpointStore } from './checkpoint-store.js';
import { deaggregate } from './kpl.js';
import { startOf } from './lease-plan.js';
import { ShardDaemon, type Misbehaviour } from './shard-daemon.js';
import type { RecordSource, ShardRead, ShardReader } from './source.js';

export interface LocalEngineOptions {
  readonly consumer: ResolvedConsumer;
  readonly source: RecordSource;
  readonly store: CheckpointStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Starts a runner on the worker's end of a new session. */
  readonly openSession: (session: LocalSession) => void;
}

export interface LocalSession {
  /** Unique in this process. */
  readonly sessionId: string;
  readonly shardId: string;
  readonly channel: ByteChannel;
}

/** `unread`: without a lease, as parents that lie before the initial position are. `blocked`: waits for the end of its parents. */
export type ShardState =
  | 'unread'
  | 'blocked'
  | 'initializing'
  | 'idle'
  | 'processing'
  | 'ending'
  | 'restarting'
  | 'ended'
  | 'stopped';

/** How the engine ends its shards; both signals are shared by all of them. */
export interface StopSignals {
  /** No more reads; running actions may finish, then the session ends in order. */
  readonly stopping: AbortSignal;
  /** The grace time is over: end of input, at once. */
  readonly givenUp: AbortSignal;
}

/** How a session ended; a source that fails for good is thrown instead. */
type SessionEnd =
  | { readonly kind: 'shardEnded' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly error: MillraceError };

const RESTART_MAX_DELAY_MS = 30_000;

export class ShardLoop {
  state: ShardState = 'initializing';
  sessions = 0;
  millisBehindLatest: number | undefined;
  private failures = 0;

  constructor(
    private readonly options: LocalEngineOptions,
    readonly shardId: string,
    private readonly signals: StopSignals,
  ) {}

  get sessionId(): string {
    return `${this.options.consumer.applicationName}/${this.shardId}#${this.sessions}`;
  }

  /** Resolves when the shard ended with its checkpoint, or the engine stops; rejects when the source fails for good. */
  async run(): Promise<void> {
    while (!this.signals.stopping.aborted) {
      const end = await this.runSession();
      if (end.kind === 'shardEnded') {
        this.state = 'ended';
        return;
      }
      if (end.kind === 'failed') await this.backOff(end.error);
    }
    this.state = 'stopped';
  }

  private async runSession(): Promise<SessionEnd> {
    const lease = this.options.store.get(this.shardId);
    if (lease === 'SHARD_END') return { kind: 'shardEnded' };
    this.sessions += 1;
    this.state = 'initializing';
    const pair = memoryChannelPair();
    const workerGone = new AbortController();
    const daemon = this.daemonOn(pair.daemon, workerGone);
    const giveUp = (): void => void daemon.end();
    this.signals.givenUp.addEventListener('abort', giveUp, { once: true });
    this.options.openSession({ sessionId: this.sessionId, shardId: this.shardId, channel: pair.worker });
    try {
      return await this.serve(
        daemon,
        lease ?? { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 },
        workerGone.signal,
      );
    } catch (error) {
      if (isSessionFailure(error)) return { kind: 'failed', error };
      throw error;
    } finally {
      this.signals.givenUp.removeEventListener('abort', giveUp);
      await daemon.end();
    }
  }

  private async serve(daemon: ShardDaemon, lease: Position, workerGone: AbortSignal): Promise<SessionEnd> {
    await this.watched('initialize', daemon.initialize(lease));
    let sourceFailure: Error | undefined;
    try {
      const reader = this.options.source.openShard(
        this.shardId,
        startOf(lease, this.options.consumer.settings.initialPosition),
      );
      if ((await this.deliverAll(daemon, reader, workerGone)) === 'shardEnd') return await this.endShard(daemon);
    } catch (error) {
      if (isSessionFailure(error)) throw error;
      // The worker has done nothing wrong: it gets the ordinary goodbye before the failure goes up.
      sourceFailure = toError(error);
    }
    this.state = 'ending';
    await this.watched('shutdownRequested', daemon.shutdownRequested());
    await this.watched('leaseLost', daemon.leaseLost());
    if (sourceFailure !== undefined) throw sourceFailure;
    return { kind: 'stopped' };
  }

  private async deliverAll(
    daemon: ShardDaemon,
    reader: ShardReader,
    workerGone: AbortSignal,
  ): Promise<'shardEnd' | 'stopping'> {
    const { clock, consumer } = this.options;
    const interrupted = AbortSignal.any([this.signals.stopping, workerGone]);
    while (!this.signals.stopping.aborted) {
      this.state = 'idle';
      const read = await this.readUnless(interrupted, reader);
      if (read !== undefined) await this.deliver(daemon, read);
      if (workerGone.aborted)
        throw new MillraceError('TRANSPORT_FAILED', `The worker of shard ${this.shardId} closed its channel.`);
      // A worker that drains may have given records up: it would hold the end of the shard for the whole grace time.
      if (read?.ended === true && !this.signals.stopping.aborted) return 'shardEnd';
      this.state = 'idle';
      await sleepUntilAborted(clock, consumer.settings.idleTimeBetweenReadsMs, interrupted);
    }
    return 'stopping';
  }

  private async readUnless(interrupted: AbortSignal, reader: ShardReader): Promise<ShardRead | undefined> {
    try {
      return await reader.read(this.options.consumer.settings.maxRecords, interrupted);
    } catch (error) {
      if (interrupted.aborted) return undefined;
      throw error;
    }
  }

  private async deliver(daemon: ShardDaemon, read: ShardRead): Promise<void> {
    this.millisBehindLatest = read.millisBehindLatest;
    const parts = read.records.map((record) => ({ record, ...deaggregate(record) }));
    for (const { record, dropped } of parts) {
      if (dropped === 0) continue;
      const fields = { shardId: this.shardId, sequenceNumber: record.sequenceNumber, dropped };
      this.options.logger.error(
        fields,
        'A KPL aggregate contradicts itself; the KCL drops the rest of its user records, and so does this engine.',
      );
    }
    const records = parts.flatMap((part) => part.records);
    if (records.length === 0 && !this.options.consumer.settings.heartbeat) return;
    this.state = 'processing';
    await this.watched('processRecords', daemon.processRecords(records, read.millisBehindLatest));
    if (records.length > 0) this.failures = 0;
  }

  private async endShard(daemon: ShardDaemon): Promise<SessionEnd> {
    this.state = 'ending';
    const { checkpointed } = await this.watched('shardEnded', daemon.shardEnded());
    if (checkpointed) return { kind: 'shardEnded' };
    const message = `The worker acknowledged the end of shard ${this.shardId} without its checkpoint: the shards after it cannot start. It gets another session.`;
    return { kind: 'failed', error: new MillraceError('PROTOCOL_VIOLATION', message) };
  }

  private async backOff(error: MillraceError): Promise<void> {
    if (this.signals.stopping.aborted) return;
    this.state = 'restarting';
    this.failures += 1;
    const backoff = {
      initialDelayMs: this.options.consumer.settings.taskBackoffTimeMs,
      maxDelayMs: RESTART_MAX_DELAY_MS,
      factor: 2,
    };
    const delayMs = backoffMs(backoff, this.failures, this.options.random);
    const fields = {
      shardId: this.shardId,
      sessionId: this.sessionId,
      code: error.code,
      error: error.message,
      failures: this.failures,
      delayMs,
    };
    this.options.logger.error(
      fields,
      `The session of shard ${this.shardId} failed and starts again from its checkpoint in ${delayMs} ms: ${error.message}`,
    );
    await sleepUntilAborted(this.options.clock, delayMs, this.signals.stopping);
  }

  /** As the daemon does with logWarningForTaskAfterMillis: says again and again that an action is not answered. */
  private async watched<T>(action: string, answer: Promise<T>): Promise<T> {
    const { clock, consumer, logger } = this.options;
    const everyMs = consumer.settings.logWarningForTaskAfterMs;
    const answered = new AbortController();
    const warn = async (): Promise<void> => {
      for (let pendingMs = everyMs; await sleepUntilAborted(clock, everyMs, answered.signal); pendingMs += everyMs) {
        logger.warn(
          { shardId: this.shardId, sessionId: this.sessionId, action, pendingMs },
          `${action} of shard ${this.shardId} is not answered after ${pendingMs} ms.`,
        );
      }
    };
    if (everyMs > 0) void warn();
    try {
      return await answer;
    } finally {
      answered.abort();
    }
  }

  private daemonOn(channel: ByteChannel, workerGone: AbortController): ShardDaemon {
    const { store, consumer } = this.options;
    return new ShardDaemon({
      shardId: this.shardId,
      channel,
      store,
      heartbeat: consumer.settings.heartbeat,
      observer: {
        onMisbehaviour: (misbehaviour) => {
          this.reportMisbehaviour(misbehaviour);
        },
        onEnd: () => {
          workerGone.abort();
        },
      },
    });
  }

  private reportMisbehaviour({ kind, detail, line }: Misbehaviour): void {
    const fields = { shardId: this.shardId, sessionId: this.sessionId, misbehaviour: kind, lineLength: line.length };
    this.options.logger.error(fields, `The worker of shard ${this.shardId} wrote what it must not write: ${detail}.`);
  }
}

function isSessionFailure(error: unknown): error is MillraceError {
  return isMillraceError(error, 'TRANSPORT_FAILED') || isMillraceError(error, 'PROTOCOL_VIOLATION');
}
