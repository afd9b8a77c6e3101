/**
 * Looks after a host's event loop from a thread of its own: a handler that computes for seconds stands in the way of
 * every shard, and only somebody beside it can still say where it is. The thread sleeps; it asks V8 for the stack only
 * when the loop has been silent.
 */
import { Worker } from 'node:worker_threads';
import type { Logger } from '../ports.js';

export interface StallWatch {
  close(): Promise<void>;
}

export interface StallWatchAddress {
  /** Of the supervisor's socket. */
  readonly path: string;
  readonly name: string;
}

const BEAT_EVERY_MS = 500;

/** What the thread is started with. */
export interface StallWatchData extends StallWatchAddress {
  readonly beats: Int32Array;
}

export function startStallWatch(address: StallWatchAddress, logger: Logger): StallWatch {
  const beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const beat = setInterval(() => Atomics.add(beats, 0, 1), BEAT_EVERY_MS);
  beat.unref();
  const data: StallWatchData = { ...address, beats };
  const thread = new Worker(new URL('./stall-watch.thread.js', import.meta.url), {
    workerData: data,
    // It runs a timer and a socket; what the program was started with is not for it.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 64, stackSizeMb: 1 },
  });
  thread.unref();
  thread.on('error', (error) =>
    logger.warn({ err: error }, 'The event loop is not watched any more; the host works as before.'),
  );
  return {
    async close() {
      clearInterval(beat);
      await thread.terminate();
    },
  };
}
