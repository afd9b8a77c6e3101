/** What becomes of a record that its handler could not handle: parked, skipped, held, or the end of the worker. */
import type { DeadLetter, Handler, RetryPolicy, RetryRules } from '../definition/definition.js';
import { isMillraceError, MillraceError, StopWorkerError } from '../errors.js';
import type { SettledHow } from '../events.js';
import type { Judged } from '../policy/overrides.js';
import { decide, type Decision } from '../policy/retry.js';
import { judgementOf, policyOf } from './judgement.js';
import type { LeftOut } from './middleware.js';
import { SESSION_ENDING, type Answer, type Order } from './orders.js';
import type { RecordSlot } from './record-slot.js';
import type { Reporter } from './reporter.js';
import type { SessionParts } from './session-parts.js';
import type { Window } from './window.js';

/** So many records in a row that exhaust on retryable errors are an outage, not poison: parking them would empty the stream into the sink. */
const OUTAGE_AFTER = 10;

export type Ending =
  /** The record is settled. */
  | { readonly kind: 'settled' }
  | { readonly kind: 'abandoned' }
  /** Run it again after a delay: a retry, or a hold that keeps trying. */
  | { readonly kind: 'again'; readonly delayMs: number };

const SETTLED: Ending = Object.freeze({ kind: 'settled' });

export class Endings {
  readonly #parts: SessionParts;
  readonly #window: Window;
  /** Records in a row whose attempts were used up by retryable errors. */
  #exhaustedInRow = 0;
  readonly #parkedKeys = new Set<string>();

  constructor(parts: SessionParts, window: Window) {
    this.#parts = parts;
    this.#window = window;
  }

  /** A handler completed: whatever was wrong downstream is over. */
  succeeded(): void {
    this.#exhaustedInRow = 0;
  }

