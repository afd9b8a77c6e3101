/** A ByteChannel out of something to read and something to write, whatever these are: one end of life for both. */
import type { ByteChannel, ChannelListener } from '../ports.js';
import { MillraceError } from '../errors.js';

export interface ByteInput {
  /** Called once. After `stop` nothing is told any more. */
  start(listener: ChannelListener): void;
  stop(): void;
}

export interface ByteOutput {
  /** Writes in order; `written` is called for each write when it has left, or with the error that kept it. */
  write(bytes: Uint8Array, written: (error?: Error | null) => void): void;
  stop(): void;
}

type Phase =
  /** Bytes wait where they are until there is somebody to hear them. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'listening'; readonly listener: ChannelListener }
  | { readonly kind: 'ended' }
  | { readonly kind: 'closed' };

export class StreamChannel implements ByteChannel {
  readonly #input: ByteInput;
  readonly #output: ByteOutput;
  #phase: Phase = { kind: 'waiting' };
  #unwritten = 0;
  readonly #allWritten: (() => void)[] = [];
  #failure: Error | undefined;

  constructor(input: ByteInput, output: ByteOutput) {
    this.#input = input;
    this.#output = output;
  }

  start(listener: ChannelListener): void {
    if (this.#phase.kind !== 'waiting') return;
    this.#phase = { kind: 'listening', listener };
    if (this.#failure !== undefined) return this.#end(this.#failure);
    this.#input.start({ data: (chunk) => this.#data(chunk), end: (cause) => this.#end(cause) });
  }

  write(bytes: Uint8Array): void {
    if (this.#phase.kind === 'closed' || this.#failure !== undefined) return;
    this.#unwritten += 1;
    this.#output.write(bytes, (error) => this.#written(error ?? undefined));
  }

  async close(): Promise<void> {
    if (this.#phase.kind === 'closed') return;
    this.#phase = { kind: 'closed' };
    this.#input.stop();
    // Stopping a pipe with bytes in memory would cut the last message short.
    if (this.#unwritten > 0) await new Promise<void>((resolve) => this.#allWritten.push(resolve));
    this.#output.stop();
  }

  #data(chunk: Uint8Array): void {
    if (this.#phase.kind === 'listening') this.#phase.listener.data(chunk);
  }

  #end(cause: Error | undefined): void {
    if (this.#phase.kind !== 'listening') return;
    const { listener } = this.#phase;
    this.#phase = { kind: 'ended' };
    listener.end(cause);
  }

  /** A daemon that does not read any more is gone: nothing it still sends can be acknowledged. */
  #written(error: Error | undefined): void {
    this.#unwritten -= 1;
    if (error !== undefined && this.#failure === undefined) {
      this.#failure = new MillraceError(
        'TRANSPORT_FAILED',
        'The daemon does not read from this worker any more; look for its last messages in its log.',
        { cause: error },
      );
      this.#input.stop();
      this.#end(this.#failure);
    }
    if (this.#unwritten > 0) return;
    for (const resolve of this.#allWritten.splice(0)) resolve();
  }
}
