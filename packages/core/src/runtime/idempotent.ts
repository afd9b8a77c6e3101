/**
 * Runs a handler once for a key. What is promised:
 *
 * D1 A handler whose key is completed is not run.
 * D2 Of several runs of a key at once, by whomever, one has it until its lock expires; the others wait.
 * D3 A failed run gives the key back; a run that was killed keeps it until its lock expires.
 * D4 A run that is killed between its effect and the note of it, or that outlives its lock, leads to a second one.
 */
import { randomUUID } from 'node:crypto';
import type { ConsumerRecord, RecordContext } from '../definition/context.js';
import type { Idempotency } from '../definition/middleware.js';
import { MillraceError, RecordInProgressError } from '../errors.js';
import type { Clock, IdempotencyClaim, IdempotencyStore } from '../ports.js';
import { ABORT_GRACE_MS, currentAttempt } from './attempt.js';
import { LeftOut, type Call } from './middleware.js';
import { atMost } from './race.js';

/** A store that answers no sooner counts as failed. */
const STORE_MS = 10_000;
/** How long a key stays taken after the deadline of its handler: for the handler to heed it, and for the note. */
const LOCK_GRACE_MS = ABORT_GRACE_MS + STORE_MS;
/** How often a key that somebody else holds is looked at: they mostly end long before their lock. */
const LOOK_AGAIN_MS = 1_000;

export interface OnceOptions {
  readonly idempotency: Idempotency;
  readonly store: IdempotencyStore;
  /** Keys of several handlers, consumers and streams share a store. */
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** The inner call, once for each key; it gives what the inner call gave, or that it was left out. */
export function once(options: OnceOptions, inner: Call): Call {
  const guard = new Once(options, inner);
  // Definitions with an idempotent batch handler are refused.
  return (payload, context) => guard.run(payload, context as RecordContext);
}

class Once {
  readonly #options: OnceOptions;
  readonly #inner: Call;
  readonly #lease = randomUUID();
  /** The record whose wait was told last. */
  #told: string | undefined;

  constructor(options: OnceOptions, inner: Call) {
    this.#options = options;
    this.#inner = inner;
  }

  async run(payload: unknown, context: RecordContext): Promise<unknown> {
    const { store } = this.#options;
    const claim = this.#claim(payload, context.record);
    const answer = await this.#ask(store.acquire(claim));
    switch (answer.kind) {
      case 'acquired':
        return this.#runOwned(claim, payload, context);
      case 'completed':
        return new LeftOut('deduplicated', 'its idempotency key is completed');
      case 'inProgress': {
        const leftMs = Math.max(1, answer.lockedUntilMs - claim.nowMs);
        this.#tell(context, leftMs);
        throw new RecordInProgressError(Math.min(LOOK_AGAIN_MS, leftMs), context.record.id);
      }
      default:
        return answer satisfies never;
    }
  }

  #tell(context: RecordContext, leftMs: number): void {
    if (this.#told === context.record.id) return;
    this.#told = context.record.id;
    context.log.info({ leftMs }, 'Another run holds the idempotency key of this record, so it waits.');
  }

  async #runOwned(claim: IdempotencyClaim, payload: unknown, context: RecordContext): Promise<unknown> {
    let value: unknown;
    try {
      // The session may have given the record up while the store was asked.
      context.signal.throwIfAborted();
      value = await this.#inner(payload, context);
      throwEscaped();
    } catch (error) {
      // The next attempt may run beside this one, which did not settle in time: the key is that one's now.
      if (!isSuperseded()) await this.#release(claim, context);
      throw error;
    }
    if (value instanceof LeftOut) await this.#release(claim, context);
    else await this.#complete(claim, context);
    return value;
  }

  /** The effect is there: a store that fails now must not lead to a second one. */
  async #complete(claim: IdempotencyClaim, context: RecordContext): Promise<void> {
    const { store } = this.#options;
    try {
      const kept = await this.#ask(store.complete(this.#refreshed(claim)));
      if (!kept)
        context.log.warn(
          {},
          'The handler ran longer than it had its idempotency key: another run may have done the same.',
        );
    } catch (error) {
      context.log.error(
        { err: error },
        'A record was handled and its idempotency key could not be completed: if the record comes again, it runs again.',
      );
    }
    // An error that escaped meanwhile fails this run, and the next one must not find the key completed.
    try {
      throwEscaped();
    } catch (error) {
      await this.#release(claim, context);
      throw error;
    }
  }

  /** Without it the key stays taken until its lock expires; the record itself takes it again at once. */
  async #release(claim: IdempotencyClaim, context: RecordContext): Promise<void> {
    try {
      await this.#ask(this.#options.store.release(claim));
    } catch (error) {
      context.log.warn({ err: error }, 'An idempotency key could not be given back; its lock will expire.');
    }
  }

  #claim(payload: unknown, record: ConsumerRecord): IdempotencyClaim {
    const { idempotency, prefix } = this.#options;
    const key: unknown = idempotency.key === undefined ? record.id : idempotency.key(payload, record);
    if (typeof key !== 'string' || key === '') {
      const message = `The key of an idempotent handler must be a text that is not empty; the function gave ${key === '' ? 'an empty one' : typeof key} for record ${record.id}.`;
      throw new MillraceError('IDEMPOTENCY_FAILED', message, { details: { recordId: record.id } });
    }
    return this.#refreshed({
      key: `${prefix}${key}`,
      owner: `${this.#lease}:${record.id}`,
      nowMs: 0,
      lockedUntilMs: 0,
      expiresAtMs: 0,
    });
  }

  #refreshed(claim: IdempotencyClaim): IdempotencyClaim {
    const { clock, timeoutMs, idempotency } = this.#options;
    const nowMs = clock.now();
    return {
      ...claim,
      nowMs,
      lockedUntilMs: nowMs + timeoutMs + LOCK_GRACE_MS,
      expiresAtMs: nowMs + idempotency.expireAfterMs,
    };
  }

  async #ask<T>(asking: Promise<T>): Promise<T> {
    let failure: unknown;
    try {
      const answer = await atMost(asking, { clock: this.#options.clock, limitMs: STORE_MS });
      if (answer.kind === 'done') return answer.value;
    } catch (error) {
      failure = error;
    }
    const why = failure instanceof Error ? failure.message : `no answer within ${STORE_MS} ms`;
    throw new MillraceError('IDEMPOTENCY_FAILED', `The idempotency store failed: ${why}`, { cause: failure });
  }
}

/** Part of the handler's work has failed where it could not see it. */
function throwEscaped(): void {
  const escaped = currentAttempt()?.escaped;
  if (escaped !== undefined) throw escaped;
}

function isSuperseded(): boolean {
  const attempt = currentAttempt();
  return attempt?.open === false && attempt.escaped !== undefined;
}
