/** One shard of a bed: delivers records to the production runner as the daemon would, and plays its lease. */
import { MillraceError, type PositionData, type ShardStatus } from '@millrace/core';
import {
  comparePositions,
  DaemonError,
  memoryChannelPair,
  ShardDaemon,
  toError,
  type SessionOutcome,
  type WireRecord,
} from '@millrace/core/internal';
import type { BedParts, ShardServer } from './bed-parts.js';
import type { DeliveredRecord, History } from './history.js';
import type { Observed } from './observed.js';
import type { SingleRecord, TestRecord } from './record-builders.js';

type CheckpointTarget = PositionData | 'SHARD_END';
type DaemonAction = 'initialize' | 'processRecords' | 'shutdownRequested' | 'leaseLost' | 'shardEnded';

const CUT_OFF = 'its session was cut off';
const ENDED = 'it has ended';

/** Single records come back one for one; a KPL aggregate comes back as its user records. */
export type Delivered<R extends readonly TestRecord[]> = R extends readonly SingleRecord[]
  ? { readonly [K in keyof R]: DeliveredRecord }
  : readonly DeliveredRecord[];

/** One lease of the shard: from initialize to the end of input. */
interface Lease {
  readonly sessionId: string;
  readonly daemon: ShardDaemon;
  readonly runner: ShardServer;
  readonly outcome: Promise<SessionOutcome>;
  /** Actions that are not answered yet, the open one first. */
  readonly owed: DaemonAction[];
  /** Another worker has it. */
  stolen: boolean;
  /** Why nothing can be delivered any more. */
  closing: string | undefined;
  ended: SessionOutcome | undefined;
  /** The goodbye was said and answered. */
  over: boolean;
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
  #answers = 0;
  #crashed = false;
  #stored: CheckpointTarget | undefined;

  constructor(parts: BedParts, { name, shardId, stored }: Pick<TestShard, 'name' | 'shardId' | 'stored'>) {
    this.#parts = parts;
    this.name = name;
    this.shardId = shardId;
    this.history = parts.history;
    this.#stored = stored;
    this.#lease = this.#openLease();
  }

  /** Another worker's shard, whose lease is stolen: what its checkpoint does not cover comes again here. */
  static taking(parts: BedParts, other: TestShard): TestShard {
    const shard = new TestShard(parts, other);
    other.#lease.stolen = true;
    const again = shard.#uncoveredOf(other);
    shard.delivered.push(...again);
    if (again.length > 0) shard.redeliver(...again);
    return shard;
  }

  /** What the checkpoint store has; undefined before the first checkpoint. */
  get stored(): CheckpointTarget | undefined {
    return this.#stored;
  }
  get status(): ShardStatus {
    return this.#lease.runner.status;
  }
  /** The action that the worker has not answered yet. */
  get unanswered(): DaemonAction | undefined {
    return this.#lease.owed[0];
  }
  /** How many actions were answered, in all sessions. */
  get answers(): number {
    return this.#answers;
  }
  /** Whether something can be delivered: false once the lease is lost, handed over or ended. */
  get acceptsRecords(): boolean {
    return this.#lease.closing === undefined && this.#lease.ended === undefined;
  }
  /** How the current session ended; undefined while it lives. */
  get ended(): SessionOutcome | undefined {
    return this.#lease.ended;
  }

  /** Whether its end was delivered and the session still lives: it is not answered yet. */
  get ending(): boolean {
    return this.#lease.closing === ENDED && this.#lease.ended === undefined;
  }

  /** Whether the daemon has said goodbye: the lease is lost, handed over, or the shard has ended. */
  get over(): boolean {
    return this.#lease.over;
  }

