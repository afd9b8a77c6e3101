/** The daemon's end of one session's pipes, which writes in unusual ways and breaks off at a byte when it is told to. */
import type { ByteChannel, ChannelListener } from '../../src/ports.js';
import type { WorkerProcess } from './worker-process.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export interface Unusual {
  readonly writing?: 'bytewise' | 'carriageReturns' | undefined;
  /** After so many bytes in this direction no further one passes, and `onCut` is called. */
  readonly cut?: { readonly side: 'input' | 'output'; readonly bytes: number; readonly onCut: () => void } | undefined;
}

export class PipeChannel implements ByteChannel {
  private left: number;
  private listener: ChannelListener | undefined;
  private isCut = false;

  constructor(
    private readonly pipes: Pick<WorkerProcess, 'stdin' | 'stdout'>,
    private readonly unusual: Unusual = {},
  ) {
    this.left = unusual.cut?.bytes ?? Infinity;
  }

  start(listener: ChannelListener): void {
    this.listener = listener;
    const { stdin, stdout } = this.pipes;
    stdout.on('data', (chunk: Uint8Array) => {
      const whole = this.pass('output', chunk);
      if (whole.length > 0) listener.data(whole);
    });
    for (const event of ['end', 'error'] as const) stdout.once(event, () => listener.end());
    // A worker that has died reads no more.
    stdin.on('error', () => undefined);
  }

  write(bytes: Uint8Array): void {
    const written = this.pass('input', this.unusual.writing === 'carriageReturns' ? withReturns(bytes) : bytes);
    if (this.unusual.writing !== 'bytewise') this.put(written);
    else for (const byte of written) this.put(Uint8Array.of(byte));
  }

  /** Whatever is written, without the daemon's knowledge. */
  put(bytes: Uint8Array | string): void {
    if (this.pipes.stdin.writable) this.pipes.stdin.write(bytes);
  }

  endInput(): void {
    this.pipes.stdin.end();
  }

  /** Nobody reads what the worker writes any more. */
  closeOutput(): void {
    this.pipes.stdout.destroy();
    this.listener?.end();
  }

  /** Nobody reads for so long. */
  stall(forMs: number): void {
    this.pipes.stdout.pause();
    setTimeout(() => this.pipes.stdout.resume(), forMs);
  }

  async close(): Promise<void> {
    this.endInput();
  }

  /** What of these bytes passes. */
  private pass(side: 'input' | 'output', bytes: Uint8Array): Uint8Array {
    const { cut } = this.unusual;
    if (cut === undefined || cut.side !== side) return bytes;
    const passing = bytes.slice(0, this.left);
    this.left -= passing.length;
    if (this.left === 0 && !this.isCut) {
      this.isCut = true;
      cut.onCut();
    }
    return passing;
  }
}

function withReturns(bytes: Uint8Array): Uint8Array {
  return bytes.at(-1) === LINE_FEED ? Uint8Array.of(...bytes.subarray(0, -1), CARRIAGE_RETURN, LINE_FEED) : bytes;
}
