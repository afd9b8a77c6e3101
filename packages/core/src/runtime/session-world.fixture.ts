/** One random session, played on the production runner against the production daemon side. */
import type { Batch } from '../definition/context.js';
import { batchHandler, recordHandler } from '../definition/define-consumer.js';
import type { SessionEvent } from '../events.js';
import type { FlightRecorder } from './flights.js';
import { DyingProcesses } from './flights.fixture.js';
import { Checks, DRAIN_BUDGET_MS, isFiltered, numberOf, recordOf } from './session-checks.fixture.js';
import { type Payload, UserCode } from './session-handlers.fixture.js';
import { TestSession } from './session.fixture.js';
import { BREAKER, groupingOf, lanesOf, type Move, type Plan, SUSPECTS } from './session-plan.fixture.js';
import { Truth } from './session-truth.fixture.js';

const HOUR_MS = 3_600_000;

export class World {
  readonly checks: Checks;
  healed = 0;
  /** Each thing that happened, with the state of the session that it met. */
  readonly situations = new Set<string>();
  readonly #plan: Plan;
  readonly #truth: Truth;
  readonly #user: UserCode;
  readonly #session: TestSession;
  #delivered = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#truth = new Truth(plan.checkpoint === 'manual', lanesOf(plan) !== undefined);
    this.checks = new Checks(plan, this.#truth);
    this.#user = new UserCode({
      plan,
      truth: this.#truth,
      clock: () => this.#session.clock,
      violate: (what) => this.checks.violate(what),
    });
    this.#session = this.#open();
    watch(this.#session.events, (event) => this.checks.onEvent(event));
    watch(this.#session.sink.parked, ({ id }) => {
      const n = numberOf(id);
      if (!this.checks.parkedByOrder.has(n)) this.#user.checkParked(n);
      this.#truth.settled(n);
    });
    watch(this.#session.stops, () => {
      this.checks.stopped = true;
    });
  }

  get history(): readonly SessionEvent[] {
    return this.#session.events;
  }

  async play(): Promise<void> {
    await this.#session.initialize();
    for (const next of this.#plan.moves) await this.#move(next);
    await this.#finish();
  }

  #open(): TestSession {
    const { shape, bisect, checkpoint, then, sameKey, maxInFlight, filterEvery, breaker } = this.#plan;
    const { maxItems, maxWaitMs } = groupingOf(this.#plan);
    const lanes = lanesOf(this.#plan);
    const user = this.#user;
    const one = recordHandler({ name: 'one', handle: (payload, context) => user.one(payload as Payload, context) });
    const many = batchHandler({
      name: 'many',
      order: shape === 'strict' ? 'strict' : 'any',
      ...(maxItems === undefined ? {} : { maxItems }),
      ...(maxWaitMs === undefined ? {} : { maxWaitMs }),
      bisect,
      handle: (batch, context) => user.many(batch as Batch<Payload>, context),
    });
    return new TestSession(
      {
        handlers: shape === 'record' ? [one] : [many],
        hooks: {
          shardEnd: () => {
            this.checks.hookDone = true;
          },
        },
        ...(lanes === undefined ? {} : { concurrency: { perShard: lanes } }),
        ...(breaker === undefined ? {} : { circuitBreaker: { ...BREAKER, minimumCalls: breaker } }),
        checkpoint,
        retry: { attempts: 2, initialDelayMs: 100, maxDelayMs: 500, timeoutMs: 2_000, then },
        ...(filterEvery === undefined ? {} : { filter: { data: { n: wanted(this.#plan) } } }),
        ...(then === 'deadLetter' ? { deadLetter: { sink: 'fake', sameKey } } : {}),
      },
      {
        retentionMs: 24 * HOUR_MS,
        properties: { shutdownGraceMillis: 2 * DRAIN_BUDGET_MS, maxInFlight },
        ...(this.#plan.past === undefined ? {} : { flights: recorderAfter(this.#plan.past) }),
        observer: { onMisbehaviour: ({ kind, line }) => this.checks.violate(`${kind}: ${line}`) },
      },
    );
  }

  async #move(next: Move): Promise<void> {
    const session = this.#session;
    this.#meet(next.kind);
    switch (next.kind) {
      case 'deliver':
        return this.#deliver(next.count, next.again);
      case 'advance':
        return session.clock.advance(next.delayMs);
      case 'staleContext':
        return this.#user.useStaleContext(next.pick, next.defers);
      case 'checkpointErrors':
        session.checkpointErrors.push(...next.names);
        return;
      case 'sinkFailures':
        session.sink.failures = next.failures;
        return;
      case 'order': {
        const { pick, order } = next;
        const ids = Array.from({ length: this.#delivered }, (_, n) => idOf(n));
        const waiting = ids.filter((id) => session.runner.operate(id, 'find') !== undefined);
        void session.runner.operate(waiting[pick % Math.max(1, waiting.length)] ?? idOf(pick), order);
        return session.clock.settle();
      }
      case 'drain':
        this.checks.intakeClosed = true;
        return session.runner.drain();
      case 'doubt':
        this.checks.intakeClosed = true;
        this.checks.inDoubt = true;
        return session.runner.doubt('on purpose');
      case 'shutdownRequested':
        session.daemon.shutdownRequested().catch(() => undefined);
        return session.clock.settle();
      default:
        return next satisfies never;
    }
  }

  #meet(what: string): void {
    const { state, circuitBreaker } = this.#session.runner.status;
    this.situations.add(`${what} while ${state}`);
    if (circuitBreaker !== undefined && circuitBreaker !== 'closed')
      this.situations.add(`${what} with an open breaker`);
    if (this.#truth.with('deferred').length > 0) this.situations.add(`${what} with deferred records`);
    if (this.#truth.with('failed').length > 0) this.situations.add(`${what} with failed records`);
    if (this.#truth.running.length > 1) this.situations.add(`${what} with handlers side by side`);
  }

  /** The next records, and the last ones delivered once more. */
  async #deliver(count: number, again: number): Promise<void> {
    const first = Math.max(0, this.#delivered - again);
    this.#delivered += count;
    this.#truth.delivered = this.#delivered;
    const records = Array.from({ length: this.#delivered - first }, (_, index) => recordOf(first + index));
    this.#session.daemon.processRecords(records, 0).catch(() => undefined);
    await this.#session.clock.settle();
  }

  async #finish(): Promise<void> {
    const { daemon, clock, runner, outcome, log } = this.#session;
    const { end } = this.#plan;
    let ended = false;
    void outcome.then(() => {
      ended = true;
    });
    this.#meet(end);
    if (end === 'heal') await this.#heal();
    if (end === 'shardEnd') daemon.shardEnded().catch(() => undefined);
    if (end === 'handoff') daemon.shutdownRequested().catch(() => undefined);
    if (end === 'leaseLost' || end === 'handoff') daemon.leaseLost().catch(() => undefined);
    if (end !== 'endOfInput') {
      await clock.advance(8_000);
      this.checks.intakeClosed = true;
      runner.drain();
      await clock.advance(5_000);
    }
    await daemon.end();
    await clock.settle();

    if (!ended) this.checks.violate('the session did not end');
    const timers = clock.pendingTimers - this.#user.pauses;
    if (timers > 0) this.checks.violate(`${timers} timers are left`);
    if (log.lines.some(({ message }) => message.includes('defect'))) this.checks.violate('the runtime failed');
    this.checks.checkEnds();
  }

  /** Once faults stop, everything is settled and the shard ends, unless somebody has given it up before. */
  async #heal(): Promise<void> {
    const { daemon, clock, checkpointErrors, sink } = this.#session;
    checkpointErrors.splice(0, Infinity, 'ThrottlingException', 'RuntimeException');
    sink.failures = 0;
    let shardEnd: { readonly checkpointed: boolean } | undefined;
    void daemon.shardEnded().then(
      (is) => {
        shardEnd = is;
      },
      () => undefined,
    );
    for (let round = 0; round < 60 && shardEnd === undefined; round += 1) {
      this.#user.heal();
      await clock.advance(600);
      this.#user.declareLast();
      await clock.settle();
    }
    if (this.checks.intakeClosed || this.checks.stopped || this.#mayHoldForGood()) return;
    this.healed += 1;
    const unsettled = this.#truth.unsettledUpTo(Infinity);
    if (unsettled.length > 0) this.checks.violate(`${unsettled.join()} are not settled although nothing fails`);
    if (shardEnd?.checkpointed !== true) this.checks.violate('the shard did not end although nothing fails');
  }

  /** Such records wait for a redeploy, whatever heals. */
  #mayHoldForGood(): boolean {
    const { then, sameKey, behaviours } = this.#plan;
    // Ten deferred records that fail in a row look like an outage, and those do not run again.
    const outage = this.#delivered >= 10 && behaviours.some(({ kind }) => kind === 'defer');
    return then === 'hold' || (then === 'deadLetter' && (sameKey === 'hold' || outage));
  }
}

function idOf(n: number): string {
  const { sequenceNumber, subSequenceNumber } = recordOf(n);
  return `shardId-000000000000:${sequenceNumber}:${subSequenceNumber}`;
}

function wanted(plan: Plan): readonly number[] {
  return Array.from({ length: 100 }, (_, n) => n).filter((n) => !isFiltered(n, plan));
}

/** Of a process that follows one that died with up to eight records. */
function recorderAfter(past: 'careful' | 'suspects'): FlightRecorder {
  const processes = new DyingProcesses();
  const { log } = processes.recorder.open('');
  const suspects = past === 'suspects' ? SUSPECTS : [];
  log.write(0, { kind: 'delivered', upTo: recordOf(8) });
  suspects.forEach((n, index) => {
    const span = { from: recordOf(n), to: recordOf(n), alone: false };
    log.write(2 * index + 1, { kind: 'suspect', ...span, deaths: 2 });
    log.write(2 * index + 2, { kind: 'flying', ...span });
  });
  processes.die();
  return processes.recorder;
}

/** Looks at what is added to a list before anybody else does. */
function watch<T>(list: T[], look: (added: T) => void): void {
  const push = list.push.bind(list);
  list.push = (...added) => {
    for (const each of added) look(each);
    return push(...added);
  };
}
