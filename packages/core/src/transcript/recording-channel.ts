/** A session's channel with somebody who writes down what passes, in both directions. The session does not notice. */
import type { ByteChannel, ChannelListener, Clock } from '../ports.js';
import { LineSplitter } from '../protocol/line-splitter.js';
import { redactLine } from './redact-line.js';
import type { TranscriptEntry } from './transcript-entry.js';

export interface RecordingOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly lineBytesMax: number;
  readonly hashKey: (partitionKey: string) => string;
  /** @returns whether it goes on: false when nothing more is wanted. */
  readonly note: (entry: TranscriptEntry) => boolean;
}

export class RecordingChannel implements ByteChannel {
  readonly #channel: ByteChannel;
  readonly #options: RecordingOptions;
  readonly #splitter: LineSplitter;
  readonly #startedMs: number;
  #recording = true;

  constructor(channel: ByteChannel, options: RecordingOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#splitter = new LineSplitter(options.lineBytesMax);
    this.#startedMs = options.clock.monotonicMs();
  }

  start(listener: ChannelListener): void {
    this.#channel.start({
      // First: the listener may answer at once, and the chunk is not valid afterwards.
      data: (chunk) => {
        this.#heard(chunk);
        listener.data(chunk);
      },
      end: (cause) => {
        this.#note({ dir: 'daemon', end: cause === undefined ? 'end of input' : cause.message });
        listener.end(cause);
      },
    });
  }

  write(bytes: Uint8Array): void {
    for (const line of textOf(bytes).split('\n')) if (line !== '') this.#note({ dir: 'worker', line });
    this.#channel.write(bytes);
  }

  close(): Promise<void> {
    this.#note({ dir: 'worker', end: 'closed' });
    return this.#channel.close();
  }

  #heard(chunk: Uint8Array): void {
    if (!this.#recording) return;
    try {
      for (const bytes of this.#splitter.push(chunk)) this.#message(bytes);
      this.#splitter.letGo();
    } catch {
      // A line that is too long: the session says so as well, and ends.
      this.#note({ dir: 'daemon', unreadableBytes: chunk.length });
      this.#note({ dir: 'daemon', end: 'a line is too long' });
    }
  }

  #message(bytes: Uint8Array): void {
    const line = redactLine(textOf(bytes), this.#options.hashKey);
    this.#note({ dir: 'daemon', ...(line === undefined ? { unreadableBytes: bytes.length } : { line }) });
  }

  #note(entry: DistributiveOmit<TranscriptEntry, 'atMs'>): void {
    if (!this.#recording) return;
    const atMs = Math.round(this.#options.clock.monotonicMs() - this.#startedMs);
    this.#recording = this.#options.note({ atMs, ...entry });
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

type DistributiveOmit<T, K extends keyof T> = T extends unknown ? Omit<T, K> : never;
