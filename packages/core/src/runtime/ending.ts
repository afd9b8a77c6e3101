/** What becomes of a record that its handler could not handle: parked, skipped, held, or the end of the worker. */
import type { DeadLetter, Handler, RetryPolicy, RetryRules } from '../definition/definition.js';
import { isMillraceError, MillraceError, StopWorkerError } from '../errors.js';
import type { Judged } from '../policy/overrides.js';
import { decide, type Decision } from '../policy/retry.js';
import { judgementOf, policyOf } from './judgement.js';
import { whenAborted } from './race.js';
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
    const key = orderKey(slot);
    if (!this.#parkedKeys.has(key)) return undefined;
    return new MillraceError(
      'KEY_PARKED',
      `An earlier record of the key "${key}" is parked and the consumer holds its successors (sameKey: 'hold').`,
    );
  }

  /** Decides what follows a failed attempt and does it, except for running the handler again. */
  async after(slot: RecordSlot, handler: Handler | undefined, error: Error): Promise<Ending> {
    slot.phase = 'failed';
    if (isMillraceError(error, 'KEY_PARKED')) return this.#holdForGood(slot, error);
    const { rules: policy, retryable } = this.rulesFor(handler, error);
    const { starts } = this.#parts;
    const decision = decide(
      { policy, retryable, attempts: starts?.usedUp(slot) ?? slot.attempts, error, ageMs: this.#ageMs(slot) },
      this.#parts.ports.random,
    );
    switch (decision.kind) {
      case 'stopWorker':
        return this.#stop(error);
      case 'retry':
        this.#parts.report.countRetry(slot, decision.delayMs, error);
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
    if (decision.kind === 'retry' || policy.then === 'hold') return this.#holdForGood(slot, error);
    const ending = await this.#exhausted({ slot, handler, error, policy, decision });
    return ending.kind === 'again' ? this.#holdForGood(slot, error) : ending;
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
        if (!retryable) return this.#holdForGood(slot, error);
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

  settle(slot: RecordSlot, how: 'handled' | 'parked' | 'skipped', error?: Error): Ending {
    if (slot.closed) return { kind: 'settled' };
    slot.phase = 'settled';
    this.#window.leave(slot);
    this.#parts.holds.release(slot.record.id);
    this.#parts.report.countSettled(slot, how, error);
    const { watermark } = this.#parts;
    watermark.advance();
    if (watermark.waiting > 0) slot.dropPayload();
    this.#parts.checkpointer.recordSettled();
    return { kind: 'settled' };
  }

  abandon(slot: RecordSlot, why: string): Ending {
    abandonSlot(slot, this.#parts.report, why);
    this.#window.leave(slot);
    return { kind: 'abandoned' };
  }

  async #park({ slot, handler, error }: ExhaustedRecord): Promise<Ending> {
    const { sinks, parking, consumer } = this.#parts;
    const sink = sinks.sinkOf(handler?.name);
    if (sink === undefined) return this.#holdForGood(slot, error);
    if (!(await parking.park({ sink, slot, handler: handler?.name, error })))
      return this.abandon(slot, 'the session ended before the dead-letter sink took it');
    const deadLetter: DeadLetter | undefined = handler?.deadLetter ?? consumer.definition.deadLetter;
    if (deadLetter?.sameKey === 'hold') this.#parkedKeys.add(orderKey(slot));
    this.#parts.report.log.warn(
      { recordId: slot.record.id, attempts: slot.attempts, err: error },
      'A record is parked.',
    );
    return this.settle(slot, 'parked', error);
  }

  #holdAndRetry(slot: RecordSlot, why: string, { policy, error }: ExhaustedRecord): Promise<Ending> {
    this.#parts.holds.hold(slot, why, error);
    this.#parts.report.countRetry(slot, policy.maxDelayMs, error);
    return Promise.resolve({ kind: 'again', delayMs: policy.maxDelayMs });
  }

  /** Running it again cannot help: it waits for a redeploy or for another owner, and so does everything behind it. */
  async #holdForGood(slot: RecordSlot, error: Error): Promise<Ending> {
    const { holds, life } = this.#parts;
    holds.hold(slot, `running it again cannot help (${error.message})`, error);
    await whenAborted(life.intake);
    return this.abandon(slot, 'it was held when the session ended');
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

interface ExhaustedRecord {
  readonly slot: RecordSlot;
  readonly handler: Handler | undefined;
  readonly error: Error;
  readonly policy: RetryRules;
  readonly decision: Extract<Decision, { kind: 'exhausted' }>;
}