  /** The error that keeps a record from running because an earlier one of its key is parked; undefined lets it run. */
  blockedBy(slot: RecordSlot): MillraceError | undefined {
    if (this.#parkedKeys.size === 0) return undefined;
    const key = orderKey(slot);
    if (!this.#parkedKeys.has(key)) return undefined;
    return new MillraceError(
      'KEY_PARKED',
      `An earlier record of the key "${key}" is parked and the consumer holds its successors (sameKey: 'hold').`,
    );
  }

  /** Decides what follows a failed attempt and does it, except for running the handler again. */
  async after(slot: RecordSlot, handler: Handler | undefined, error: Error): Promise<Ending> {
    // Its run may have ended in the very moment in which the session gave it up.
    if (slot.closed) return { kind: slot.settled ? 'settled' : 'abandoned' };
    slot.phase = 'failed';
    if (isMillraceError(error, 'KEY_PARKED')) return this.#holdForGood({ slot, handler, error });
    const { rules: policy, retryable } = this.rulesFor(handler, error);
    const { starts } = this.#parts;
    const attempts = (starts?.usedUp(slot) ?? slot.attempts) - slot.halvings;
    const decision = decide({ policy, retryable, attempts, error, ageMs: this.#ageMs(slot) }, this.#parts.ports.random);
    switch (decision.kind) {
      case 'stopWorker':
        return this.#stop(error);
      case 'retry':
        this.#parts.report.countRetry(slot, decision.delayMs, error);
        return { kind: 'again', delayMs: decision.delayMs };
      case 'wait':
        this.#parts.report.countRetry(slot, decision.delayMs, error);
        slot.attempts -= 1;
        return { kind: 'again', delayMs: decision.delayMs };
      case 'exhausted':
        return this.#exhausted({
          slot,
          handler,
          error: decision.tooOld ? tooOld(policy, error) : error,
          policy,
          decision,
        });
      default:
        return decision satisfies never;
    }
  }

  /** As `after` for a record that must not run again: its successors have run already. */
  async withoutRetry(slot: RecordSlot, handler: Handler | undefined, error: Error): Promise<Ending> {
    const { rules, retryable } = this.rulesFor(handler, error);
    const policy = { ...rules, attempts: 1 };
    const decision = decide({ policy, retryable, attempts: 1, error, ageMs: undefined }, this.#parts.ports.random);
    if (decision.kind === 'stopWorker') return this.#stop(error);
    const failed = { slot, handler, error, neverAgain: AFTER_SUCCESSORS };
    if (decision.kind !== 'exhausted' || policy.then === 'hold') return this.#holdForGood(failed);
    const ending = await this.#exhausted({ ...failed, policy, decision });
    return ending.kind === 'again' ? this.#holdForGood(failed) : ending;
  }

  /** Both halves of a batch failed alike, which says nothing about its records: none is given up, all are tried again. */
  outage(slot: RecordSlot, handler: Handler, error: Error): Extract<Ending, { kind: 'again' }> {
    const { maxDelayMs } = this.policyOf(handler);
    slot.phase = 'failed';
    slot.halvings += 1;
    const why = `both halves of its batch failed alike, so this looks like an outage; the batch is tried again every ${maxDelayMs} ms`;
    this.#parts.holds.hold(slot, why, error);
    this.#parts.report.countRetry(slot, maxDelayMs, error);
    return { kind: 'again', delayMs: maxDelayMs };
  }

  policyOf(handler: Handler | undefined): RetryPolicy {
    return policyOf(this.#parts, handler);
  }

  /** The handler's policy, or what it says of this error. */
  rulesFor(handler: Handler | undefined, error: Error): Judged {
    return judgementOf(this.#parts, handler, error);
  }

  #exhausted(end: ExhaustedRecord): Promise<Ending> {
    const { slot, handler, error, policy, decision } = end;
    const { then, retryable } = decision;
    switch (then) {
      case 'deadLetter':
        if (retryable) this.#exhaustedInRow += 1;
        if (retryable && this.#exhaustedInRow >= OUTAGE_AFTER) {
          return this.#holdAndRetry(
            slot,
            `${this.#exhaustedInRow} records in a row used up their attempts, so this looks like an outage; nothing more is parked until one succeeds`,
            end,
          );
        }
        return this.#park(end);
      case 'skip':
        this.#parts.report.log.error(
          { recordId: slot.record.id, attempts: slot.attempts, err: error },
          "A record is skipped (then: 'skip').",
        );
        return Promise.resolve(this.settle(slot, 'skipped', error));
      case 'stop':
        return Promise.resolve(this.#stop(stopBy(handler, error)));
      case 'hold':
        if (!retryable) return this.#holdForGood(end);
        return this.#holdAndRetry(
          slot,
          `its ${policy.attempts} attempts are used up (then: 'hold'); it is tried again every ${policy.maxDelayMs} ms`,
          end,
        );
      default:
        return then satisfies never;
    }
  }

  /** A handler ignores its aborted signal: its lane waits for it, and everybody can see that. */
  stuck(slot: RecordSlot, handler: string, runningMs: number): MillraceError {
    const { report, holds } = this.#parts;
    const why = `${handler} has been running for ${runningMs} ms and ignores its aborted signal`;
    report.emit({ kind: 'stuck', recordId: slot.record.id, handler, runningMs });
    const error = new MillraceError('HANDLER_TIMEOUT', `${why}.`, { details: { handler, runningMs } });
    holds.hold(slot, why, error);
    return error;
  }

  settle(slot: RecordSlot, how: SettledHow, error?: Error): Ending {
    if (slot.closed) return SETTLED;
    slot.phase = 'settled';
    this.#window.leave(slot);
    const { watermark, holds, report, checkpointer } = this.#parts;
    holds.releaseRecord(slot);
    report.countSettled(slot, how, error);
    watermark.advance();
    if ((watermark.oldest?.order ?? Infinity) <= slot.order) slot.dropPayload();
    checkpointer.recordSettled();
    return SETTLED;
  }

  /** Settled without its handler, because a middleware said so. */
  leaveOut(slot: RecordSlot, { how, why }: LeftOut): Ending {
    this.#parts.report.log.debug({ recordId: slot.record.id, how, why }, 'A record is settled without its handler.');
    return this.settle(slot, how);
  }

  /** The record is part of a window's state: it is nobody's work any more, and no checkpoint covers it before the window is emitted. */
  absorb(slot: RecordSlot): void {
    const { watermark, holds } = this.#parts;
    watermark.hold();
    slot.phase = 'absorbed';
    this.#window.leave(slot);
    holds.releaseRecord(slot);
    watermark.advance();
  }

  abandon(slot: RecordSlot, why: string): Ending {
    abandonSlot(slot, this.#parts.report, why);
    this.#window.leave(slot);
    return { kind: 'abandoned' };
  }

  async #park(failed: FailedRecord, answer?: Answer): Promise<Ending> {
    const { slot, handler, error, neverAgain } = failed;
    const { sinks, parking, consumer, replayed } = this.#parts;
    const sink = sinks.sinkOf(handler?.name);
    if (sink === undefined) return this.#holdForGood(failed);
    const request = { sink, slot, handler: handler?.name, error, neverAgain };
    const parked = await parking.park(answer === undefined ? request : { ...request, answer });
    if (parked.kind === 'abandoned') return this.abandon(slot, 'the session ended before the dead-letter sink took it');
    if (parked.kind === 'ordered') return this.#carryOut(failed, parked);
    const deadLetter: DeadLetter | undefined = handler?.deadLetter ?? consumer.definition.deadLetter;
    if (deadLetter?.sameKey === 'hold') this.#parkedKeys.add(orderKey(slot));
    this.#parts.report.log.warn(
      { recordId: slot.record.id, attempts: slot.attempts, err: error },
      replayed ? 'A record failed again and stays parked.' : 'A record is parked.',
    );
    return this.settle(slot, 'parked', error);
  }

  #holdAndRetry(slot: RecordSlot, why: string, { policy, error }: ExhaustedRecord): Promise<Ending> {
    this.#parts.holds.hold(slot, why, error);
    this.#parts.report.countRetry(slot, policy.maxDelayMs, error);
    return Promise.resolve({ kind: 'again', delayMs: policy.maxDelayMs });
  }

