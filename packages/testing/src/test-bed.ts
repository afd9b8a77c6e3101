/** `testBed`: a consumer on shards in memory, run by the production runner against the production daemon side. */
import { MillraceError, readDefinition, type Consumer, type ConsumerDefinition, type ConsumerOptions, type DependencyContainer, type Environment, type InjectionToken, type Override, type SinkDescription } from '@millrace/core';
import { createTsyringeContainer, resolveConsumer, ShardRunner, type ByteChannel, type ResolvedConsumer, type WireRecord, type WorkerContainer } from '@millrace/core/internal';
import type { BedParts } from './bed-parts.js';
import { FakeSink } from './fake-sink.js';
import { History, type DeliveredRecord } from './history.js';
import { untilIdle, untilStill } from './idle.js';
import { assertInvariants } from './invariants.js';
import { KeptLog } from './kept-log.js';
import type { Observed } from './observed.js';
import { Placement } from './placement.js';
import { TestShard } from './test-shard.js';
import { timeline } from './timeline.js';
import { VirtualClock } from './virtual-clock.js';

export interface TestBedOptions {
  /** How many, or their names. @defaultValue 1 */
  readonly shards?: number | readonly string[];
  /** Replaces services by class or token. */
  readonly overrides?: readonly Override[];
  /** Registers services, as `run` does. */
  readonly register?: (container: DependencyContainer) => void | Promise<void>;
  /** KCL properties and Millrace options, stronger than the declaration. */
  readonly properties?: ConsumerOptions;
  /** What an options function of the consumer gets. @defaultValue nothing */
  readonly env?: Environment;
  /** @defaultValue a new one that stands at 2026-01-01T00:00:00Z */
  readonly clock?: VirtualClock;
  /** How far `idle()` follows background timers, in virtual milliseconds. @defaultValue 60 000 */
  readonly horizonMs?: number;
  /** Retention of the stream, for the warnings of held records, in milliseconds. @defaultValue 24 hours */
  readonly retentionMs?: number;
}

const HORIZON_MS = 60_000;
const RETENTION_MS = 86_400_000;
/** The random port in a bed: delays are what the policy's bounds say, without jitter. */
const NO_JITTER = 0.999_999_999;

/**
 * Opens a bed; every shard has its session and its instance when this resolves.
 *
 * @throws DefinitionError, ConfigurationError or INJECTION_FAILED as `run` would; INPUT_INVALID with NODE_ENV=production.
 */
export async function testBed(consumer: Consumer, options: TestBedOptions = {}): Promise<TestBed> {
  if (process.env['NODE_ENV'] === 'production') {
    throw new MillraceError('INPUT_INVALID', 'A test bed does not open with NODE_ENV=production: what it handles is not real.');
  }
  const definition = typeof consumer === 'function' ? readDefinition(consumer) : consumer;
  const resolved = resolveConsumer(definition, { options: options.properties, env: options.env ?? {}, engine: 'local' });
  const container = await createTsyringeContainer({ register: options.register, overrides: options.overrides });
  const bed = new TestBed(resolved, container, options);
  await bed.idle();
  return bed;
}

export class TestBed implements Observed {
  readonly clock: VirtualClock;
  readonly history = new History();
  readonly log = new KeptLog();
  /** Takes the place of every sink the consumer describes. */
  readonly sink: FakeSink;
  readonly shardId = undefined;
  /** Errors that asked for the end of the worker: StopWorkerError, `then: 'stop'`. */
  readonly stopRequests: Error[] = [];
  readonly #resolved: ResolvedConsumer;
  readonly #container: WorkerContainer;
  readonly #options: TestBedOptions;
  readonly #shards: readonly TestShard[];
  readonly #sinks: ReadonlyMap<SinkDescription, FakeSink>;
  #checkpointErrors: string[] = [];
  #checkpointErrorForAll: string | undefined;
  #disposed: Promise<void> | undefined;

  constructor(resolved: ResolvedConsumer, container: WorkerContainer, options: TestBedOptions) {
    this.#resolved = resolved;
    this.#container = container;
    this.#options = options;
    this.clock = options.clock ?? new VirtualClock();
    this.sink = new FakeSink((entry) => this.history.add({ atMs: this.clock.elapsedMs, kind: 'parked', entry }));
    this.#sinks = new Map(describedSinks(resolved.definition).map((description) => [description, this.sink]));
    const names = shardNames(options.shards ?? 1);
    const parts = this.#parts();
    this.#shards = names.map((name, index) => new TestShard(parts, name, `shardId-${String(index).padStart(12, '0')}`));
  }

  get delivered(): readonly DeliveredRecord[] {
    return this.#shards.flatMap((shard) => shard.delivered);
  }
  get shards(): readonly TestShard[] {
    return this.#shards;
  }

  /** By name, by number, or the only one. */
  shard(which: string | number = 0): TestShard {
    const found = typeof which === 'number' ? this.#shards[which] : this.#shards.find((shard) => shard.name === which || shard.shardId === which);
    if (found !== undefined) return found;
    throw new MillraceError('INPUT_INVALID', `The bed has no shard ${which}; it has ${this.#shards.map((shard) => shard.name).join(', ')}.`);
  }

