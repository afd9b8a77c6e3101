/**
 * The daemon's side of one child session: what the MultiLangDaemon does for one shard, over any byte channel. The local
 * engine and the testing package both drive it, so a consumer sees the same everywhere.
 *
 * D1 Strictly serial: an action goes out when the one before it was answered.
 * D2 The worker's output is read only while an action is open; what it writes in between is taken for part of the next.
 * D3 Checkpoints count in processRecords, shutdownRequested and shardEnded; elsewhere the answer is InvalidStateException.
 * D4 A wrong status, the word null, or the end of the channel in an action are the end of the session.
 * D5 Records up to the last checkpoint are never delivered.
 * D6 With a message timeout, every single message has to come in time; a daemon halts otherwise, with all its shards.
 */
import { MillraceError, toError } from '../errors.js';
import type { ByteChannel, Clock } from '../ports.js';
import { encodeDaemonMessage } from '../protocol/daemon-side.js';
import type { Action, DaemonMessage, Position, WireRecord } from '../protocol/messages.js';
import type { CheckpointStore } from './checkpoint-store.js';
import { DaemonCheckpointer } from './daemon-checkpointer.js';
import { WorkerInbox, type InboxRead } from './worker-inbox.js';
import { readWorkerLine, type WorkerLine } from './worker-line.js';

export interface ShardDaemonOptions {
  readonly shardId: string;
  readonly channel: ByteChannel;
  readonly store: Pick<CheckpointStore, 'put'>;
  /** Empty batches are delivered (callProcessRecordsEvenForEmptyRecordList), also when a batch was wholly done before; default true. */
  readonly heartbeat?: boolean;
  /** How long one message of the worker may take (timeoutInSeconds). @defaultValue for ever */
  readonly messageTimeout?: MessageTimeout | undefined;
  readonly observer?: ShardDaemonObserver;
}

export interface MessageTimeout {
  readonly ms: number;
  readonly clock: Clock;
}

/** Watches a session from the daemon's side. It must not throw and must not wait. */
export interface ShardDaemonObserver {
  onSent?(message: DaemonMessage): void;
  /** Every line of the worker, when the daemon reads it. */
  onReceived?(message: WorkerLine): void;
  /** What a worker must never do, whether the daemon minds or not. */
  onMisbehaviour?(misbehaviour: Misbehaviour): void;
  /** The worker closed its end; the daemon itself would notice at its next message only. */
  onEnd?(cause: Error | undefined): void;
}

export interface Misbehaviour {
  /**
   * `skippedLine`: not a message, the daemon reads on. `outOfTurn`: written while no action was open; the daemon takes it
   * for part of the next action. `wrongStatus`, `nullLine`: the end of the session, and of a real daemon's whole worker.
   */
  readonly kind: 'skippedLine' | 'outOfTurn' | 'wrongStatus' | 'nullLine';
  readonly line: string;
  readonly detail: string;
}

type Phase = 'new' | 'ready' | 'over' | 'closed';

const WITH_CHECKPOINTER: ReadonlySet<Action> = new Set<Action>(['processRecords', 'shutdownRequested', 'shardEnded']);

/** One session. Every action resolves at its status; it rejects with PROTOCOL_VIOLATION or TRANSPORT_FAILED, and all later ones with it. */
export class ShardDaemon {
  private readonly inbox = new WorkerInbox();
  private readonly observer: ShardDaemonObserver;
  private phase: Phase = 'new';
  private open: Action | undefined;
  private queue: Promise<void> = Promise.resolve();
  private failure: MillraceError | undefined;
  private checkpointer: DaemonCheckpointer;

  constructor(private readonly options: ShardDaemonOptions) {
    this.observer = options.observer ?? {};
    this.checkpointer = this.checkpointerFrom({ sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 });
    options.channel.start({
      data: (chunk) => {
        this.take(chunk);
      },
      end: (cause) => {
        this.inbox.end(cause);
        this.observer.onEnd?.(cause);
      },
    });
  }

  /** Opens the session where the lease stands: a position, or `TRIM_HORIZON`, `LATEST`, `AT_TIMESTAMP` before the first checkpoint. */
  initialize(start: Position): Promise<void> {
    return this.enqueue('initialize', async () => {
      this.checkpointer = this.checkpointerFrom(start);
      await this.exchange({ kind: 'initialize', shardId: this.options.shardId, ...start });
      this.phase = 'ready';
    });
  }

  /** Delivers a batch, less the records that the last checkpoint covers; an empty rest is delivered only as a heartbeat. */
  processRecords(records: readonly WireRecord[], millisBehindLatest?: number): Promise<void> {
    return this.enqueue('processRecords', async () => {
      const fresh = records.filter((record) => !this.checkpointer.isDone(record));
      if (fresh.length === 0 && this.options.heartbeat === false) return;
      for (const record of fresh) this.checkpointer.permitUpTo(record);
      await this.exchange({ kind: 'processRecords', records: fresh, millisBehindLatest });
    });
  }

  shutdownRequested(): Promise<void> {
    return this.enqueue('shutdownRequested', () => this.exchange({ kind: 'shutdownRequested' }));
  }

  leaseLost(): Promise<void> {
    return this.enqueue('leaseLost', async () => {
      await this.exchange({ kind: 'leaseLost' });
      this.phase = 'over';
    });
  }