  /** Running it again cannot help: it waits for a redeploy or for another owner, and so does everything behind it. */
  async #holdForGood(failed: FailedRecord): Promise<Ending> {
    const { slot, error } = failed;
    this.#parts.holds.hold(slot, `running it again cannot help (${error.message})`, error);
    const [again] = await this.pause([failed], undefined);
    if (again !== undefined) return { kind: 'again', delayMs: 0 };
    return { kind: slot.settled ? 'settled' : 'abandoned' };
  }

  /**
   * Waits before the next attempt of these records, without end when no delay is given, and gives back those that run
   * now. The others are closed: the session has ended, or an operator has had them parked or skipped. An operator's
   * `retry` of one ends the wait for all.
   */
  async pause<F extends FailedRecord>(failed: readonly F[], delayMs: number | undefined): Promise<readonly F[]> {
    const { orders, life, ports } = this.#parts;
    const startedMs = ports.clock.monotonicMs();
    let rest = failed;
    while (rest.length > 0) {
      const woken = await orders.wait({
        recordIds: rest.map(({ slot }) => slot.record.id),
        delayMs: delayMs === undefined ? undefined : Math.max(0, startedMs + delayMs - ports.clock.monotonicMs()),
        giveUp: life.intake,
        refusal: (recordId, order) => this.#refusal(find(rest, recordId), order),
      });
      if (woken.kind === 'time' && life.accepting) return rest;
      if (woken.kind !== 'order' || !life.accepting) {
        if (woken.kind === 'order') woken.answer({ kind: 'refused', text: SESSION_ENDING });
        const why =
          delayMs === undefined ? 'it was held when the session ended' : 'the session ended before its next attempt';
        for (const { slot } of rest) this.abandon(slot, why);
        return [];
      }
      const one = find(rest, woken.recordId);
      if (one === undefined) continue;
      if ((await this.#carryOut(one, woken)).kind === 'again') return rest;
      rest = rest.filter((other) => other !== one);
    }
    return rest;
  }

  /** What an operator wants, now. */
  #carryOut(failed: FailedRecord, { order, answer }: GivenOrder): Ending | Promise<Ending> {
    const { slot, error } = failed;
    switch (order) {
      case 'retry':
        // An operator who runs it again knows that the earlier record of its key is taken care of.
        if (isMillraceError(error, 'KEY_PARKED')) this.#parkedKeys.delete(orderKey(slot));
        this.#parts.holds.release(slot.record.id);
        answer({ kind: 'done', text: 'It runs again now.' });
        return { kind: 'again', delayMs: 0 };
      case 'skip':
        answer({ kind: 'done', text: 'It is skipped.' });
        return this.settle(slot, 'skipped', error);
      case 'park':
        return this.#park(failed, answer);
      default:
        return order satisfies never;
    }
  }

  #refusal(failed: FailedRecord | undefined, order: Order): string | undefined {
    if (order === 'retry') return failed?.neverAgain;
    if (order !== 'park' || this.#parts.sinks.sinkOf(failed?.handler?.name) !== undefined) return undefined;
    return 'There is no dead-letter sink to park it in. Declare one with @DeadLetter, or run it again, or skip it.';
  }

  #stop(error: Error): Ending {
    this.#parts.report.log.error({ err: error }, 'A handler stops the worker.');
    this.#parts.requestStop(error);
    return { kind: 'abandoned' };
  }

  /** Not known of a run that the downstream is to blame for while the circuit breaker is open. */
  #ageMs(slot: RecordSlot): number | undefined {
    if (this.#parts.starts?.forgave(slot) === true) return undefined;
    return slot.arrivedAt === undefined ? undefined : this.#parts.ports.clock.now() - slot.arrivedAt;
  }
}

