/** What must be true of every session, looked at as its events come. */
import type { SessionEvent } from '../events.js';
import type { Position, WireRecord } from '../protocol/messages.js';
import { wire } from './session.fixture.js';
import { lanesOf, type Plan } from './session-plan.fixture.js';
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

type Acknowledged = Extract<SessionEvent, { kind: 'acknowledged' }>;

export class Checks {
  readonly violations: string[] = [];
  readonly seen = { checkpoints: 0, settled: 0, shardEnds: 0 };
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
  #inFlight = 0;
  #breaker: 'closed' | 'open' | 'halfOpen' = 'closed';
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
    if (event.kind === 'circuitBreaker') this.#breaker = event.state;
    if (event.kind === 'handlerStarted' && this.#breaker === 'open')
      this.violate(`${numberOf(event.recordId)} started while the breaker was open`);
    if (event.kind === 'handlerStarted' && this.intakeClosed)
      this.violate(`${numberOf(event.recordId)} started after drain or doubt`);
    if (event.kind === 'recordSettled') this.#ended(numberOf(event.recordId), event.how);
    if (event.kind === 'recordAbandoned') this.#ended(numberOf(event.recordId), undefined);
    if (event.kind === 'acknowledged') this.#acknowledged(event);
  }

  /** After the session: each record came to one end. */
  checkEnds(): void {
    for (const n of this.#known)
      if (!this.#settled.has(n) && !this.#abandoned.has(n)) this.violate(`${n} was neither settled nor abandoned`);
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
    if (REFUSALS.has(error)) this.violate(`the session had to refuse a checkpoint: ${error}`);
    if (error === undefined && target !== 'SHARD_END') this.#written = NUMBERS.get(keyOf(target)) ?? Number.NaN;
  }

  #ended(n: number, how: string | undefined): void {
    if (this.#settled.has(n) || this.#abandoned.has(n)) this.violate(`${n} was ${how ?? 'abandoned'} after its end`);
    (how === undefined ? this.#abandoned : this.#settled).add(n);
    if (how === undefined) return;
    this.seen.settled += 1;
    // Whoever asked for skipping has no other witness than the event.
    if (how === 'skipped' && this.#plan.then === 'skip') this.#truth.settled(n);
    const { fate } = this.#truth.of(n);
    if (fate !== 'settled') this.violate(`${n} is said to be ${how} and is ${fate}`);
  }

  /** A batch is acknowledged while its tail runs, so only the window bounds what is unsettled. */
  #acknowledgedInLanes({ action, unsettled }: Acknowledged, asked: number): void {
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
    if (lanesOf(this.#plan) !== undefined) return this.#acknowledgedInLanes(event, asked);
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

/** Deferred records settle beside the actions: between the last checkpoint of one and its acknowledgement, too. */
function mayDefer({ behaviours, moves }: Plan): boolean {
  const defers = moves.some((move) => move.kind === 'staleContext' && move.defers);
  return defers || behaviours.some(({ kind }) => kind === 'defer');
}
