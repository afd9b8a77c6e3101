/** A clock that moves only when a test moves it. */
import type { Clock, Timer } from '../../src/ports.js';

interface ScheduledTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  #elapsedMs = 0;
  #timersSet = 0;
  readonly #timers = new Set<ScheduledTimer>();

  /** @param epochMs - what `now()` says at the beginning. */
  constructor(private readonly epochMs = 1_700_000_000_000) {}

  now(): number {
    return this.epochMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#timersSet++, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Timers that wait: nobody who has let go of everything leaves one behind. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves on by so much, running what falls due in order and letting everything settle after each timer. */
  async advance(delayMs: number): Promise<void> {
    const endMs = this.#elapsedMs + delayMs;
    await this.settle();
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs)) {
      this.#timers.delete(timer);
      this.#elapsedMs = timer.dueMs;
      timer.callback();
      await this.settle();
    }
    this.#elapsedMs = endMs;
  }

  /** Lets every promise that can go on go on; a hop of the event loop also lets in-memory channels deliver. */
  async settle(): Promise<void> {
    for (let hop = 0; hop < 5; hop += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  #next(untilMs: number): ScheduledTimer | undefined {
    return [...this.#timers]
      .filter((timer) => timer.dueMs <= untilMs)
      .toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
  }
}
