/** `testBed`: a consumer on shards in memory, run by the production runner against the production daemon side. */
import {
  MillraceError,
  readDefinition,
  type ConsumerDefinition,
  type DeadLetterEntry,
  type InjectionToken,
} from '@millrace/core';
import {
  openCircuitBreaker,
  ShardRunner,
  type ByteChannel,
  type CircuitBreaker,
  type ResolvedConsumer,
} from '@millrace/core/internal';
import { openContainer, type BedContainer } from './bed-container.js';
import type { IdleOptions, TestBedOptions } from './bed-options.js';
import { estateTaken, keepEstate, openEstate, type BedEstate } from './bed-estate.js';
import type { BedParts } from './bed-parts.js';
import { assertEnded, BedShards } from './bed-shards.js';
import { describedStores } from './bed-store.js';
import { whenMoment, type CrashMoment } from './crash-moments.js';
import { digestOf } from './digest.js';
import { FakeCheckpoints } from './fake-checkpoints.js';
import { FakeSink } from './fake-sink.js';
import { History, type DeliveredRecord } from './history.js';
import { untilIdle, untilStill, untilStopped, type IdleTarget } from './idle.js';
import { assertInvariants } from './invariants.js';
import { KeptLog } from './kept-log.js';
import { declaredSinks, LeaseScopes } from './lease-scopes.js';
import type { Observed } from './observed.js';
import { messageTimeoutOf, resolveFor } from './resolve-for.js';
import type { TestShard } from './test-shard.js';
import { timeline } from './timeline.js';
import { UserCode } from './user-code.js';
import type { VirtualClock } from './virtual-clock.js';
import { wantsCheckpoint } from './wants-checkpoint.js';

const HORIZON_MS = 3_600_000;
const GUARD_MS = 2_000;
const RETENTION_MS = 86_400_000;
const UPPER_END = 1 - Number.EPSILON;

type ConsumerOf<I extends object> = abstract new (...args: never[]) => I;

/**
 * Opens a bed for a consumer; every shard has its session and its instance when this resolves, or says in its status
 * why it has none.
 *
 * @throws DefinitionError, ConfigurationError, INJECTION_FAILED or METADATA_MISSING as `run` would; TEST_MISUSED with
 * NODE_ENV=production; TEST_NOT_IDLE when `@OnInitialize` does not come back.
 */
export async function testBed<I extends object>(
  consumer: ConsumerOf<I> | ConsumerDefinition,
  options: TestBedOptions = {},
): Promise<TestBed<I>> {
  if (process.env['NODE_ENV'] === 'production' && options.inProduction !== true) {
    throw new MillraceError(
      'TEST_MISUSED',
      'A test bed does not open with NODE_ENV=production: what it handles is not real. If that is meant, say inProduction: true.',
    );
  }
  const definition = typeof consumer === 'function' ? readDefinition(consumer) : consumer;
  const resolved = resolveFor(definition, options);
  const log = new KeptLog();
  const estate = estateTaken(options) ?? (await openEstate(definition, { clock: options.clock, log }));
  const container = await openContainer(definition, options, log);
  const bed = new TestBed<I>(resolved, { container, log, estate }, options);
  try {
    await bed.idle();
  } catch (error) {
    await bed.dispose().catch(() => undefined);
    throw error;
  }
  return bed;
}

/** What has to be opened before a bed can be. */
interface OpenedBed {
  readonly container: BedContainer;
  readonly log: KeptLog;
  readonly estate: BedEstate;
}

/** Made by `testBed`. Dispose it, by `await using` or `dispose()`: that ends the sessions and checks every invariant. */
export class TestBed<I extends object = object> implements Observed, AsyncDisposable {
  readonly clock: VirtualClock;
  readonly history = new History();
  /** What the consumer logged, the runtime's lines included. */
  readonly log: KeptLog;
  /** Takes the place of every sink of the consumer. */
  readonly sink: FakeSink;
  /** Every checkpoint is stored until this is told to fail. */
  readonly checkpoints = new FakeCheckpoints();
  readonly shardId = undefined;
  /** Errors that asked for the end of the worker: StopWorkerError, `then: 'stop'`. The bed has stopped as a worker would. */
  readonly stopRequests: Error[] = [];
  readonly #resolved: ResolvedConsumer;
  readonly #breaker: CircuitBreaker | undefined;
  readonly #container: BedContainer;
  readonly #estate: BedEstate;
  readonly #options: TestBedOptions;
  readonly #userCode: UserCode;
  readonly #scopes: LeaseScopes;
  readonly #failures: Error[] = [];
  readonly #crashes: (() => void)[] = [];
  readonly #shards: BedShards;
  #disposed: Promise<void> | undefined;

