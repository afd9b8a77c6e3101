/**
 * A stream, the local engine and the production runner, from one start to the next: records are put, shards split and
 * merge, workers stop and are killed. What every checkpoint covers is compared with what handlers have done.
 */
import { resolveConsumer } from '../../src/config/resolve.js';
import { defineConsumer, recordHandler } from '../../src/definition/define-consumer.js';
import type { RecordContext } from '../../src/definition/context.js';
import type { SessionEvent } from '../../src/events.js';
import { LiveSessions } from '../../src/runtime/live-sessions.js';
import { DaemonError } from '../../src/local/daemon-error.js';
import { LocalEngine } from '../../src/local/engine.js';
import { aggregate } from '../../src/local/kpl.js';
import { MemoryCheckpointStore } from '../../src/local/memory-checkpoint-store.js';
import { MemoryStream } from '../../src/local/memory-source.js';
import type { Logger } from '../../src/ports.js';
import type { CheckpointTarget, Position } from '../../src/protocol/messages.js';
import { compareTargets } from '../../src/protocol/position.js';
import { ManualClock } from './manual-clock.js';

export interface StreamPlan {
  readonly checkpoint: 'record' | 'batch' | 'manual' | { readonly everyMs: number };
  /** Handlers of every so many records take this long; 0 for none. */
  readonly slowEvery: number;
  /** Every so many records fail at their first attempt; 0 for none. */
  readonly failEvery: number;
  /** Every so many records are deferred for a while; 0 for none. */
  readonly deferEvery: number;
}

interface Sent {
  readonly n: number;
  readonly key: string;
  readonly shardId: string;
  readonly position: Position;
}

const SILENT: Logger = { debug: noop, info: noop, warn: noop, error: noop };

/** One process: what it does after it was killed does not count. */
interface Generation {
  readonly engine: LocalEngine;
  readonly sessions: LiveSessions;
  /** Where it started; what lies behind is nobody's but its own to handle before it may be covered. */
  readonly startedFrom: ReadonlyMap<string, CheckpointTarget>;
  readonly handled: Set<number>;
  killed: boolean;
  /** Its leases are another worker's: the table refuses its checkpoints. */
  lost: boolean;
}

export class StreamWorld {
  readonly clock = new ManualClock();
  readonly violations: string[] = [];
  readonly sent: Sent[] = [];
  readonly handled = new Set<number>();
  readonly history: SessionEvent[] = [];
  /** Each thing that happened, with what the workers were doing. */
  readonly situations = new Set<string>();
  storeFailures = 0;
  restarts = 0;
  readonly #plan: StreamPlan;
  readonly #stream = new MemoryStream({ stream: 'orders', shards: 2, now: () => this.clock.now() });
  readonly #checkpoints = new Map<string, CheckpointTarget>();
  readonly #firstHandled = new Map<string, number[]>();
  #running: Generation | undefined;
  readonly #lost: Generation[] = [];

  constructor(plan: StreamPlan) {
    this.#plan = plan;
  }

  put(keys: readonly number[], aggregated: boolean): void {
    const records = keys.map((key, index) => ({ key: `key-${key}`, n: this.sent.length + index }));
    const first = records[0];
    if (first === undefined) return;
    const userRecord = ({ key, n }: (typeof records)[number]) => ({
      partitionKey: key,
      data: Buffer.from(JSON.stringify({ n })),
    });
    if (!aggregated) {
      const places = this.#stream.put(records.map(userRecord));
      places.forEach(({ shardId, ...position }, index) => {
        const record = records[index];
        if (record !== undefined) this.sent.push({ ...record, shardId, position });
      });
      return;
    }
    // The KPL packs what goes to one shard; here it is all of one key.
    const ofOneKey = records.map(({ n }) => ({ n, key: first.key }));
    const data = aggregate(ofOneKey.map(userRecord));
    const [place] = this.#stream.put([{ partitionKey: first.key, data }]);
    if (place === undefined) return;
    const { shardId, sequenceNumber } = place;
    ofOneKey.forEach((record, subSequenceNumber) =>
      this.sent.push({ ...record, shardId, position: { sequenceNumber, subSequenceNumber } }),
    );
  }

