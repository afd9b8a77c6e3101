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

/** Looked at when something goes wrong, so what takes time may be worked out then. */
export interface AttemptOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Named in errors: `OrderMailer.placed`. */
  readonly handler: string;
  readonly recordId: string | undefined;
  /** Aborts when the session gives its records up. */
  readonly over: AbortSignal;
  /** Called when the handler ignores its signal; it is not waited for less because of it. */
  onStuck(runningMs: number): void;
  /** Where the handler is expected to return no promise. */
  readonly shared?: CallContext | undefined;
}

/** An asynchronous context that is there already (shared-context.ts). */
export interface CallContext {
  run(attempt: Attempt, call: () => unknown): unknown;
}

/** Whose code runs in an asynchronous context. */
export interface Place {
  attempt: Attempt | undefined;
  /** Named when an error comes out of what it has left behind. */
  handler: string;
}

export const places = new AsyncLocalStorage<Place>();

/** The attempt whose code is running now, through any number of awaits, timers and callbacks. */
export function currentAttempt(): Attempt | undefined {
  return places.getStore()?.attempt;
}

/** The handler whose code is running now, be it what it has left behind. */
export function currentHandler(): string | undefined {
  return places.getStore()?.handler;
}

export class Attempt {
  readonly #options: AttemptOptions;
  /** Most handlers never ask for it. */
  #signal: LazySignal | undefined;
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
  }

  get handler(): string {
    return this.#options.handler;
  }

  get recordId(): string | undefined {
    return this.#options.recordId;
  }

  get signal(): AbortSignal {
    return this.#lazySignal().signal;
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

  get handedOver(): boolean {
    return this.#heir !== undefined;
  }

  /** The record is in nobody's hands any more. */
  release(): void {
    this.#heir = undefined;
    if (!this.#open) this.#signal?.release();
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
      const { shared } = this.#options;
      value =
        shared === undefined ? places.run({ attempt: this, handler: this.handler }, call) : shared.run(this, call);
    } catch (error) {
      return this.#closeAndEnd({ kind: 'threw', error: toError(error) });
    }
    return isThenable(value) ? this.#settle(value) : this.#closeAndEnd({ kind: 'returned', value });
  }

  #lazySignal(): LazySignal {
    if (this.#signal === undefined) {
      this.#signal = new LazySignal(this.#options.over);
      // Asked for when the record is in nobody's hands any more.
      if (!this.#open && this.#heir === undefined) this.#signal.release();
    }
    return this.#signal;
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
    this.#lazySignal().abort(this.#timedOut);
    this.#timer = clock.setTimer(ABORT_GRACE_MS, () => this.#options.onStuck(timeoutMs + ABORT_GRACE_MS));
  }

  /** Never settles unless an error escapes; then the handler gets its signal and a last chance to settle by itself. */
  #escapeLimit(): Promise<never> {
    return new Promise((_, reject) => {
      this.#onEscape = () => {
        const error = this.#escaped;
        if (error === undefined) return;
        this.#lazySignal().abort(error);
        this.#timer?.cancel();
        this.#timer = this.#options.clock.setTimer(ABORT_GRACE_MS, () => reject(error));
      };
      if (this.#escaped !== undefined) this.#onEscape();
    });
  }

  #end(result: AttemptResult): AttemptResult {
    this.#open = false;
    this.#timer?.cancel();
    if (this.#heir === undefined) this.#signal?.release();
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