  /** Runs until nothing is left to happen: see idle.ts for what that means. Checkpoints that are due by time are written. */
  async idle(): Promise<void> {
    await this.#untilIdle();
    for (const shard of this.#shards) {
      if (this.#wantsCheckpoint(shard)) await this.#checkpointIn(shard);
    }
  }

  /** Moves the clock on by so much, running whatever falls due in order. */
  async advance(delayMs: number): Promise<void> {
    const untilMs = this.clock.elapsedMs + delayMs;
    await this.#settle();
    while (this.clock.runNext(untilMs)) await this.#settle();
    this.clock.skipTo(untilMs);
  }

  /** The next checkpoints are answered with this Java class name: `times` of them, or all until `checkpointsRecover()`. */
  failCheckpoints(javaName: string, { times }: { readonly times?: number } = {}): void {
    if (times === undefined) this.#checkpointErrorForAll = javaName;
    else this.#checkpointErrors.push(...Array.from({ length: times }, () => javaName));
  }

  checkpointsRecover(): void {
    this.#checkpointErrorForAll = undefined;
    this.#checkpointErrors = [];
  }

  /** A service as the consumers get it; singletons are the same instance. */
  resolve<T>(token: InjectionToken<T>): T {
    return this.#container.container.resolve<T>(token);
  }

  /** SIGTERM: intake stops, what runs may finish within the budget, checkpoints are written, leases end. */
  async stop(): Promise<void> {
    for (const shard of this.#shards) shard.drain();
    await this.#untilIdle();
    for (const shard of this.#shards) if (shard.ended === undefined) shard.handOff();
    await this.#untilIdle();
  }

  /** What happened, one line each, with stable names: made for snapshots. */
  timeline(): string {
    return timeline(this.history.entries);
  }

  /** Ends every session, disposes what the container made, and checks the invariants. @throws INVARIANT_BROKEN */
  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  async #dispose(): Promise<void> {
    for (const shard of this.#shards) await shard.close();
    await this.#container.dispose();
    assertInvariants(this.history.entries, this.delivered);
  }

  #untilIdle(): Promise<void> {
    const { definition } = this.#resolved;
    const timeoutsMs = new Set([definition.retry.timeoutMs, ...definition.handlers.map(({ retry }) => retry?.timeoutMs ?? definition.retry.timeoutMs)]);
    return untilIdle({ clock: this.clock, history: this.history, shards: this.#shards, timeoutsMs, horizonMs: this.#options.horizonMs ?? HORIZON_MS });
  }

  #settle(): Promise<void> {
    return untilStill({ clock: this.clock, history: this.history, shards: this.#shards });
  }

  /** Records were settled after the shard's last checkpoint, and a quiet shard would write one in a heartbeat. */
  #wantsCheckpoint(shard: TestShard): boolean {
    if (shard.ended !== undefined || shard.unanswered > 0) return false;
    const { entries } = this.history;
    const settled = entries.findLastIndex((entry) => entry.kind === 'event' && entry.shardId === shard.shardId && entry.event.kind === 'recordSettled');
    const stored = entries.findLastIndex((entry) => entry.kind === 'stored' && entry.shardId === shard.shardId);
    return settled > stored;
  }

  async #checkpointIn(shard: TestShard): Promise<void> {
    const { checkpoint } = this.#resolved.definition;
    if (checkpoint.kind === 'periodic' && checkpoint.everyMs !== undefined) await this.advance(checkpoint.everyMs);
    shard.heartbeat();
    await this.#untilIdle();
  }

  #parts(): BedParts {
    const placement = new Placement(() => this.clock.now());
    const wires = new Map<string, WireRecord>();
    return {
      clock: this.clock,
      history: this.history,
      place: (record) => placement.place(record),
      remember: (recordId, wire) => void wires.set(recordId, wire),
      wireOf: (recordId) => {
        const wire = wires.get(recordId);
        if (wire === undefined) throw new MillraceError('INPUT_INVALID', `The record ${recordId} was not delivered by this bed.`);
        return wire;
      },
      openRunner: (sessionId, channel) => this.#openRunner(sessionId, channel),
      nextCheckpointError: () => this.#checkpointErrors.shift() ?? this.#checkpointErrorForAll,
      settle: () => this.#settle(),
      advanceUntil: (promise) => this.#advanceUntil(promise),
    };
  }

  #openRunner(sessionId: string, channel: ByteChannel): ShardRunner {
    return new ShardRunner({
      consumer: this.#resolved,
      sessionId,
      channel,
      container: this.#container.port,
      sinks: this.#sinks,
      retentionMs: this.#options.retentionMs ?? RETENTION_MS,
      requestStop: (cause) => void this.stopRequests.push(cause),
      ports: {
        clock: this.clock,
        random: () => NO_JITTER,
        logger: this.log,
        observer: {
          records: true,
          onEvent: (event) => this.history.add({ atMs: this.clock.elapsedMs, shardId: event.shardId, sessionId: event.sessionId, kind: 'event', event }),
        },
      },
    });
  }

  async #advanceUntil(promise: Promise<unknown>): Promise<void> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    for (;;) {
      await this.#settle();
      if (settled || !this.clock.runNext()) return;
    }
  }
}

function shardNames(shards: number | readonly string[]): readonly string[] {
  const names = typeof shards === 'number' ? Array.from({ length: shards }, (_, index) => String(index)) : shards;
  if (names.length === 0 || new Set(names).size < names.length) throw new MillraceError('INPUT_INVALID', 'A bed wants at least one shard, and names that differ.');
  return names;
}

function describedSinks(definition: ConsumerDefinition): SinkDescription[] {
  const declared = [definition.deadLetter, ...definition.handlers.map((handler) => handler.deadLetter)];
  return declared.flatMap((deadLetter) => (deadLetter?.sink.kind === 'description' ? [deadLetter.sink.description] : []));
}