  /** `checkpointed` is false when the worker acknowledged without storing SHARD_END: its children must not start. */
  async shardEnded(): Promise<{ readonly checkpointed: boolean }> {
    await this.enqueue('shardEnded', async () => {
      this.checkpointer.permitShardEnd();
      await this.exchange({ kind: 'shardEnded' });
      this.phase = 'over';
    });
    return { checkpointed: this.checkpointer.endStored };
  }

  /** End of input for the worker, at once: an open action is left unanswered and rejects. Safe to call twice. */
  async end(): Promise<void> {
    this.phase = 'closed';
    this.inbox.end(undefined);
    await this.options.channel.close();
  }

  private enqueue(action: Action, run: () => Promise<void>): Promise<void> {
    const result = this.queue.then(() => {
      this.mayRun(action);
      return run();
    });
    // The queue goes on after a failure; `mayRun` then refuses with the same failure.
    this.queue = result.catch(() => undefined);
    return result;
  }

  private mayRun(action: Action): void {
    if (this.failure !== undefined) throw this.failure;
    const expected: Phase = action === 'initialize' ? 'new' : 'ready';
    if (this.phase === expected) return;
    throw violation(
      `${action} cannot be delivered to shard ${this.options.shardId}: its session is ${describePhase(this.phase)}.`,
    );
  }

  private async exchange(message: Exclude<DaemonMessage, { kind: 'checkpoint' }>): Promise<void> {
    this.open = message.kind;
    try {
      this.send(message);
      while (!(await this.readAnswer(message.kind)));
    } catch (error) {
      this.failure = error instanceof MillraceError ? error : violation(toError(error).message);
      throw this.failure;
    } finally {
      this.open = undefined;
    }
  }

  /** True when the line was the status of this action. */
  private async readAnswer(action: Action): Promise<boolean> {
    const read = await this.nextInTime(action);
    if (read.kind === 'end') throw this.workerEnded(action, read.cause);
    const message = readWorkerLine(read.line);
    this.observer.onReceived?.(message);
    switch (message.kind) {
      case 'skipped':
        this.misbehaved('skippedLine', read.line, message.why);
        return false;
      case 'null':
        throw this.fatal('nullLine', read.line, 'the word null ends a real daemon with every shard of its worker');
      case 'checkpoint':
        await this.answerCheckpoint(action, message);
        return false;
      case 'status':
        if (message.responseFor === action) return true;
        throw this.fatal(
          'wrongStatus',
          read.line,
          `the status is for ${message.responseFor ?? 'nothing'} while ${action} is open`,
        );
      default:
        return message satisfies never;
    }
  }

  private nextInTime(action: Action): Promise<InboxRead> {
    const { messageTimeout, shardId } = this.options;
    if (messageTimeout === undefined) return this.inbox.next();
    const { ms, clock } = messageTimeout;
    return new Promise((resolve, reject) => {
      const timer = clock.setTimer(ms, () => {
        const silent = `The worker of shard ${shardId} has sent no message for ${ms} ms while ${action} is open`;
        reject(violation(`${silent}: with this timeoutInSeconds, a daemon halts now, with all its shards.`));
      });
      void this.inbox.next().then((read) => {
        timer.cancel();
        resolve(read);
      });
    });
  }

  private async answerCheckpoint(action: Action, message: Extract<WorkerLine, { kind: 'checkpoint' }>): Promise<void> {
    const { sequenceNumber, subSequenceNumber } = message;
    const error = WITH_CHECKPOINTER.has(action)
      ? await this.checkpointer.checkpoint(sequenceNumber, subSequenceNumber)
      : 'InvalidStateException';
    this.send({ kind: 'checkpoint', sequenceNumber, subSequenceNumber, error });
  }

  private send(message: DaemonMessage): void {
    // After end() an action may still be finishing its store write; its answer has nowhere to go.
    if (this.phase === 'closed') return;
    this.observer.onSent?.(message);
    this.options.channel.write(encodeDaemonMessage(message));
  }

  private take(chunk: Uint8Array): void {
    try {
      for (const line of this.inbox.push(chunk)) {
        if (this.open === undefined) this.misbehaved('outOfTurn', line, 'no action is open');
      }
    } catch (error) {
      // A line without end: nothing after it can be understood.
      this.inbox.end(toError(error));
    }
  }

  private checkpointerFrom(start: Position): DaemonCheckpointer {
    return new DaemonCheckpointer(this.options.shardId, this.options.store, start);
  }

  private workerEnded(action: Action, cause: Error | undefined): MillraceError {
    const who = this.phase === 'closed' ? 'The daemon' : 'The worker';
    const message = `${who} closed the channel while ${action} of shard ${this.options.shardId} was open.`;
    return new MillraceError('TRANSPORT_FAILED', message, cause === undefined ? {} : { cause });
  }

  private fatal(kind: Misbehaviour['kind'], line: string, detail: string): MillraceError {
    this.misbehaved(kind, line, detail);
    return violation(`The worker of shard ${this.options.shardId} broke the protocol: ${detail}.`);
  }

  private misbehaved(kind: Misbehaviour['kind'], line: string, detail: string): void {
    this.observer.onMisbehaviour?.({ kind, line, detail });
  }
}

function describePhase(phase: Phase): string {
  switch (phase) {
    case 'new':
      return 'not initialized yet';
    case 'ready':
      return 'initialized already';
    case 'over':
      return 'over (leaseLost or shardEnded was delivered)';
    case 'closed':
      return 'closed';
    default:
      return phase satisfies never;
  }
}

function violation(message: string): MillraceError {
  return new MillraceError('PROTOCOL_VIOLATION', message);
}