  /** Notes what is about to happen, and what it meets. */
  meet(what: string): void {
    const shards = this.#running?.sessions.status() ?? [];
    const state =
      this.#running === undefined ? 'nobody runs' : shards.length === 0 ? 'nothing is read' : 'shards are read';
    this.situations.add(`${what} while ${state}`);
    if (shards.some(({ unsettled }) => unsettled > 0)) this.situations.add(`${what} with unsettled records`);
    if (this.#lost.length > 0) this.situations.add(`${what} beside a worker without leases`);
    if (this.storeFailures > 0) this.situations.add(`${what} while checkpoints fail`);
  }

  async reshard(pick: number, how: 'split' | 'merge'): Promise<void> {
    const open = (await this.#stream.listShards()).filter(({ closed }) => !closed).map(({ shardId }) => shardId);
    const shardId = open[pick % open.length];
    const other = open[(pick + 1) % open.length];
    if (shardId === undefined || other === undefined || open.length > 8) return;
    try {
      if (how === 'split') this.#stream.split(shardId);
      else this.#stream.merge(shardId, other);
    } catch {
      // No neighbours, or a range too narrow to split: nothing happens.
    }
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    this.restarts += 1;
    const generation: Generation = {
      ...this.#open(() => generation),
      startedFrom: new Map(this.#checkpoints),
      handled: new Set(),
      killed: false,
      lost: false,
    };
    this.#running = generation;
    try {
      await generation.engine.start();
    } catch {
      // The checkpoints could not be stored: such a worker ends, and is started again.
      this.#running = undefined;
    }
    await this.clock.settle();
  }

  async stop(): Promise<void> {
    const generation = this.#running;
    this.#running = undefined;
    if (generation === undefined) return;
    generation.sessions.drain();
    void generation.engine.stop();
    await this.clock.advance(26_000);
    await this.#expectEnd(generation);
  }

  /** From now on nothing that this worker does counts: its checkpoints are those of this moment. */
  async kill(): Promise<void> {
    const generation = this.#running;
    this.#running = undefined;
    if (generation === undefined) return;
    generation.killed = true;
    generation.sessions.drain();
    void generation.engine.stop();
    await this.clock.advance(26_000);
    await this.#expectEnd(generation);
  }

  /** Another worker takes every lease and starts, while this one goes on until a checkpoint tells it. */
  async lose(): Promise<void> {
    const generation = this.#running;
    this.#running = undefined;
    if (generation === undefined) return;
    generation.lost = true;
    this.#lost.push(generation);
    await this.start();
  }

  /** Once nothing fails any more, everything that was sent has been handled, each key in its order. */
  async finish(): Promise<void> {
    this.storeFailures = 0;
    for (let round = 0; round < 40 && this.handled.size < this.sent.length; round += 1) {
      await this.start();
      await this.clock.advance(3_000);
    }
    await this.stop();
    for (const generation of this.#lost.splice(0)) {
      this.#running = generation;
      await this.stop();
    }
    const missing = this.sent.filter(({ n }) => !this.handled.has(n)).map(({ n }) => n);
    if (missing.length > 0) this.violations.push(`${missing.join()} were never handled`);
    for (const [key, order] of this.#firstHandled)
      if (order.some((n, index) => n < (order[index - 1] ?? -1)))
        this.violations.push(`${key} was first handled in the order ${order.join()}`);
    if (this.clock.pendingTimers > 0) this.violations.push(`${this.clock.pendingTimers} timers are left`);
  }

  #open(generation: () => Generation): Pick<Generation, 'engine' | 'sessions'> {
    const definition = defineConsumer({
      name: 'Orders',
      stream: 'orders',
      applicationName: 'orders-app',
      handlers: [
        recordHandler({
          name: 'placed',
          handle: (payload, context) => this.#handle(payload as { n: number }, context, generation()),
        }),
      ],
      checkpoint: this.#plan.checkpoint,
      retry: { attempts: 5, initialDelayMs: 50, maxDelayMs: 200 },
    });
    const options = { maxRecords: 3, idleTimeBetweenReadsInMillis: 250, shutdownGraceMillis: 20_000 };
    const consumer = resolveConsumer(definition, { env: {}, engine: 'local', options });
    const observer = { records: true, onEvent: (event: SessionEvent): void => void this.history.push(event) };
    const ports = { clock: this.clock, random: () => 0.5, logger: SILENT, observer };
    const sessions = new LiveSessions({
      consumer,
      ports,
      flights: undefined,
      breaker: undefined,
      container: {
        openScope: async () => ({ resolve: () => Promise.reject(new Error('none')), dispose: async () => {} }),
      },
      sinks: new Map(),
      stores: new Map(),
      retentionMs: undefined,
      requestStop: (cause) => {
        if (!generation().lost) this.violations.push(`the worker wants to stop: ${cause.message}`);
      },
    });
    const engine = new LocalEngine({
      ...ports,
      consumer,
      source: this.#stream,
      store: this.#store(generation),
      openSession: (session) => void sessions.serve(session),
    });
    return { engine, sessions };
  }

  #store(generation: () => Generation): MemoryCheckpointStore {
    const store = new MemoryCheckpointStore(this.#checkpoints);
    const put = store.put.bind(store);
    store.put = async (shardId, target) => {
      if (this.storeFailures > 0) {
        this.storeFailures -= 1;
        throw new DaemonError('ThrottlingException', 'on purpose');
      }
      if (generation().lost) throw new DaemonError('ShutdownException', 'on purpose');
      if (!generation().killed) {
        this.#check(shardId, target, generation());
        this.#checkpoints.set(shardId, target);
      }
      return put(shardId, target);
    };
    return store;
  }

  /** No checkpoint covers what was not handled. */
  #check(shardId: string, target: CheckpointTarget, { startedFrom, handled }: Generation): void {
    const from = startedFrom.get(shardId);
    const covered = (position: Position): boolean => from !== undefined && compareTargets(position, from) <= 0;
    if (target !== 'SHARD_END' && !/^\d+$/.test(target.sequenceNumber)) return;
    const early = this.sent.filter(
      (sent) =>
        sent.shardId === shardId &&
        compareTargets(sent.position, target) <= 0 &&
        !covered(sent.position) &&
        !handled.has(sent.n),
    );
    if (early.length > 0)
      this.violations.push(`a checkpoint of ${shardId} covers ${early.map(({ n }) => n).join()}, not handled`);
  }

  async #handle({ n }: { readonly n: number }, context: RecordContext, generation: Generation): Promise<void> {
    const { slowEvery, failEvery, deferEvery, checkpoint } = this.#plan;
    if (failEvery > 0 && n % failEvery === 0 && context.attempt === 1) throw new Error('not at first');
    if (slowEvery > 0 && n % slowEvery === 0) await context.sleep(400);
    if (deferEvery > 0 && n % deferEvery === 0) {
      const handle = context.defer();
      void context.sleep(700).then(
        () => {
          this.#done(n, generation);
          handle.done();
        },
        () => undefined,
      );
      return;
    }
    this.#done(n, generation);
    if (checkpoint === 'manual') context.checkpoint().catch(() => undefined);
  }

  /** What a killed worker had done before it was killed has been done; what it does afterwards has not. */
  #done(n: number, { killed, handled }: Generation): void {
    if (killed) return;
    handled.add(n);
    if (this.handled.has(n)) return;
    this.handled.add(n);
    if (this.#plan.deferEvery > 0) return;
    const key = this.sent[n]?.key ?? '';
    this.#firstHandled.set(key, [...(this.#firstHandled.get(key) ?? []), n]);
  }

  async #expectEnd({ engine, sessions }: Generation): Promise<void> {
    let ended = false;
    void Promise.all([engine.closed, sessions.ended()]).then(() => {
      ended = true;
    });
    await this.clock.settle();
    if (!ended) this.violations.push('a worker did not end within its grace');
  }
}

function noop(): void {
  // Silent.
}
