/** One shard of a bed: delivers records to the production runner as the daemon would, and plays its lease. */
import type { PositionData, ShardStatus } from '@millrace/core';
import { DaemonError, memoryChannelPair, ShardDaemon, ShardRunner, type SessionOutcome, type WireRecord } from '@millrace/core/internal';
import type { BedParts } from './bed-parts.js';
import type { DeliveredRecord, History } from './history.js';
import type { Observed } from './observed.js';
import type { TestRecord } from './record-builders.js';

type CheckpointTarget = PositionData | 'SHARD_END';

/** One lease of the shard: from initialize to the end of input. */
interface Lease {
  readonly sessionId: string;
  readonly daemon: ShardDaemon;
  readonly runner: ShardRunner;
  readonly outcome: Promise<SessionOutcome>;
  ended: SessionOutcome | undefined;
}

export class TestShard implements Observed {
  readonly shardId: string;
  /** As given to testBed: `'A'`, or the number. */
  readonly name: string;
  readonly history: History;
  readonly delivered: DeliveredRecord[] = [];
  readonly #parts: BedParts;
  #lease: Lease;
  #leases = 0;
  #stored: CheckpointTarget | undefined;
  #stolen = false;
  /** Daemon actions that are not answered yet. */
  #open = 0;

  constructor(parts: BedParts, name: string, shardId: string) {
    this.#parts = parts;
    this.name = name;
    this.shardId = shardId;
    this.history = parts.history;
    this.#lease = this.#openLease();
  }

  /** What the checkpoint store has; undefined before the first checkpoint. */
  get stored(): CheckpointTarget | undefined {
    return this.#stored;
  }
  /** Actions the worker has not answered yet. */
  get unanswered(): number {
    return this.#open;
  }
  get status(): ShardStatus {
    return this.#lease.runner.status;
  }
  /** How the current session ended; undefined while it lives. */
  get ended(): SessionOutcome | undefined {
    return this.#lease.ended;
  }

  /** Delivers one batch, in order, and gives the records back as they were delivered. `bed.idle()` waits for the outcome. */
  deliver(...batch: readonly TestRecord[]): readonly DeliveredRecord[] {
    const placed = batch.flatMap((record) => this.#parts.place(record));
    const records = placed.map((wire) => this.#known(wire));
    this.delivered.push(...records);
    this.#act(this.#lease.daemon.processRecords(placed, 0));
    return records;
  }

  /** Delivers these records once more, as a daemon does inside a session or after a lease was lost. */
  redeliver(...records: readonly DeliveredRecord[]): void {
    this.#act(this.#lease.daemon.processRecords(records.map((record) => this.#parts.wireOf(record.id)), 0));
  }

  /** An empty batch: what a quiet shard gets every idle time. */
  heartbeat(): void {
    if (this.#lease.ended === undefined) this.#act(this.#lease.daemon.processRecords([], 0));
  }

  /** The shard was split or merged and everything was delivered; resolves to whether SHARD_END was stored. */
  async end(): Promise<boolean> {
    const ended = this.#lease.daemon.shardEnded();
    this.#act(ended.then(() => undefined));
    await this.#parts.settle();
    return (await ended).checkpointed;
  }

  /** KCL hands the shard to another worker: shutdownRequested, then leaseLost. */
  handOff(): void {
    this.requestShutdown();
    this.#act(this.#lease.daemon.leaseLost());
  }

  requestShutdown(): void {
    this.#act(this.#lease.daemon.shutdownRequested());
  }

  /**
   * Another worker has taken the lease. As in KCL nobody tells this one at once: its checkpoints are refused from now on,
   * and leaseLost comes when the running action is answered.
   */
  loseLease(): void {
    this.#stolen = true;
    this.#act(this.#lease.daemon.leaseLost());
  }

  /** The process dies here: end of input, and a new session from what the store has, as another worker would begin. */
  async crash(): Promise<void> {
    await this.#endLease();
    this.#stolen = false;
    this.#lease = this.#openLease();
    await this.#parts.settle();
  }

  /** For `bed.dispose()`. */
  async close(): Promise<void> {
    await this.#endLease();
  }

  drain(): void {
    this.#lease.runner.drain();
  }

  #openLease(): Lease {
    this.#leases += 1;
    const sessionId = `${this.name}/${this.#leases}`;
    const { worker, daemon: channel } = memoryChannelPair();
    const common = (): { atMs: number; shardId: string; sessionId: string } => ({ atMs: this.#parts.clock.elapsedMs, shardId: this.shardId, sessionId });
    const daemon = new ShardDaemon({
      shardId: this.shardId,
      channel,
      store: { put: (_, target) => this.#put(target) },
      observer: {
        onSent: (message) => this.history.add({ ...common(), kind: 'daemonSent', message }),
        onReceived: (line) => this.history.add({ ...common(), kind: 'workerSent', line }),
        onMisbehaviour: ({ kind, detail }) => this.history.add({ ...common(), kind: 'misbehaved', what: kind, detail }),
      },
    });
    const runner = this.#parts.openRunner(sessionId, worker);
    const lease: Lease = { sessionId, daemon, runner, outcome: runner.run(), ended: undefined };
    void lease.outcome.then((outcome) => {
      lease.ended = outcome;
    });
    const start = this.#stored === undefined || this.#stored === 'SHARD_END' ? { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 } : this.#stored;
    this.#act(daemon.initialize(start));
    return lease;
  }

  async #endLease(): Promise<void> {
    await this.#lease.daemon.end();
    await this.#parts.advanceUntil(this.#lease.outcome);
  }

  #put(target: CheckpointTarget): Promise<void> {
    const refused = this.#stolen ? 'ShutdownException' : this.#parts.nextCheckpointError();
    if (refused !== undefined) return Promise.reject(new DaemonError(refused, 'The test says so.'));
    this.#stored = target;
    this.history.add({ atMs: this.#parts.clock.elapsedMs, kind: 'stored', shardId: this.shardId, target });
    return Promise.resolve();
  }

  /** Counts an action until it is answered; one that is cut off by the end of its session is no failure. */
  #act(answered: Promise<unknown>): void {
    this.#open += 1;
    const done = (): void => {
      this.#open -= 1;
    };
    answered.then(done, done);
  }

  #known(wire: WireRecord): DeliveredRecord {
    const { sequenceNumber, subSequenceNumber, partitionKey, data } = wire;
    const id = `${this.shardId}:${sequenceNumber}:${subSequenceNumber}`;
    this.#parts.remember(id, wire);
    return { id, shardId: this.shardId, sequenceNumber, subSequenceNumber, partitionKey, data };
  }
}
