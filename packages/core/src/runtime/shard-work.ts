/** The work of each action of a session, from `initialize` to the end of the lease. The session decides what is written. */
import { acksAhead } from '../definition/acks-ahead.js';
import type { DaemonMessage, CheckpointTarget } from '../protocol/messages.js';
import type { CheckpointResult } from '../protocol/session-types.js';
import { Watermark } from '../policy/watermark.js';
import { viewRecord } from '../records/record-view.js';
import { BatchRunner } from './batch-runner.js';
import { Checkpointer } from './checkpointer.js';
import { DeliveredBatches } from './delivered-batches.js';
import { abandonSlot, Endings } from './ending.js';
import { GatheredBatches } from './gathered-batches.js';
import type { Flights } from './flights.js';
import { Holds } from './holds.js';
import { runHook, type HookCall } from './hooks.js';
import { InOrder } from './in-order.js';
import { Lanes } from './lanes.js';
import { openStarts } from './open-starts.js';
import { operateOn } from './operate.js';
import { Orders, type Wish, type WishAnswer } from './orders.js';
import { Parking } from './parking.js';
import { RecordRunner } from './record-runner.js';
import { RecordSlot } from './record-slot.js';
import type { Reporter } from './reporter.js';
import type { ShardRunnerOptions } from './runner-options.js';
import { drainBudgetMs, type SessionLife } from './session-life.js';
import type { LastBatch, SessionParts } from './session-parts.js';
import { ShardEnd } from './shard-end.js';
import { closeShardScope } from './shard-scope.js';
import { ShardStart, type StartedShard } from './shard-start.js';
import type { ShardStatus } from './shard-status.js';
import { TumblingWindows } from './tumbling.js';
import type { Starts } from './starts.js';
import { Window } from './window.js';

/** A batch can hold thousands of records, and hosts tell their status every second. */
const HELD_SHOWN = 20;

/** `@OnLeaseLost`: the daemon gives a lost lease about as long. */
const FAREWELL_MS = 5_000;
/** A window that was full so long without a record settling is worth a word: back-pressure alone would have moved. */
const FULL_WINDOW_MS = 10_000;

export type ShardWorkOptions = ShardRunnerOptions & {
  readonly life: SessionLife;
  readonly report: Reporter;
  readonly sendCheckpoint: (target: CheckpointTarget) => void;
};

type Work = Exclude<DaemonMessage, { kind: 'checkpoint' }>;
type Batch = Extract<DaemonMessage, { kind: 'processRecords' }>;

/** What exists once the consumer's instance does. */
interface Running {
  readonly started: StartedShard;
  readonly parts: SessionParts;
  readonly runner: InOrder | Lanes | DeliveredBatches | GatheredBatches | TumblingWindows;
}

export class ShardWork {
  readonly #options: ShardWorkOptions;
  readonly #watermark = new Watermark<RecordSlot>();
  readonly #window: Window;
  readonly #holds: Holds;
  readonly #orders: Orders;
  readonly #checkpointer: Checkpointer;
  #starts: Starts | undefined;
  #flights: Flights | undefined;
  #shardId: string | undefined;
  #running: Running | undefined;
  /** Kept beyond the instance: what it holds is given up when the session closes. */
  #tumbling: TumblingWindows | undefined;
  #action: { readonly name: Work['kind']; readonly sinceMs: number } | undefined;
  #lastBatch: LastBatch = { millisBehindLatest: undefined };
  #closed = false;
  /** How many records have come, each counted once. */
  #delivered = 0;

