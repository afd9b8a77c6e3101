/**
 * One run of a handler: its deadline, its signal, and the errors that escape it.
 *
 * A run ends when the handler's promise settles, never earlier: a second run of the same record beside the first would
 * break the order of its key. Two exceptions: the session gives up (shutdown, lease doubt), and an error escaped from the
 * handler's own callbacks, after which its promise often never settles.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ShardContext } from '../definition/context.js';
import { MillraceError, toError } from '../errors.js';
import type { Clock, Timer } from '../ports.js';
import { LazySignal } from './lazy-signal.js';
import { isThenable, untilAborted } from './race.js';

/** How long a handler may take to heed its aborted signal before its lane counts as stuck. */
export const ABORT_GRACE_MS = 5_000;

export type AttemptResult =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: Error }
  | { readonly kind: 'abandoned' };

export interface AttemptOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Named in errors: `OrderMailer.placed`. */
  readonly handler: string;
  readonly recordId: string | undefined;
  /** Aborts when the session gives its records up. */
  readonly over: AbortSignal;
  /** Called when the handler ignores its signal; it is not waited for less because of it. */
  readonly onStuck: (runningMs: number) => void;
}

const running = new AsyncLocalStorage<Attempt>();

/** The attempt whose code is running now, through any number of awaits, timers and callbacks. */
export function currentAttempt(): Attempt | undefined {
  return running.getStore();
}

export class Attempt {
  readonly handler: string;
  readonly recordId: string | undefined;
  readonly #options: AttemptOptions;
  readonly #signal: LazySignal;
  #open = true;
  /** Who goes on with the record after the run. */
  #heir: ((escaped: Error) => void) | undefined;
  #timedOut: MillraceError | undefined;
  #escaped: Error | undefined;
  #onEscape: (() => void) | undefined;
  #timer: Timer | undefined;
  #close: (() => Promise<void>) | undefined;
  /** What the user's code was given for this run; for whoever asks from deep inside of it. */
  context: ShardContext | undefined;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.handler = options.handler;
    this.recordId = options.recordId;
    this.#signal = new LazySignal(options.over);
  }

  get signal(): AbortSignal {
    return this.#signal.signal;
  }

  get open(): boolean {
    return this.#open;
  }
  /** The first error that escaped from this run. */
  get escaped(): Error | undefined {
    return this.#escaped;
  }

  /** Runs once the user's code has ended, and the run ends after it. It must end, and must not reject. */
  beforeEnd(close: () => Promise<void>): void {
    this.#close = close;
  }

  /** The record outlives the run, in somebody else's hands: its signal stays connected, and escaped errors go to them. */
  handOver(heir: (escaped: Error) => void): void {
    this.#heir = heir;
  }

  /** The record is in nobody's hands any more. */
  release(): void {
    this.#heir = undefined;
    if (!this.#open) this.#signal.release();
  }

  /** An error that got out of the handler's own call chain: it fails this attempt, or the record that it handed over. False when both have ended already. */
  escape(error: Error): boolean {
    const heir = this.#heir;
    heir?.(error);
    if (!this.#open) return heir !== undefined;
    this.#escaped ??= error;
    this.#onEscape?.();
    return true;
  }

  /** Calls the handler; a promise comes back only when the handler gave one. */
  run(call: () => unknown): AttemptResult | Promise<AttemptResult> {
    let value: unknown;
    try {
      value = running.run(this, call);
    } catch (error) {
      return this.#closeAndEnd({ kind: 'threw', error: toError(error) });
    }
    return isThenable(value) ? this.#settle(value) : this.#closeAndEnd({ kind: 'returned', value });
  }

  #closeAndEnd(result: AttemptResult): AttemptResult | Promise<AttemptResult> {
    return this.#close === undefined ? this.#end(result) : this.#close().then(() => this.#end(result));
  }

  async #settle(promise: PromiseLike<unknown>): Promise<AttemptResult> {
    const { over, clock, timeoutMs } = this.#options;
    this.#timer = clock.setTimer(timeoutMs, () => this.#timeOut());
    let result: AttemptResult;
    try {
      const raced = await untilAborted(Promise.race([promise, this.#escapeLimit()]), over);
      result = raced.kind === 'aborted' ? { kind: 'abandoned' } : { kind: 'returned', value: raced.value };
    } catch (error) {
      result = { kind: 'threw', error: toError(error) };
    }
    if (result.kind !== 'abandoned') return this.#closeAndEnd(result);
    // The code runs on with what it has; at the latest the end of the lease closes that.
    if (this.#close !== undefined) promise.then(this.#close, this.#close);
    return this.#end(result);
  }

  #timeOut(): void {
    const { clock, timeoutMs, handler } = this.#options;
    this.#timedOut = new MillraceError(
      'HANDLER_TIMEOUT',
      `${handler} ran longer than ${timeoutMs} ms (timeoutMs of its retry policy).`,
      {
        details: { handler, timeoutMs, recordId: this.recordId },
      },
    );
    this.#signal.abort(this.#timedOut);
    this.#timer = clock.setTimer(ABORT_GRACE_MS, () => this.#options.onStuck(timeoutMs + ABORT_GRACE_MS));
  }

  /** Never settles unless an error escapes; then the handler gets its signal and a last chance to settle by itself. */
  #escapeLimit(): Promise<never> {
    return new Promise((_, reject) => {
      this.#onEscape = () => {
        const error = this.#escaped;
        if (error === undefined) return;
        this.#signal.abort(error);
        this.#timer?.cancel();
        this.#timer = this.#options.clock.setTimer(ABORT_GRACE_MS, () => reject(error));
      };
      if (this.#escaped !== undefined) this.#onEscape();
    });
  }

  #end(result: AttemptResult): AttemptResult {
    this.#open = false;
    this.#timer?.cancel();
    if (this.#heir === undefined) this.#signal.release();
    if (result.kind === 'abandoned') return result;
    // An escaped error counts whatever the handler returned: part of its work failed where it could not see it.
    if (this.#escaped !== undefined) return { kind: 'threw', error: this.#escaped };
    if (result.kind === 'threw' && this.#timedOut !== undefined && result.error !== this.#timedOut) {
      return { kind: 'threw', error: withCause(this.#timedOut, result.error) };
    }
    return result;
  }
}

function withCause(error: MillraceError, cause: Error): MillraceError {
  return new MillraceError(error.code, error.message, { details: error.details, cause });
}
