/** A call that ends in time, even where the SDK would look for credentials or wait for a connection for longer. */

export interface Deadline {
  readonly limitMs: number;
  /** Ends the call before its limit. */
  readonly signal: AbortSignal | undefined;
  /** What is thrown when the limit has passed. */
  readonly late: () => Error;
}

/**
 * Real time, as what it bounds is a network. The caller's signal may live as long as the process, so nothing is left on it.
 *
 * @throws what the call throws, `late()`, or the reason of the signal.
 */
export async function withDeadline<T>(
  call: (signal: AbortSignal) => Promise<T>,
  { limitMs, signal, late }: Deadline,
): Promise<T> {
  signal?.throwIfAborted();
  const ended = new AbortController();
  const stop = (): void => ended.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(() => ended.abort(late()), limitMs);
  try {
    return await Promise.race([rejectWhenAborted(ended.signal), call(ended.signal)]);
  } catch (error) {
    // An aborted call rejects with words of its own; why it was aborted says more.
    ended.signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