  constructor(options: ShardWorkOptions) {
    this.#options = options;
    const { ports, report, life, retentionMs, consumer } = options;
    this.#holds = new Holds({ clock: ports.clock, report, retentionMs });
    const ahead = acksAhead(consumer.definition);
    this.#orders = new Orders({ clock: ports.clock, report });
    this.#window = new Window({
      limit: consumer.settings.maxInFlight,
      watermark: this.#watermark,
      patienceMs: ahead ? FULL_WINDOW_MS : 0,
      life,
      holds: this.#holds,
      clock: ports.clock,
    });
    this.#checkpointer = new Checkpointer({
      policy: consumer.definition.checkpoint,
      ahead,
      watermark: this.#watermark,
      ports,
      report,
      send: options.sendCheckpoint,
      doubt: life.doubted,
    });
  }

  /** From the oldest unsettled record on: 0 when, and only when, everything delivered is settled. */
  get unsettled(): number {
    return this.#watermark.waiting + this.#watermark.held;
  }

  /** Resolves when the action may be acknowledged; every failure of user code ends in here. */
  async perform(message: Work): Promise<void> {
    this.#action = { name: message.kind, sinceMs: this.#options.ports.clock.monotonicMs() };
    try {
      await this.#perform(message);
    } finally {
      this.#action = undefined;
    }
  }

  checkpointAnswered(result: CheckpointResult): void {
    this.#checkpointer.answered(result);
  }

  checkpointRejected(code: string, detail: string): void {
    this.#checkpointer.answered({ kind: 'rejected', code, detail });
  }

  /** Disposes what `leaseLost` or the end of the shard has not disposed yet; how many records were abandoned. */
  async close(): Promise<number> {
    this.#closed = true;
    const abandoned = this.#abandonRest();
    this.#checkpointer.end();
    this.#starts?.end();
    this.#flights?.end(this.#watermark.position);
    this.#holds.end();
    this.#options.life.end();
    await this.#dispose();
    return abandoned;
  }

  status(): ShardStatus {
    const { report, ports, sessionId } = this.#options;
    const held = this.#holds.current;
    const open = this.#tumbling?.current;
    const arrivedAt = open?.arrivedAt ?? this.#watermark.oldest?.arrivedAt;
    return {
      sessionId,
      shardId: this.#shardId,
      state: this.#state(),
      action: this.#openAction(),
      millisBehindLatest: this.#lastBatch.millisBehindLatest,
      oldestUnsettledAgeMs: arrivedAt === undefined ? undefined : Math.max(0, ports.clock.now() - arrivedAt),
      unsettled: this.unsettled,
      settled: { ...report.settled },
      window: open && { startMs: open.startMs, endMs: open.endMs, records: open.records },
      retries: report.retries,
      circuitBreaker: this.#options.breaker?.kind,
      held: held === undefined ? undefined : { recordId: held.recordId, why: held.why },
      heldRecords: this.#holds.list(HELD_SHOWN),
      heldCount: this.#holds.count,
      checkpoint: this.#checkpointer.written,
      checkpointError: this.#checkpointer.failure?.message,
    };
  }

  /** What an operator wants of a record; undefined when it does not wait here. */
  operate(recordId: string, wish: Wish): Promise<WishAnswer> | undefined {
    return operateOn({ life: this.#options.life, holds: this.#holds, orders: this.#orders }, recordId, wish);
  }

  #openAction(): ShardStatus['action'] {
    if (this.#action === undefined) return undefined;
    const { name, sinceMs } = this.#action;
    return { name, openMs: this.#options.ports.clock.monotonicMs() - sinceMs };
  }

  #perform(message: Work): Promise<void> {
    switch (message.kind) {
      case 'initialize':
        return this.#initialize(message);
      case 'processRecords':
        return this.#processRecords(message);
      case 'shutdownRequested':
        return this.#shutdownRequested();
      case 'shardEnded':
        return this.#shardEnded();
      case 'leaseLost':
        return this.#leaseLost();
      default:
        return message satisfies never;
    }
  }

  async #initialize(message: Extract<Work, { kind: 'initialize' }>): Promise<void> {
    const { report, consumer } = this.#options;
    this.#shardId = message.shardId;
    const { shardId, sequenceNumber, subSequenceNumber } = message;
    report.emit({ kind: 'sessionStarted', sequenceNumber, subSequenceNumber });
    const facts = {
      shardId,
      stream: consumer.stream,
      applicationName: consumer.applicationName,
      startsAfter: { sequenceNumber: sequenceNumber ?? 'TRIM_HORIZON', subSequenceNumber },
    };
    const started = await new ShardStart({ ...this.#options, facts, holds: this.#holds }).start();
    if (started === undefined) return;
    this.#running = this.#assemble(started, facts);
    report.emit({ kind: 'sessionReady' });
  }

  #assemble(started: StartedShard, facts: SessionParts['facts']): Running {
    const { consumer, ports, life, report, requestStop, replayed = false } = this.#options;
    const { definition, stream, applicationName } = consumer;
    const { starts, flights } = openStarts({ ...this.#options, holds: this.#holds }, facts);
    this.#starts = starts;
    this.#flights = flights;
    const parts: SessionParts = {
      consumer,
      facts,
      ports,
      life,
      report,
      sinks: started.sinks,
      watermark: this.#watermark,
      holds: this.#holds,
      orders: this.#orders,
      parking: new Parking({
        stream,
        applicationName,
        consumer: definition.name,
        ports,
        life,
        holds: this.#holds,
        orders: this.#orders,
        report,
      }),
      starts: this.#starts,
      checkpointer: this.#checkpointer,
      pipeline: started.pipeline,
      instance: started.instance,
      scope: started.scope,
      invoke: started.invoke,
      replayed,
      requestStop: (cause) => {
        life.drain('workerStopping', 0);
        requestStop(cause);
      },
    };
    return { started, parts, runner: this.#runnerOf(parts) };
  }

  #runnerOf(parts: SessionParts): Running['runner'] {
    const { handlers, concurrency } = parts.consumer.definition;
    const window = this.#window;
    const options = { parts, endings: new Endings(parts, window), window };
    const [first] = handlers;
    if (first?.kind === 'batch') {
      const batches = { parts, window, runner: new BatchRunner(options, first) };
      const { maxItems, maxWaitMs } = first;
      return maxWaitMs === undefined
        ? new DeliveredBatches(batches, maxItems)
        : new GatheredBatches(batches, { maxItems, maxWaitMs });
    }
    if (first?.kind === 'window') return (this.#tumbling = new TumblingWindows(options, first));
    const source = { parts, window, runner: new RecordRunner(options) };
    return concurrency === undefined ? new InOrder(source) : new Lanes(source, concurrency);
  }

  async #processRecords(message: Batch): Promise<void> {
    const { report } = this.#options;
    this.#lastBatch = { millisBehindLatest: message.millisBehindLatest };
    report.emit({ kind: 'delivered', records: message.records.length, millisBehindLatest: message.millisBehindLatest });
    this.#checkpointer.actionOpened();
    const slots = this.#take(message);
    const last = slots.at(-1);
    if (last !== undefined) this.#flights?.delivered(last, this.#watermark.oldest);
    await this.#running?.runner.run(slots, this.#lastBatch);
    await this.#checkpointer.closeAction(!this.#options.life.accepting);
  }

  /** Delivered records become slots; a position that was delivered before joins its slot or counts as settled (S7). */
  #take({ records, ascending }: Batch): readonly RecordSlot[] {
    const shardId = this.#shardId ?? '';
    const slots = records.map((wire) => new RecordSlot(viewRecord(wire, shardId)));
    const together = ascending === true && this.#watermark.deliverAscending(slots);
    const fresh = together ? slots : slots.filter((slot) => this.#watermark.deliver(slot) === 'new');
    for (const slot of fresh) {
      slot.order = this.#delivered;
      this.#delivered += 1;
    }
    return fresh;
  }

  /** Sent to every shard when a worker stops, and to one shard when KCL hands it to another worker. */
  async #shutdownRequested(): Promise<void> {
    const { life, consumer, report } = this.#options;
    const stopping = life.state.kind === 'draining' || life.state.kind === 'abandoning';
    const budgetMs = drainBudgetMs(consumer.settings);
    if (life.drain('handoff', budgetMs)) report.emit({ kind: 'draining', reason: 'handoff' });
    this.#checkpointer.actionOpened();
    // The hook may flush what handlers have gathered, so they come first.
    await this.#running?.runner.whenIdle();
    const failed = await this.#hook('shutdownRequested', budgetMs, stopping ? 'workerStopping' : 'handoff');
    if (failed !== undefined) report.log.error({ err: failed }, '@OnShutdownRequested failed.');
    // Deferred records may be on their way, the hook may just have flushed them.
    await this.#window.whenEmpty();
    await this.#checkpointer.closeAction(true);
  }

  async #shardEnded(): Promise<void> {
    const { life, report, ports, consumer, requestStop } = this.#options;
    this.#checkpointer.shardEnding();
    const end = new ShardEnd({
      ports,
      life,
      report,
      requestStop,
      holds: this.#holds,
      checkpointer: this.#checkpointer,
      retry: consumer.definition.retry,
      idle: () => this.#running?.runner.whenIdle() ?? Promise.resolve(),
      hook: () => this.#hook('shardEnd', consumer.definition.retry.timeoutMs),
      settled: async () => {
        await this.#window.whenEmpty();
        return this.#running !== undefined && this.unsettled === 0;
      },
    });
    await end.run();
    if (!life.inDoubt) await this.#dispose();
  }

  async #leaseLost(): Promise<void> {
    const { life, report } = this.#options;
    if (life.doubt('the lease was lost')) report.emit({ kind: 'leaseDoubt', why: 'the lease was lost' });
    const failed = await this.#farewell();
    if (failed !== undefined) report.log.error({ err: failed }, '@OnLeaseLost failed.');
    await this.#dispose();
  }

  /** Nobody's late word about a record counts any more: its next owner runs it again. */
  #abandonRest(): number {
    const rest = [...this.#watermark.pending()].filter((slot) => !slot.settled);
    for (const slot of rest) abandonSlot(slot, this.#options.report, 'the session ended before it was settled');
    const ofWindow = this.#tumbling?.abandonRest() ?? 0;
    return rest.length + ofWindow;
  }

  #hook(name: HookCall['name'], timeoutMs: number, reason?: 'handoff' | 'workerStopping'): Promise<Error | undefined> {
    return this.#callHook({
      name,
      timeoutMs,
      over: this.#options.life.over,
      ...(reason === undefined ? {} : { reason }),
    });
  }

  /** A lost lease has aborted everything already; its hook runs all the same, and not for long. */
  async #farewell(): Promise<Error | undefined> {
    const limit = new AbortController();
    const timer = this.#options.ports.clock.setTimer(FAREWELL_MS, () => limit.abort());
    const failed = await this.#callHook({ name: 'leaseLost', timeoutMs: FAREWELL_MS, over: limit.signal });
    timer.cancel();
    return failed;
  }

  async #callHook(call: Pick<HookCall, 'name' | 'timeoutMs' | 'over' | 'reason'>): Promise<Error | undefined> {
    const { consumer, ports, report } = this.#options;
    if (this.#running === undefined) return undefined;
    return runHook({
      ...call,
      hook: consumer.definition.hooks[call.name],
      consumer: consumer.definition.name,
      instance: this.#running.started.instance,
      shardId: this.#shardId ?? '',
      clock: ports.clock,
      report,
      holds: this.#holds,
    });
  }

  async #dispose(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    const failed = await closeShardScope(running.started.scope, this.#options.ports.clock);
    if (failed !== undefined)
      this.#options.report.log.error({ err: failed }, "The shard's scope was not disposed cleanly.");
  }

  #state(): ShardStatus['state'] {
    const { life } = this.#options;
    if (this.#closed) return 'ended';
    if (life.state.kind === 'doubt') return 'doubt';
    if (life.state.kind !== 'open') return 'draining';
    if (this.#holds.current !== undefined) return 'held';
    if (this.#running === undefined) return 'starting';
    return this.#action === undefined ? 'ready' : 'running';
  }
}
