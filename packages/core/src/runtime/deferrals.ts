/**
 * Deferred records: somebody outside of the handler holds a handle and says how the record ends. One that fails does so beside
 * its successors, which may have run already: it is never run again, and nothing of its lane starts while its end is decided.
 */
import type { Deferred } from '../definition/context.js';
import type { Handler } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import { contextExpired } from './contexts.js';
import type { Endings } from './ending.js';
import type { RecordRun } from './record-run.js';
import type { RecordSlot } from './record-slot.js';
import type { SessionParts } from './session-parts.js';
import type { Window } from './window.js';

interface DeferralsOptions {
  readonly parts: SessionParts;
  readonly endings: Endings;
  readonly window: Window;
}

export class Deferrals {
  readonly #parts: SessionParts;
  readonly #endings: Endings;
  readonly #window: Window;
  /** By lane: a deferred record has failed and its end is being decided. */
  readonly #failing = new Map<string | undefined, Promise<void>>();

  constructor({ parts, endings, window }: DeferralsOptions) {
    this.#parts = parts;
    this.#endings = endings;
    this.#window = window;
  }

  /** Until it has resolved nothing of the lane may start. */
  failing(lane: string | undefined): Promise<void> | undefined {
    return this.#failing.get(lane);
  }

  defer({ slot, plan: { handler }, attempt, execution }: RecordRun): Deferred {
    if (slot.phase !== 'running' || slot.attempts !== attempt) throw contextExpired(slot.record.id);
    if (handler.kind === 'record' && handler.idempotent !== undefined) throw deferredIdempotent(handler.name);
    slot.phase = 'deferred';
    this.#window.enter(slot);
    this.#parts.report.emitRecord(slot, { kind: 'recordDeferred' });
    const { record } = slot;
    const deferred: Deferred = {
      record,
      done: () => {
        if (!this.#leave(slot)) return;
        execution.release();
        this.#endings.succeeded();
        this.#endings.settle(slot, 'handled');
        this.#parts.checkpointer.declared();
      },
      fail: (thrown) => {
        if (slot.phase !== 'deferred') return;
        slot.phase = 'failing';
        execution.release();
        this.#decide(slot, handler, toError(thrown));
      },
    };
    execution.handOver((escaped) => deferred.fail(escaped));
    return deferred;
  }

  /** The handle's first call takes the record back; later ones find it gone. */
  #leave(slot: RecordSlot): boolean {
    if (slot.phase !== 'deferred') return false;
    slot.phase = 'running';
    return true;
  }

  /** One after the other: the first may hold what the next would park. */
  #decide(slot: RecordSlot, handler: Handler, error: Error): void {
    const before = this.#failing.get(slot.lane);
    const failing = Promise.resolve(before).then(() => this.#failDeferred(slot, handler, error));
    this.#failing.set(slot.lane, failing);
    void failing.then(() => {
      if (this.#failing.get(slot.lane) === failing) this.#failing.delete(slot.lane);
    });
  }

  async #failDeferred(slot: RecordSlot, handler: Handler, error: Error): Promise<void> {
    // The session may have ended while an earlier one was being decided.
    if (slot.closed) return;
    const ending = await this.#endings.withoutRetry(slot, handler, error);
    if (ending.kind === 'abandoned') this.#endings.abandon(slot, 'the session ended before it was settled');
  }
}

/** Its key would be completed when the handler returns, before the effect is there. */
function deferredIdempotent(name: string): MillraceError {
  const message = `The handler ${name} is idempotent, so its record cannot be deferred: wait for the effect in the handler.`;
  return new MillraceError('MIDDLEWARE_MISUSED', message, { details: { handler: name } });
}
