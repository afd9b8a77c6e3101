/**
 * Two ends of a channel inside one process: what one end writes, the other hears in a later microtask, in order. No timers and no
 * copies: a written array belongs to the reader from then on.
 */
import type { ByteChannel, ChannelListener } from '../ports.js';

/** A connected pair, for an engine or a test that stands where the daemon stands. Closing one end is end of input at the other. */
export function memoryChannelPair(): { readonly worker: ByteChannel; readonly daemon: ByteChannel } {
  const worker = new MemoryChannel();
  const daemon = new MemoryChannel();
  worker.connect(daemon);
  daemon.connect(worker);
  return { worker, daemon };
}

class MemoryChannel implements ByteChannel {
  #peer: MemoryChannel | undefined;
  #listener: ChannelListener | undefined;
  #inbox: Uint8Array[] = [];
  #state: 'open' | 'inputEnded' | 'endTold' | 'closed' = 'open';
  #flushing = false;

  connect(peer: MemoryChannel): void {
    this.#peer = peer;
  }

  start(listener: ChannelListener): void {
    this.#listener = listener;
    this.#wake();
  }

  write(bytes: Uint8Array): void {
    if (this.#state !== 'closed') this.#peer?.receive(bytes);
  }

  close(): Promise<void> {
    if (this.#state !== 'closed') {
      this.#state = 'closed';
      this.#inbox = [];
      this.#peer?.endInput();
    }
    return Promise.resolve();
  }

  receive(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#inbox.push(bytes);
    this.#wake();
  }

  endInput(): void {
    if (this.#state !== 'open') return;
    this.#state = 'inputEnded';
    this.#wake();
  }

  /** What arrives before start() is kept, and a burst of writes costs one microtask. */
  #wake(): void {
    if (this.#flushing || this.#listener === undefined) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush(this.#listener));
  }

  #flush(listener: ChannelListener | undefined): void {
    // Whatever a listener writes or closes meanwhile is seen by the loop or by the next microtask.
    this.#flushing = false;
    const chunks = this.#inbox;
    this.#inbox = [];
    for (const chunk of chunks) {
      if (this.#state === 'closed') return;
      listener?.data(chunk);
    }
    if (this.#state === 'inputEnded' && this.#inbox.length === 0) {
      this.#state = 'endTold';
      listener?.end();
    }
  }
}
