/** Waiting that can be given up. */
import type { Clock } from '../ports.js';

export type Raced<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'aborted' };

/**
 * Waits for a promise until the signal aborts; what the promise does afterwards is nobody's business any more.
 * The listener is taken off again: signals here live as long as a session.
 */
export function untilAborted<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<Raced<T>> {
  if (signal.aborted) {
    promise.then(undefined, ignoreLate);
    return Promise.resolve({ kind: 'aborted' });
  }
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve({ kind: 'aborted' });
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(
      (value) => {
        signal.removeEventListener('abort', onAbort);
        resolve({ kind: 'done', value });
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(error);
      },
    );
  });
}

/** Sleeps on the clock; resolves to false when one of the signals cut it short. */
export function sleepUntilAborted(clock: Clock, delayMs: number, ...signals: readonly AbortSignal[]): Promise<boolean> {
  if (signals.some((signal) => signal.aborted)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const finish = (slept: boolean): void => {
      timer.cancel();
      for (const signal of signals) signal.removeEventListener('abort', onAbort);
      resolve(slept);
    };
    const onAbort = (): void => finish(false);
    const timer = clock.setTimer(delayMs, () => finish(true), 'pause');
    for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true });
  });
}

export function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

export interface Patience {
  readonly clock: Clock;
  readonly limitMs: number;
  /** Ends the wait before its limit. */
  readonly giveUp?: AbortSignal;
}

/** Waits for user code at most so long: resolves to `aborted` instead of waiting on. */
export async function atMost<T>(promise: PromiseLike<T>, { clock, limitMs, giveUp }: Patience): Promise<Raced<T>> {
  const limit = new AbortController();
  const abort = (): void => limit.abort();
  if (giveUp?.aborted === true) abort();
  const timer = clock.setTimer(limitMs, abort);
  giveUp?.addEventListener('abort', abort, { once: true });
  try {
    return await untilAborted(promise, limit.signal);
  } finally {
    timer.cancel();
    giveUp?.removeEventListener('abort', abort);
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function ignoreLate(): void {
  // A result that comes after the wait was given up: the record was abandoned and its next owner runs it again.
}
