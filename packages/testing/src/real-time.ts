/** Real time, taken when this module is loaded: a test may fake the global timers, and a bed has to breathe all the same. */
import type { Clock } from '@millrace/core';

const { performance, setImmediate, setTimeout, clearTimeout } = globalThis;

/** A whole turn of the event loop: every promise that can go on has gone on by then. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export function shortWait(): Promise<void> {
  return pause(1);
}

export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}

export function realMs(): number {
  return performance.now();
}

export const realClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
