/**
 * Takes one record from its bytes to its end: prepare, call the handler, settle, or do what the policy says. Who calls it
 * decides what runs beside it: nothing (in-order.ts), or other keys (lanes.ts). Nothing here waits when neither the handler
 * nor its schema does: a synchronous handler costs no promise.
 */
import type { RecordContext, WindowRecordContext } from '../definition/context.js';
import type { Handler } from '../definition/definition.js';
import type { Position } from '../protocol/messages.js';
import { comparePositions } from '../protocol/position.js';
import type { Prepared } from '../records/pipeline.js';
import type { AttemptResult } from './attempt.js';
import { AbsorbContext, contextExpired, OneRecordContext } from './contexts.js';
import { Deferrals } from './deferrals.js';
import type { Endings } from './ending.js';
import { LeftOut } from './middleware.js';
import type { WindowState } from './open-window.js';
import { prepareSlot } from './prepare.js';
import { RecordRun, type HandlerPlan, type OneByOne, type RunOwner, type Turn } from './record-run.js';
import type { RecordSlot } from './record-slot.js';
import type { LastBatch, SessionParts } from './session-parts.js';
import { SharedContext } from './shared-context.js';
import type { Window } from './window.js';

type Ready = { readonly handler: OneByOne; readonly payload: unknown };
/** What has failed: with a payload it can run again. */
type Failed = Ready | { readonly handler: Handler | undefined };
type Done = void | Promise<void>;
interface Failure {
  readonly error: Error;
  readonly turn: Turn | undefined;
}
/** How a wait before the start ended: it is let in, has to ask again, or nothing starts any more. */
type Entry = 'entered' | 'again' | 'over';
interface Waiting {
  readonly turn: Turn | undefined;
  readonly entering: Promise<Entry>;
}
interface Ended {
  readonly result: AttemptResult;
  readonly turn: Turn | undefined;
}

export interface Start {
  /** Undefined where nothing runs beside the record. */
  readonly turn?: Turn | undefined;
  /** What is known already. */
  readonly prepared?: Prepared | undefined;
}

export interface RunnerOptions {
  readonly parts: SessionParts;
  readonly endings: Endings;
  readonly window: Window;
  /** Where records go that a window handler has taken. */
  readonly absorber?: Absorber | undefined;
}

/** The open window, as the runner of single records sees it. */
export interface Absorber {
  readonly open: WindowState;
  absorbed(slot: RecordSlot): void;
}

