/** Time that stands still until a test moves it. Retries, deadlines and `context.sleep` all run on it. */
import type { Clock, Timer } from '@millrace/core';

interface WaitingTimer {
  readonly dueMs: number;
  readonly delayMs: number;
  readonly callback: () => void;
}

/** 2026-01-01T00:00:00Z: tests print the same times wherever and whenever they run. */
const EPOCH_MS = 1_767_225_600_000;

export class VirtualClock implements Clock {
  readonly #startMs: number;
  readonly #timers = new Set<WaitingTimer>();
  #elapsedMs = 0;
  #changes = 0;

  /** @param startMs - what `now()` says at first, in milliseconds since the epoch; default 2026-01-01T00:00:00Z. */
  constructor(startMs = EPOCH_MS) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }
  monotonicMs(): number {
    return this.#elapsedMs;
  }
  /** Virtual milliseconds since the clock was made. */
  get elapsedMs(): number {
    return this.#elapsedMs;
  }
  /** Grows with every timer that is set, cancelled or due: a number that stands still means that nobody uses the clock. */
  get changes(): number {
    return this.#changes;
  }
  get waitingTimers(): number {
    return this.#timers.size;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), delayMs, callback };
    this.#timers.add(timer);
    this.#changes += 1;
    return {
      cancel: () => {
        if (this.#timers.delete(timer)) this.#changes += 1;
      },
    };
  }

  /** The timer that is due first; of several at one time the one that was set first. */
  get next(): { readonly dueMs: number; readonly delayMs: number } | undefined {
    return this.#first();
  }

  /** Moves on to the next timer, at most to `untilMs`, and runs it; false when there is none so early. */
  runNext(untilMs = Number.POSITIVE_INFINITY): boolean {
    const timer = this.#first();
    if (timer === undefined || timer.dueMs > untilMs) return false;
    this.#timers.delete(timer);
    this.#changes += 1;
    this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs);
    timer.callback();
    return true;
  }

  /** Moves on without running anything; the caller has run what was due. */
  skipTo(elapsedMs: number): void {
    this.#elapsedMs = Math.max(this.#elapsedMs, elapsedMs);
  }

  #first(): WaitingTimer | undefined {
    let first: WaitingTimer | undefined;
    for (const timer of this.#timers) if (first === undefined || timer.dueMs < first.dueMs) first = timer;
    return first;
  }
}
