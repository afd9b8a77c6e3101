/** What must be true of every session, looked at as its events come. */
import type { SessionEvent } from '../events.js';
import type { Position, WireRecord } from '../protocol/messages.js';
import { wire } from './session.fixture.js';
import { BREAKER, groupingOf, isAhead, keyOfRecord, type Plan, SUSPECTS } from './session-plan.fixture.js';
import type { Truth } from './session-truth.fixture.js';

/** Record n. Every third one starts a KPL aggregate of three, so that sub-sequence numbers count. */
export function recordOf(n: number): WireRecord {
  const position = { sequenceNumber: wire(Math.floor(n / 3)).sequenceNumber, subSequenceNumber: n % 3 };
  return wire(n, { ...position, data: Buffer.from(JSON.stringify({ n })) });
}

const NUMBERS = new Map(Array.from({ length: 100 }, (_, n) => [keyOf(recordOf(n)), n] as const));

export function numberOf(recordId: string): number {
  return NUMBERS.get(recordId.slice(recordId.indexOf(':') + 1)) ?? Number.NaN;
}

function keyOf({ sequenceNumber, subSequenceNumber }: Position): string {
  return `${sequenceNumber}:${subSequenceNumber}`;
}

/** What only a wrong runtime asks for; the session refuses it, and so nobody else would notice. */
const REFUSALS: ReadonlySet<string | undefined> = new Set([
  'NO_OPEN_ACTION',
  'NO_CHECKPOINTER',
  'CHECKPOINT_IN_FLIGHT',
  'BEYOND_DELIVERED',
  'BACKWARDS',
  'POSITION_AT_SHARD_END',
  'SHARD_END_ONLY_AT_SHARD_END',
]);

/** Half of the world's shutdownGraceMillis. */
export const DRAIN_BUDGET_MS = 4_000;

type Acknowledged = Extract<SessionEvent, { kind: 'acknowledged' }>;

export class Checks {
  readonly violations: string[] = [];
  readonly seen = { checkpoints: 0, settled: 0, shardEnds: 0, filtered: 0, orders: 0 };
  /** Whoever drains or doubts says so before the session does. */
  intakeClosed = false;
  inDoubt = false;
  stopped = false;
  hookDone = false;
  readonly #plan: Plan;
  readonly #truth: Truth;
  readonly #known = new Set<number>();
  readonly #settled = new Set<number>();
  readonly #abandoned = new Set<number>();
  #drainingSince: number | undefined;
  /** What an operator has had parked, whatever its runs said. */
  readonly parkedByOrder = new Set<number>();
  /** What an operator has had skipped. */
  readonly #skipped = new Set<number>();
  readonly #started = new Set<number>();
  #inFlight = 0;
  #breaker: 'closed' | 'open' | 'halfOpen' = 'closed';
  #breakerOpenedAt = 0;
  /** Keys of which a record is parked, where its successors have to wait. */
  readonly #parkedKeys = new Set<number>();
  /** Handlers that run, as the session tells it; without those that nobody waits for. */
  readonly #flying = new Map<number, { readonly alone: boolean }>();
  #askedInAction = 0;
  #written = -1;

  constructor(plan: Plan, truth: Truth) {
    this.#plan = plan;
    this.#truth = truth;
  }

  violate(what: string): void {
    this.violations.push(what);
  }

