/**
 * Work outside the virtual clock: real files, sockets, databases. A bed's `idle()` cannot see that a handler waits for
 * the real world, so the handler's fakes (or the test) say it.
 */
const pending = new Set<Promise<unknown>>();

/** Makes every `idle()` wait for this promise in real time; gives the promise back. */
export function track<T>(promise: Promise<T>): Promise<T> {
  pending.add(promise);
  const forget = (): void => void pending.delete(promise);
  promise.then(forget, forget);
  return promise;
}

export function trackedPromises(): number {
  return pending.size;
}
