/**
 * Kills a client that does not answer: whoever drives it waits in a blocking call and cannot look at a clock. The end of the
 * client ends that call.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const LIMIT_MS = 60_000;
const LOOK_MS = 1_000;

export function startWatchdog() {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL(import.meta.url), { workerData: shared });
  worker.unref();
  return {
    /** From now on this process has to answer. */
    watch(pid) {
      Atomics.add(shared, 1, 1);
      Atomics.store(shared, 0, pid);
    },
    rest: () => Atomics.store(shared, 0, 0),
  };
}

if (!isMainThread && workerData instanceof Int32Array) {
  let seen = -1;
  let sinceMs = 0;
  setInterval(() => {
    const [pid, exchange] = [Atomics.load(workerData, 0), Atomics.load(workerData, 1)];
    sinceMs = pid === 0 || exchange !== seen ? 0 : sinceMs + LOOK_MS;
    seen = exchange;
    if (sinceMs >= LIMIT_MS) process.kill(pid, 'SIGKILL');
  }, LOOK_MS);
}