  onEvent(event: SessionEvent): void {
    if ('recordId' in event && event.recordId !== undefined) this.#known.add(numberOf(event.recordId));
    if (event.kind === 'checkpointRequested') this.#requested(event);
    if (event.kind === 'checkpointAnswered') this.#answered(event);
    if (event.kind === 'stuck' && event.recordId !== undefined) this.#truth.stuck.add(numberOf(event.recordId));
    if (event.kind === 'leaseDoubt') this.inDoubt = true;
    if (event.kind === 'leaseDoubt' || event.kind === 'draining') this.intakeClosed = true;
    if (event.kind === 'draining') this.#drainingSince ??= event.at;
    if (event.kind === 'handlerStarted') this.#starts(event);
    if (event.kind === 'ordered') this.#ordered(event);
    if (event.kind === 'circuitBreaker') this.#breakerIs(event);
    if (event.kind === 'handlerEnded') this.#flying.delete(numberOf(event.recordId));
    if (event.kind === 'stuck' && event.recordId !== undefined) this.#flying.delete(numberOf(event.recordId));
    if (event.kind === 'handlerStarted' && this.#breaker === 'open')
      this.violate(`${numberOf(event.recordId)} started while the breaker was open`);
    if (event.kind === 'recordSettled') this.#ended(numberOf(event.recordId), event.how);
    if (event.kind === 'recordAbandoned') this.#ended(numberOf(event.recordId), undefined);
    if (event.kind === 'acknowledged') this.#acknowledged(event);
  }

  /** After the session: each record came to one end. */
  checkEnds(): void {
    for (const n of this.#known)
      if (!this.#settled.has(n) && !this.#abandoned.has(n)) this.violate(`${n} was neither settled nor abandoned`);
  }

  /** What gathered before a drain is still called, once, within the budget, and behind nothing that was given up. */
  #starts({ recordId, attempt, at }: Extract<SessionEvent, { kind: 'handlerStarted' }>): void {
    const n = numberOf(recordId);
    this.#takesOff(n, attempt);
    // What was in one batch with it ran beside it, and runs again with the rest of the batch.
    if (!this.#started.has(n) && this.#parkedKeys.has(keyOfRecord(n)))
      this.violate(`${n} started although a record of its key is parked`);
    this.#started.add(n);
    if (this.stopped) this.violate(`${n} started after the worker was asked to stop`);
    if (!this.intakeClosed) return;
    const gathered = groupingOf(this.#plan).maxWaitMs !== undefined && !this.inDoubt && attempt === 1;
    if (!gathered) return this.violate(`${n} started after drain or doubt`);
    if (at - (this.#drainingSince ?? at) >= DRAIN_BUDGET_MS) this.violate(`${n} started after the drain budget`);
    const before = [...this.#abandoned].filter((other) => other < n);
    if (before.length > 0) this.violate(`${n} started although ${before.join()} before it were given up`);
  }

  /** What the process may have died of runs with nothing beside it. */
  #takesOff(n: number, attempt: number): void {
    const alone = this.#plan.past === 'suspects' && SUSPECTS.includes(n) && attempt === 1;
    const others = [...this.#flying].filter(([, other]) => alone || other.alone).map(([other]) => other);
    if (others.length > 0) this.violate(`${n} started beside ${others.join()}, of which one has to be alone`);
    this.#flying.set(n, { alone });
  }

  #breakerIs({ state, at }: Extract<SessionEvent, { kind: 'circuitBreaker' }>): void {
    if (state === 'halfOpen' && at - this.#breakerOpenedAt < BREAKER.openMs)
      this.violate(`the breaker let calls through ${at - this.#breakerOpenedAt} ms after it had opened`);
    if (state === 'open') this.#breakerOpenedAt = at;
    this.#breaker = state;
  }

  #ordered({ recordId, order }: Extract<SessionEvent, { kind: 'ordered' }>): void {
    this.seen.orders += 1;
    const n = numberOf(recordId);
    const { running, fate } = this.#truth.of(n);
    if (running || fate === 'settled') this.violate(`${n} took the order ${order} while it was ${fate}`);
    if (this.intakeClosed) this.violate(`${n} took the order ${order} after drain or doubt`);
    if (order === 'retry') this.#parkedKeys.delete(keyOfRecord(n));
    if (order === 'skip') this.#skipped.add(n);
    if (order === 'park') this.parkedByOrder.add(n);
  }

  #requested({ target }: Extract<SessionEvent, { kind: 'checkpointRequested' }>): void {
    this.seen.checkpoints += 1;
    this.#askedInAction += 1;
    this.#inFlight += 1;
    if (this.#inFlight > 1) this.violate('two checkpoints in flight');
    if (this.inDoubt) this.violate('a checkpoint after doubt');
    const upTo = target === 'SHARD_END' ? Infinity : (NUMBERS.get(keyOf(target)) ?? Number.NaN);
    const early = this.#truth.unsettledUpTo(upTo);
    if (early.length > 0) this.violate(`a checkpoint at ${upTo} covers ${early.join()}, not settled`);
    if (!(upTo > this.#written)) this.violate(`a checkpoint at ${upTo} after ${this.#written}`);
    if (target !== 'SHARD_END') return;
    this.seen.shardEnds += 1;
    if (!this.hookDone) this.violate('SHARD_END before its hook');
  }

  #answered({ target, error }: Extract<SessionEvent, { kind: 'checkpointAnswered' }>): void {
    this.#inFlight -= 1;
    // Whatever the session makes of it: the lease is somebody else's.
    if (error === 'ShutdownException') {
      this.inDoubt = true;
      this.intakeClosed = true;
    }
    if (REFUSALS.has(error)) this.violate(`the session had to refuse a checkpoint: ${error}`);
    if (error === undefined && target !== 'SHARD_END') this.#written = NUMBERS.get(keyOf(target)) ?? Number.NaN;
  }

  #ended(n: number, how: string | undefined): void {
    if (this.#settled.has(n) || this.#abandoned.has(n)) this.violate(`${n} was ${how ?? 'abandoned'} after its end`);
    (how === undefined ? this.#abandoned : this.#settled).add(n);
    if (how === undefined) return;
    this.seen.settled += 1;
    if (how === 'parked' && this.#plan.sameKey === 'hold') this.#parkedKeys.add(keyOfRecord(n));
    // Whoever asked for skipping has no other witness than the event.
    if (how === 'skipped' && (this.#plan.then === 'skip' || this.#skipped.has(n))) this.#truth.settled(n);
    if (how === 'filtered' && isFiltered(n, this.#plan) && this.#truth.of(n).attempts === 0) {
      this.seen.filtered += 1;
      this.#truth.settled(n);
    }
    const { fate } = this.#truth.of(n);
    if (fate !== 'settled') this.violate(`${n} is said to be ${how} and is ${fate}`);
  }

  /** A batch is acknowledged while its tail runs, so only the window bounds what is unsettled. */
  #acknowledgedAhead({ action, unsettled }: Acknowledged, asked: number): void {
    if (!this.intakeClosed && !this.stopped && unsettled > this.#plan.maxInFlight)
      this.violate(`${action} was acknowledged with ${unsettled} unsettled`);
    // What a handler finishes after it was given up does not count.
    let settled = -1;
    while (this.#settled.has(settled + 1)) settled += 1;
    const moved = settled > this.#written;
    if (action === 'shutdownRequested' && asked === 0 && moved && !mayDefer(this.#plan))
      this.violate(`${action} was acknowledged and ${settled} not written`);
  }

  #acknowledged(event: Acknowledged): void {
    const { action } = event;
    const asked = this.#askedInAction;
    this.#askedInAction = 0;
    if (this.inDoubt) return;
    if (this.#inFlight > 0) this.violate(`${action} was acknowledged with a checkpoint in flight`);
    if (isAhead(this.#plan)) return this.#acknowledgedAhead(event, asked);
    const undecided = this.#truth.with('open', 'failed');
    if (!this.intakeClosed && !this.stopped && undecided.length > 0)
      this.violate(`${action} was acknowledged while ${undecided.join()} were not done`);
    const { checkpoint } = this.#plan;
    const writes =
      action === 'shutdownRequested' ||
      (action === 'processRecords' && (checkpoint === 'batch' || checkpoint === 'record'));
    if (writes && asked === 0 && this.#truth.watermark > this.#written && !mayDefer(this.#plan))
      this.violate(`${action} was acknowledged and ${this.#truth.watermark} not written`);
  }
}

/** Whether the filter of this plan leaves the record out. */
export function isFiltered(n: number, { filterEvery }: Pick<Plan, 'filterEvery'>): boolean {
  return filterEvery !== undefined && n % filterEvery === 1;
}

/** Deferred records settle beside the actions: between the last checkpoint of one and its acknowledgement, too. */
function mayDefer({ behaviours, moves }: Plan): boolean {
  const defers = moves.some((move) => move.kind === 'staleContext' && move.defers);
  return defers || behaviours.some(({ kind }) => kind === 'defer');
}