  /** Delivers one batch, in order, and gives the records back as they were delivered. `bed.idle()` lets it happen. */
  deliver<const R extends readonly TestRecord[]>(...batch: R): Delivered<R>;
  deliver(...batch: readonly TestRecord[]): readonly DeliveredRecord[] {
    const placed = batch.flatMap((record) => this.#parts.place(record));
    this.#send(placed);
    const records = placed.map((wire) => this.#known(wire));
    this.delivered.push(...records);
    return records;
  }

  /** Delivers these records once more: a daemon does so when it is not sure what it has sent. */
  redeliver(...records: readonly DeliveredRecord[]): void {
    this.#send(records.map((record) => this.#parts.wires.of(record.id)));
  }

  /** An empty batch: what a quiet shard gets every idle time, and the chance to write checkpoints that are due. */
  heartbeat(): void {
    this.#send([]);
  }

  /** The shard was split or merged and everything was delivered. `stored` is `'SHARD_END'` once the worker has said so. */
  end(): void {
    this.#act('shardEnded', (daemon) => daemon.shardEnded());
    this.#lease.closing = ENDED;
  }

  /** KCL hands the shard to another worker, or ends it with this worker: shutdownRequested, then leaseLost. */
  requestShutdown(): void {
    this.#act('shutdownRequested', (daemon) => daemon.shutdownRequested());
    this.#act('leaseLost', (daemon) => daemon.leaseLost());
    this.#lease.closing = 'its lease is handed over';
  }

  /**
   * Another worker has taken the lease. As in KCL nobody tells this one at once: its checkpoints are refused from now on,
   * and leaseLost comes when the running action is answered.
   */
  loseLease(): void {
    this.#act('leaseLost', (daemon) => daemon.leaseLost());
    this.#lease.stolen = true;
    this.#lease.closing = 'its lease is lost';
  }

  /**
   * The process dies here: end of input, whatever was running, on every shard of the bed, as the death of one child ends
   * the daemon; then as `restart` for each. JavaScript cannot be killed, so a handler that ignores its signal runs on; what
   * it does is ignored.
   */
  async crash(): Promise<void> {
    this.cut();
    await this.#parts.crash();
  }

  /** The process dies in this very moment: nothing is waited for, and `bed.idle()` starts the next one. */
  cut(): void {
    const lease = this.#lease;
    lease.closing = CUT_OFF;
    this.#crashed = true;
    void lease.daemon.end();
  }

  /** Whether its process died and no other one has started. */
  get crashed(): boolean {
    return this.#crashed;
  }

  /** A new session from what the store has; every record that the checkpoint does not cover is delivered again, in one batch. */
  async restart(): Promise<void> {
    if (this.#stored === 'SHARD_END') throw this.#misused('its end is stored, so no worker ever gets it again');
    await this.close();
    this.#crashed = false;
    this.#lease = this.#openLease();
    const again = this.#uncoveredOf(this);
    if (again.length > 0) this.redeliver(...again);
    await this.#parts.settle();
  }

  /** Ends the session, if it has not ended. */
  async close(): Promise<void> {
    const lease = this.#lease;
    lease.closing = CUT_OFF;
    await lease.daemon.end();
    await this.#parts.advanceUntil(lease.outcome);
  }

  /** As a worker that stops: no new handler, and the goodbye of the daemon. */
  stop(): void {
    if (this.#lease.ended !== undefined) return;
    this.#lease.runner.drain();
    if (this.#lease.closing === undefined) this.requestShutdown();
  }

  #uncoveredOf({ delivered }: TestShard): readonly DeliveredRecord[] {
    // A lease without a checkpoint under LATEST begins at the new tip: KCL itself passes over what was delivered before.
    if (this.#stored === undefined && this.#parts.start.sequenceNumber === 'LATEST') return [];
    return delivered.filter((record) => !isCovered(record, this.#stored));
  }

  #send(records: readonly WireRecord[]): void {
    this.#act('processRecords', (daemon) => daemon.processRecords(records, 0));
  }

  /** Queues an action behind the open one, as the daemon does. */
  #act(action: DaemonAction, perform: (daemon: ShardDaemon) => Promise<unknown>): void {
    const lease = this.#lease;
    if (lease.closing !== undefined) throw this.#misused(`${lease.closing}; shard.restart() opens a new session`);
    this.#owe(lease, action, perform(lease.daemon));
  }

  /** A session that is cut off leaves its actions unanswered; any other refusal is a failure of the session. */
  #owe(lease: Lease, action: DaemonAction, answered: Promise<unknown>): void {
    lease.owed.push(action);
    const answer = (): void => {
      this.#answers += 1;
      lease.owed.shift();
    };
    const said = (): void => {
      answer();
      // The goodbye has been said: as with the daemon, nothing comes after it but the end of input.
      if (action !== 'leaseLost' && action !== 'shardEnded') return;
      lease.over = true;
      void lease.daemon.end();
    };
    answered.then(said, (error: unknown) => {
      answer();
      if (lease.closing !== CUT_OFF) this.#parts.failed(toError(error));
    });
  }

  #openLease(): Lease {
    this.#leases += 1;
    const sessionId = `${this.name}/${this.#leases}`;
    const { worker, daemon: channel } = memoryChannelPair();
    const runner = this.#parts.openRunner(sessionId, worker);
    const daemon = this.#openDaemon(sessionId, channel, (target) => this.#put(lease, target));
    const lease: Lease = {
      sessionId,
      daemon,
      runner,
      outcome: runner.run(),
      owed: [],
      stolen: false,
      closing: undefined,
      ended: undefined,
      over: false,
    };
    void lease.outcome.then((outcome) => {
      lease.ended = outcome;
      if (outcome.kind === 'failed') this.#parts.failed(outcome.error);
    });
    const start = this.#stored === undefined || this.#stored === 'SHARD_END' ? this.#parts.start : this.#stored;
    this.#owe(lease, 'initialize', daemon.initialize(start));
    return lease;
  }

  #openDaemon(
    sessionId: string,
    channel: ConstructorParameters<typeof ShardDaemon>[0]['channel'],
    put: (target: CheckpointTarget) => Promise<void>,
  ): ShardDaemon {
    const { shardId, history } = this;
    const common = (): { atMs: number; shardId: string; sessionId: string } => ({
      atMs: this.#parts.clock.elapsedMs,
      shardId,
      sessionId,
    });
    return new ShardDaemon({
      shardId,
      channel,
      heartbeat: this.#parts.heartbeat,
      messageTimeout: this.#parts.messageTimeout,
      store: { put: (_, target) => put(target) },
      observer: {
        onSent: (message) => history.add({ ...common(), kind: 'daemonSent', message }),
        onReceived: (line) => history.add({ ...common(), kind: 'workerSent', line }),
        onMisbehaviour: ({ kind, detail }) => history.add({ ...common(), kind: 'misbehaved', what: kind, detail }),
      },
    });
  }

  #put(lease: Lease, target: CheckpointTarget): Promise<void> {
    const refused = lease.stolen ? 'ShutdownException' : this.#parts.nextCheckpointError();
    if (refused !== undefined) return Promise.reject(new DaemonError(refused, 'The test says so.'));
    this.#stored = target;
    this.history.add({ atMs: this.#parts.clock.elapsedMs, kind: 'stored', shardId: this.shardId, target });
    return Promise.resolve();
  }

  #known(wire: WireRecord): DeliveredRecord {
    const { sequenceNumber, subSequenceNumber, partitionKey, data } = wire;
    const id = `${this.shardId}:${sequenceNumber}:${subSequenceNumber}`;
    this.#parts.wires.remember(id, wire);
    return { id, shardId: this.shardId, sequenceNumber, subSequenceNumber, partitionKey, data };
  }

  #misused(why: string): MillraceError {
    return new MillraceError('TEST_MISUSED', `Nothing can be delivered on shard ${this.name}: ${why}.`);
  }
}

function isCovered(record: PositionData, stored: CheckpointTarget | undefined): boolean {
  if (stored === undefined) return false;
  return stored === 'SHARD_END' || comparePositions(record, stored) <= 0;
}