  constructor(resolved: ResolvedConsumer, { container, log, estate }: OpenedBed, options: TestBedOptions) {
    keepEstate(this, estate);
    const { clock, store } = estate;
    this.#container = container;
    this.#options = options;
    this.#estate = estate;
    this.log = log;
    this.clock = clock;
    const onParked = (entry: DeadLetterEntry): void =>
      this.history.add({ atMs: this.clock.elapsedMs, kind: 'parked', entry });
    this.sink = new FakeSink(onParked);
    this.#userCode = new UserCode({
      elapsedMs: () => this.clock.elapsedMs,
      sessionOf: (shardId) => this.shard(shardId).status.sessionId,
      isDead: (shardId) => this.shard(shardId).crashed,
      onHanded: ({ id, shardId, partitionKey, bytes }) => {
        const record = { id, partitionKey, digest: digestOf(bytes) };
        this.history.add({ atMs: this.clock.elapsedMs, kind: 'handed', shardId, record });
      },
    });
    const given = new Set<unknown>(options.overrides?.map(({ token }) => token));
    const { port } = container;
    const { definition } = resolved;
    this.#scopes = new LeaseScopes({ container: port, definition, sink: this.sink, store, given, onParked });
    this.#resolved = { ...resolved, definition: this.#userCode.watch(this.#scopes.definition) };
    const breakerClock = clock.heldBy('circuit breaker');
    this.#breaker = openCircuitBreaker(resolved.definition, { clock: breakerClock, logger: log });
    this.#shards = new BedShards(this.#parts(), options.takesOver?.shards ?? options.shards ?? 1);
  }

  /** Those of the beginning, and children of those that were split or merged. */
  get shards(): readonly TestShard[] {
    return this.#shards.all;
  }

  get delivered(): readonly DeliveredRecord[] {
    return this.shards.flatMap((shard) => shard.delivered);
  }

  /** By name, by number, by id, or the first. */
  shard(which: string | number = 0): TestShard {
    return this.#shards.find(which);
  }

  /**
   * Splits a shard: it ends, and once `SHARD_END` is stored, and no earlier, its two children have sessions of their own, from
   * their beginning, as KCL does it (a child waits for its parents whatever the initial position is).
   *
   * @returns the children; of shard `A` they are `A.1` and `A.2`.
   * @throws TEST_MISUSED when the shard does not end: a record is held, or its hook fails; then no child ever starts.
   */
  async split(which: string | number = 0): Promise<readonly [TestShard, TestShard]> {
    const parent = this.shard(which);
    await this.#end([parent]);
    return [await this.#child(`${parent.name}.1`), await this.#child(`${parent.name}.2`)];
  }

  /**
   * Merges two shards: both end, and then their child has a session, from its beginning.
   *
   * @returns the child; of shards `A` and `B` it is `A+B`.
   * @throws TEST_MISUSED as `split`.
   */
  async merge(which: string | number, other: string | number): Promise<TestShard> {
    const parents = [this.shard(which), this.shard(other)];
    await this.#end(parents);
    return this.#child(parents.map(({ name }) => name).join('+'));
  }

  async #end(parents: readonly TestShard[]): Promise<void> {
    for (const parent of parents) parent.end();
    await this.idle();
    assertEnded(parents);
  }

  async #child(name: string): Promise<TestShard> {
    const child = this.#shards.openChild(name);
    await this.idle();
    return child;
  }

  /** The consumer's instance of a shard's lease, the last one it had. */
  instance(which: string | number = 0): I {
    const shard = this.shard(which);
    const instance = this.#scopes.instanceOf(shard.shardId);
    // testBed was given the class of what the container makes.
    if (instance !== undefined) return instance as I;
    const why = shard.status.held?.why ?? 'its session has not started';
    throw new MillraceError('TEST_MISUSED', `Shard ${shard.name} has no instance of the consumer: ${why}.`);
  }

  /** A service as the consumers get it; singletons are the same instance. */
  resolve<T>(token: InjectionToken<T>): T {
    const { services } = this.#container;
    if (services !== undefined) return services.resolve<T>(token);
    throw new MillraceError('TEST_MISUSED', 'This bed runs on a container of yours: ask that one for the service.');
  }

  /**
   * Runs until nothing is left to happen, moving the clock through back-offs; then lets a quiet shard write the
   * checkpoint that is due by time. A shard that is held counts as quiet, however often it tries again.
   *
   * @throws TEST_NOT_IDLE naming what is still waited for; or the failure that ended a session.
   */
  async idle(options: IdleOptions = {}): Promise<void> {
    do {
      await this.#untilIdle(options);
      for (const shard of this.shards) {
        if (wantsCheckpoint(shard, this.#resolved.definition)) await this.#checkpointIn(shard, options);
      }
    } while (await this.#shards.revive());
  }

  /**
   * The process dies at this moment, at the nth time that it comes; `idle()` then starts the next one from what is stored, as
   * `shard.restart()` does. All shards of the bed die, because they are of one process.
   */
  crashAt(moment: CrashMoment, nth = 1): void {
    this.#crashes.push(whenMoment(this.history, { moment, nth }, () => this.#shards.cut()));
  }

  /** Calls off what `crashAt` has ordered and what has not come yet. */
  callOffCrashes(): void {
    for (const callOff of this.#crashes.splice(0)) callOff();
  }

  /** Lets everything go on that can, and no further: the clock stands, and nobody is waited for. */
  async settle(): Promise<void> {
    await untilStill(this.#idleTarget());
    this.#throwFailure();
  }

  /** Moves the clock on by so much, running whatever falls due in order: back-offs, deadlines, periods. */
  async advance(delayMs: number): Promise<void> {
    const untilMs = this.clock.elapsedMs + delayMs;
    await this.settle();
    while (this.clock.runNext(untilMs)) await this.settle();
    this.clock.skipTo(untilMs);
  }

  /**
   * SIGTERM: intake stops, what runs may finish within the drain budget (virtual: name real work with `track`), the rest
   * is abandoned, checkpoints are written, leases end.
   */
  async stop(): Promise<void> {
    for (const shard of this.shards) shard.stop();
    await this.#untilStopped();
  }

  /** What happened, one line each, with stable names: made for snapshots. */
  timeline(): string {
    return timeline(this.history.entries);
  }

  /** Ends every session, disposes what the container made, and checks the invariants. @throws INVARIANT_VIOLATED */
  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  async #dispose(): Promise<void> {
    for (const shard of this.shards) await shard.close();
    try {
      await this.#container.dispose();
    } finally {
      assertInvariants(this.history.entries, this.#resolved.definition);
      this.#throwFailure();
    }
  }

  async #untilIdle({ horizonMs, guardMs }: IdleOptions): Promise<void> {
    await untilIdle(this.#idleTarget(), {
      horizonMs: horizonMs ?? this.#options.horizonMs ?? HORIZON_MS,
      guardMs: guardMs ?? this.#options.guardMs ?? GUARD_MS,
      stopping: false,
    });
    this.#throwFailure();
  }

  async #untilStopped(): Promise<void> {
    const { shutdownGraceMs, handoffTimeoutMs } = this.#resolved.settings;
    const { guardMs = GUARD_MS } = this.#options;
    await untilStopped(this.#idleTarget(), { horizonMs: Math.min(shutdownGraceMs, handoffTimeoutMs), guardMs });
    this.#throwFailure();
  }

  #idleTarget(): IdleTarget {
    return { clock: this.clock, history: this.history, shards: this.shards, userCode: this.#userCode };
  }

  /** A session that broke fails the test, and says why first. */
  #throwFailure(): void {
    const why = this.#failures.find((error) => !(error instanceof MillraceError) || error.code !== 'TRANSPORT_FAILED');
    const failure = why ?? this.#failures[0];
    this.#failures.length = 0;
    if (failure !== undefined) throw failure;
  }

  async #checkpointIn(shard: TestShard, options: IdleOptions): Promise<void> {
    const { checkpoint } = this.#resolved.definition;
    if (checkpoint.kind === 'periodic' && checkpoint.everyMs !== undefined) await this.advance(checkpoint.everyMs);
    if (shard.acceptsRecords) shard.heartbeat();
    await this.#untilIdle(options);
  }

  #parts(): BedParts {
    const { settings } = this.#resolved;
    const { placement, wires } = this.#estate;
    return {
      clock: this.clock,
      history: this.history,
      start: { sequenceNumber: settings.initialPosition.kind, subSequenceNumber: 0 },
      heartbeat: settings.heartbeat,
      messageTimeout: messageTimeoutOf(this.#resolved, this.clock),
      place: (record) => placement.place(record),
      wires,
      openRunner: (sessionId, channel) => this.#openRunner(sessionId, channel),
      nextCheckpointError: () => this.checkpoints.next(),
      failed: (error) => {
        this.#failures.push(error);
        this.#shards.cut();
      },
      crash: () => this.#shards.crash(),
      settle: () => this.settle(),
      advanceUntil: (promise) => this.#advanceUntil(promise),
    };
  }

  #openRunner(sessionId: string, channel: ByteChannel): ShardRunner {
    const { definition } = this.#resolved;
    const descriptions = declaredSinks(definition).flatMap(({ sink }) =>
      sink.kind === 'description' ? [[sink.description, this.sink] as const] : [],
    );
    return new ShardRunner({
      consumer: this.#resolved,
      sessionId,
      channel,
      container: this.#scopes.port,
      sinks: new Map(descriptions),
      stores: new Map(describedStores(definition).map((description) => [description, this.#estate.store])),
      flights: undefined,
      breaker: this.#breaker,
      retentionMs: this.#options.retentionMs ?? RETENTION_MS,
      requestStop: (cause) => this.#stopFor(cause),
      ports: {
        clock: this.clock.heldBy(sessionId),
        random: this.#options.random ?? (() => UPPER_END),
        logger: this.log,
        observer: {
          records: true,
          onEvent: (event) => {
            if (event.kind === 'stuck') this.#userCode.stuck(event);
            const { shardId } = event;
            this.history.add({ atMs: this.clock.elapsedMs, shardId, sessionId, kind: 'event', event });
          },
        },
      },
    });
  }

  #stopFor(cause: Error): void {
    this.stopRequests.push(cause);
    for (const shard of this.shards) shard.stop();
  }

  async #advanceUntil(promise: Promise<unknown>): Promise<void> {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    promise.then(note, note);
    for (;;) {
      await untilStill(this.#idleTarget());
      if (settled || !this.clock.runNext()) return;
    }
  }
}