export class RecordRunner {
  readonly #parts: SessionParts;
  readonly #endings: Endings;
  readonly #window: Window;
  readonly #absorber: Absorber | undefined;
  readonly #manual: boolean;
  #batch: LastBatch = { millisBehindLatest: undefined };
  readonly #deferrals: Deferrals;
  readonly #plans = new Map<OneByOne, HandlerPlan>();
  /** For handlers that return no promise; a new one for each delivery. */
  #shared: SharedContext | undefined;
  readonly #owner: RunOwner = {
    checkpoint: (run) => this.#checkpoint(run),
    defer: (run) => this.#deferrals.defer(run),
    stuck: ({ plan: { title, handler }, slot, turn }, runningMs) => {
      const error = this.#endings.stuck(slot, title, runningMs);
      this.#parts.starts?.stuck(slot, handler, error);
      turn?.yield();
    },
  };
  /** Under `manual`: the last record that was declared, whose predecessors may still be running in other lanes. */
  #declared: Position | undefined;

  constructor({ parts, endings, window, absorber }: RunnerOptions) {
    this.#parts = parts;
    this.#endings = endings;
    this.#window = window;
    this.#absorber = absorber;
    this.#deferrals = new Deferrals({ parts, endings, window });
    this.#manual = parts.consumer.definition.checkpoint.kind === 'manual';
  }

  /** A batch has come: what its records' contexts say of the lag. */
  delivered(batch: LastBatch): void {
    this.#batch = batch;
    this.#shared = undefined;
  }

  /** Until it has resolved nothing of the lane may start. */
  failing(lane?: string): Promise<void> | undefined {
    return this.#deferrals.failing(lane);
  }

  abandon(slot: RecordSlot, why: string): void {
    this.#endings.abandon(slot, why);
  }

  /** Runs a record to its end; a promise comes back only when something had to be waited for. */
  run(slot: RecordSlot, { turn, prepared }: Start = {}): Done {
    const blocked = this.#endings.blockedBy(slot);
    if (blocked !== undefined) return this.#fail(slot, undefined, { error: blocked, turn });
    const refusal = this.#parts.starts?.refusal(slot);
    if (refusal !== undefined) return this.#fail(slot, { handler: this.#onlyHandler() }, { error: refusal, turn });
    if (prepared !== undefined) return this.#start(slot, prepared, turn);
    const preparing = prepareSlot(this.#parts, slot);
    return preparing instanceof Promise
      ? this.#startWhenPrepared(slot, preparing, turn)
      : this.#start(slot, preparing, turn);
  }

  /** Of a record that must not even be decoded, the handler is known only where there is one. */
  #onlyHandler(): Handler | undefined {
    const { handlers } = this.#parts.consumer.definition;
    return handlers.length === 1 ? handlers[0] : undefined;
  }

  async #startWhenPrepared(
    slot: RecordSlot,
    preparing: Promise<Prepared | undefined>,
    turn: Turn | undefined,
  ): Promise<void> {
    const prepared = await preparing;
    // Between the answer and this line the session may have ended.
    if (prepared === undefined || !this.#parts.life.accepting) return this.#notStarted(slot);
    // A deferred record before it in its key may have been parked meanwhile.
    const blocked = this.#endings.blockedBy(slot);
    if (blocked !== undefined) return this.#fail(slot, undefined, { error: blocked, turn });
    return this.#start(slot, prepared, turn);
  }

  #start(slot: RecordSlot, prepared: Prepared, turn: Turn | undefined): Done {
    if (prepared.kind === 'failed') return this.#fail(slot, prepared, { error: prepared.error, turn });
    if (prepared.kind === 'filtered') {
      this.#endings.settle(slot, 'filtered');
      return undefined;
    }
    const { handler, payload } = prepared;
    if (handler.kind === 'batch') throw new TypeError(`${handler.name} is a batch handler; this session runs records.`);
    const ready: Ready = { handler, payload };
    const entering = this.#enter(slot, turn);
    return entering === undefined ? this.#run(slot, ready, turn) : this.#runLater(slot, ready, { turn, entering });
  }

  #run(slot: RecordSlot, ready: Ready, turn: Turn | undefined): Done {
    const result = this.#attempt(slot, ready, turn);
    if (result instanceof Promise) return result.then((value) => this.#after(slot, ready, { result: value, turn }));
    return this.#after(slot, ready, { result, turn });
  }

  async #runLater(slot: RecordSlot, ready: Ready, { turn, entering: first }: Waiting): Promise<void> {
    for (let entering: Waiting['entering'] | undefined = first; entering; entering = this.#enter(slot, turn)) {
      const entry = await entering;
      if (this.#mayStart(slot, entry)) break;
      if (entry === 'over' || !this.#parts.life.accepting) return this.#notStarted(slot);
      const error = this.#endings.blockedBy(slot);
      if (error !== undefined) return this.#fail(slot, ready, { error, turn });
    }
    return this.#run(slot, ready, turn);
  }

  #notStarted(slot: RecordSlot): void {
    this.#endings.abandon(slot, 'no further handler starts');
  }

  /** Undefined when the handler may start at once. */
  #enter(slot: RecordSlot, turn: Turn | undefined): Promise<Entry> | undefined {
    if (this.#isOvertaken(slot)) return this.#untilDecided(slot, turn);
    return this.#parts.starts?.enter(slot)?.then((entered) => (entered ? 'entered' : 'over'));
  }

  /** Whatever was true when it began to wait is looked at again in the moment in which it starts. */
  #mayStart(slot: RecordSlot, entry: Entry): boolean {
    const { starts, life } = this.#parts;
    if (entry !== 'entered') return false;
    // One of its key may have been parked meanwhile.
    const free = slot.attempts > 0 || this.#endings.blockedBy(slot) === undefined;
    if (free && life.accepting && !this.#isOvertaken(slot) && starts?.isCurrent(slot) !== false) return true;
    starts?.giveUp(slot);
    return false;
  }

  /** A deferred record before it in its lane has failed since it was looked at, and may have to hold what would start now. */
  #isOvertaken({ attempts, lane }: RecordSlot): boolean {
    return attempts === 0 && this.#deferrals.failing(lane) !== undefined;
  }

  async #untilDecided({ lane }: RecordSlot, turn: Turn | undefined): Promise<Entry> {
    turn?.yield();
    for (let failing = this.failing(lane); failing !== undefined; failing = this.failing(lane)) await failing;
    await turn?.take();
    return this.#parts.life.accepting ? 'again' : 'over';
  }

  #attempt(
    slot: RecordSlot,
    { handler, payload }: Ready,
    turn: Turn | undefined,
  ): AttemptResult | Promise<AttemptResult> {
    const { report, invoke } = this.#parts;
    slot.phase = 'running';
    slot.attempts += 1;
    const { millisBehindLatest } = this.#batch;
    const plan = this.#planOf(handler);
    const shared = plan.pace === 'quick' ? (this.#shared ??= new SharedContext()) : undefined;
    const run = new RecordRun(plan, { slot, turn, millisBehindLatest, shared });
    const context = this.#context(run);
    if (report.watchesRecords)
      report.emitRecord(slot, { kind: 'handlerStarted', handler: handler.name, attempt: slot.attempts });
    const { execution } = run;
    execution.context = context;
    const result = execution.run(() => invoke(handler, payload, context));
    if (result instanceof Promise || execution.handedOver) this.#isSlow(plan);
    else if (plan.pace === 'unknown') plan.pace = 'quick';
    return result;
  }

  /** Most handlers return a promise each time, or never; one that comes where none was expected takes the context along. */
  #isSlow(plan: HandlerPlan): void {
    if (plan.pace === 'quick') this.#shared = undefined;
    plan.pace = 'slow';
  }

  #planOf(handler: OneByOne): HandlerPlan {
    const known = this.#plans.get(handler);
    if (known !== undefined) return known;
    const plan: HandlerPlan = {
      handler,
      title: `${this.#parts.consumer.definition.name}.${handler.name}`,
      policy: this.#endings.policyOf(handler),
      pace: 'unknown',
      parts: this.#parts,
      runner: this.#owner,
    };
    this.#plans.set(handler, plan);
    return plan;
  }

  #after(slot: RecordSlot, ready: Ready, { result, turn }: Ended): Done {
    this.#ended(slot, ready.handler, result);
    switch (result.kind) {
      case 'abandoned':
        this.#endings.abandon(slot, 'its handler was still running when the session ended');
        return undefined;
      case 'returned':
        this.#returned(slot, result.value);
        return undefined;
      case 'threw':
        return this.#threw(slot, ready, { error: result.error, turn });
      default:
        return result satisfies never;
    }
  }

  #returned(slot: RecordSlot, value: unknown): void {
    if (value instanceof LeftOut) {
      // Nobody has it in hand who could declare it done.
      if (slot.phase === 'running') this.#endings.leaveOut(slot, value);
      return;
    }
    this.#endings.succeeded();
    if (slot.phase !== 'running') return;
    if (this.#absorber !== undefined) {
      this.#absorber.absorbed(slot);
      return;
    }
    const declared = this.#isDeclared(slot);
    if (this.#manual && !declared) {
      slot.phase = 'returned';
      this.#window.enter(slot);
      return;
    }
    this.#endings.settle(slot, 'handled');
    if (declared) this.#parts.checkpointer.declared();
  }

  #threw(slot: RecordSlot, ready: Ready, failure: Failure): Done {
    if (slot.phase !== 'running') {
      // Whoever declared the record done, or holds its handle, decides over it; the error must not vanish, though.
      this.#parts.report.log.error(
        { recordId: slot.record.id, err: failure.error },
        `A handler threw after its record was ${slot.phase === 'settled' ? 'declared done' : 'deferred'}; that decides over the record.`,
      );
      return undefined;
    }
    return this.#fail(slot, ready, failure);
  }

  /** From a failure on: retries, holds, parks, skips or abandons until the slot is closed. */
  async #fail(slot: RecordSlot, failed: Failed | undefined, { error: first, turn }: Failure): Promise<void> {
    let error = first;
    // Whatever it waits for from here on, other lanes need not.
    turn?.yield();
    for (;;) {
      const ending = await this.#endings.after(slot, failed?.handler, error);
      if (ending.kind === 'abandoned') this.#endings.abandon(slot, 'the session ended before it was settled');
      if (ending.kind !== 'again') return;
      const [again] = await this.#endings.pause([{ slot, handler: failed?.handler, error }], ending.delayMs);
      if (again === undefined) return;
      if (turn !== undefined) await turn.take();
      // Looked at here and not by who was waited for: between its answer and this line the session may have ended.
      if (!this.#parts.life.accepting) {
        this.#endings.abandon(slot, 'the session ended before its next attempt');
        return;
      }
      // An operator has it run again although it had no payload, or no handler.
      if (failed === undefined || !('payload' in failed)) {
        await this.run(slot, { turn });
        return;
      }
      for (let entering = this.#enter(slot, turn); entering; entering = this.#enter(slot, turn)) {
        const entry = await entering;
        if (this.#mayStart(slot, entry)) break;
        if (entry === 'over' || !this.#parts.life.accepting) return this.#notStarted(slot);
      }
      const result = await this.#attempt(slot, failed, turn);
      if (result.kind !== 'threw' || slot.phase !== 'running') {
        await this.#after(slot, failed, { result, turn });
        return;
      }
      turn?.yield();
      this.#ended(slot, failed.handler, result);
      error = result.error;
    }
  }

  #ended(slot: RecordSlot, handler: OneByOne, result: AttemptResult): void {
    const { report, starts } = this.#parts;
    starts?.left(slot, handler, result);
    if (!report.watchesRecords) return;
    const error = result.kind === 'threw' ? result.error : undefined;
    report.emitRecord(slot, { kind: 'handlerEnded', handler: handler.name, attempt: slot.attempts, error });
  }

  #context(run: RecordRun): RecordContext | WindowRecordContext<unknown> {
    const { record } = run.slot;
    if (this.#absorber !== undefined) return new AbsorbContext(run, record, this.#absorber.open);
    return new OneRecordContext(run, record);
  }

  async #checkpoint({ slot, attempt }: RecordRun): Promise<void> {
    if (slot.phase === 'abandoned') throw contextExpired(slot.record.id);
    if (this.#manual) {
      // Whoever still works for an attempt that failed has no say in the one that follows.
      if (slot.phase === 'failed' || slot.attempts !== attempt) throw contextExpired(slot.record.id);
      this.#declareUpTo(slot);
    }
    await this.#parts.checkpointer.request();
  }

  /** Under `manual`: this record and all before it are done, except those somebody holds a handle of. */
  #declareUpTo(slot: RecordSlot): void {
    if (slot.lane !== undefined) {
      if (!this.#isDeclared(slot))
        this.#declared = { sequenceNumber: slot.sequenceNumber, subSequenceNumber: slot.subSequenceNumber };
      // The watermark may come here only when an earlier record returns, and nobody will ask again then.
      this.#parts.checkpointer.declared();
    }
    for (const earlier of [...this.#parts.watermark.pending()]) {
      // By position: the record itself may be settled and gone from here, and those behind it are not declared.
      if (comparePositions(earlier, slot) > 0) return;
      if (earlier.phase === 'returned' || (earlier === slot && earlier.phase === 'running'))
        this.#endings.settle(earlier, 'handled');
    }
  }

  /** Only in lanes: there, its predecessors may still be running when a record is declared. */
  #isDeclared(slot: RecordSlot): boolean {
    return this.#declared !== undefined && comparePositions(slot, this.#declared) <= 0;
  }
}