/** What must stay in order: the lane's key, where there are lanes. */
function orderKey({ lane, record }: RecordSlot): string {
  return lane ?? record.partitionKey;
}

/** Gives a record up for its next owner; one that is settled or given up already stays as it is. */
export function abandonSlot(slot: RecordSlot, report: Reporter, why: string): void {
  if (slot.closed) return;
  slot.phase = 'abandoned';
  report.emitRecord(slot, { kind: 'recordAbandoned', why });
}

function stopBy(handler: Handler | undefined, cause: Error): StopWorkerError {
  return new StopWorkerError(
    `${handler?.name ?? 'No handler'} could not handle a record, and its policy stops the worker (then: 'stop'): ${cause.message}`,
    { cause },
  );
}

function tooOld({ maxRecordAgeMs }: RetryRules, cause: Error): MillraceError {
  return new MillraceError(
    'RECORD_TOO_OLD',
    `The record failed and is older than ${maxRecordAgeMs} ms (maxRecordAgeMs), so it is not run again: ${cause.message}`,
    { cause },
  );
}

/** A record whose last attempt failed, or that cannot run. */
export interface FailedRecord {
  readonly slot: RecordSlot;
  readonly handler: Handler | undefined;
  readonly error: Error;
  /** Why an operator cannot have it run again. */
  readonly neverAgain?: string;
}

interface GivenOrder {
  readonly order: Order;
  readonly answer: Answer;
}

const AFTER_SUCCESSORS =
  'It was deferred and its successors have run, so running it again would break the order. Park it, skip it, or restart the worker, which runs it and them again.';

function find<F extends FailedRecord>(failed: readonly F[], recordId: string): F | undefined {
  return failed.find(({ slot }) => slot.record.id === recordId);
}

interface ExhaustedRecord extends FailedRecord {
  readonly policy: RetryRules;
  readonly decision: Extract<Decision, { kind: 'exhausted' }>;
}
