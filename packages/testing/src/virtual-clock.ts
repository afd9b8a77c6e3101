/** Time that stands still until a test moves it. Retries, deadlines and `context.sleep` all run on it. */
import type { Clock, Timer } from '@millrace/core';

interface WaitingTimer {
  readonly dueMs: number;
  readonly callback: () => void;
  /** Whose work goes on when this is due; undefined for deadlines and periods, which nobody waits for. */
  readonly pauses: string | undefined;
}

/** 2026-01-01T00:00:00Z: tests print the same times wherever and whenever they run. */
const EPOCH_MS = 1_767_225_600_000;
const ANYBODY = '';

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
  /** When the first timer is due, on the scale of `elapsedMs`. */
  get nextDueMs(): number | undefined {
    return this.#first()?.dueMs;
  }

  setTimer(delayMs: number, callback: () => void, purpose?: 'pause'): Timer {
    return this.#set(delayMs, callback, purpose === undefined ? undefined : ANYBODY);
  }

  /** This clock in the hands of one session, so that a bed can tell who waits for time to pass. */
  heldBy(owner: string): Clock {
    return {
      now: () => this.now(),
      monotonicMs: () => this.monotonicMs(),
      setTimer: (delayMs, callback, purpose) => this.#set(delayMs, callback, purpose === undefined ? undefined : owner),
    };
  }

  /** Whether the owner's work goes on when the clock moves: it is in a back-off or in `context.sleep`. */
  isAwaitedBy(owner: string): boolean {
    for (const { pauses } of this.#timers) if (pauses === owner) return true;
    return false;
  }

  /** Moves on to the next timer, at most to `untilMs`, and runs it; false when there is none so early. */
  runNext(untilMs = Number.POSITIVE_INFINITY): boolean {
    const timer = this.#first();
    if (timer === undefined || timer.dueMs > untilMs) return false;
    this.#timers.delete(timer);
    this.#changes += 1;
    this.skipTo(timer.dueMs);
    timer.callback();
    return true;
  }

  /** Moves on without running anything; the caller has run what was due. */
  skipTo(elapsedMs: number): void {
    this.#elapsedMs = Math.max(this.#elapsedMs, elapsedMs);
  }

  #set(delayMs: number, callback: () => void, pauses: string | undefined): Timer {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), callback, pauses };
    this.#timers.add(timer);
    this.#changes += 1;
    return {
      cancel: () => {
        if (this.#timers.delete(timer)) this.#changes += 1;
      },
    };
  }

  /** Of several timers at one time, the one that was set first. */
  #first(): WaitingTimer | undefined {
    let first: WaitingTimer | undefined;
    for (const timer of this.#timers) if (first === undefined || timer.dueMs < first.dueMs) first = timer;
    return first;
  }
}
