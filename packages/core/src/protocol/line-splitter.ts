/**
 * Bytes to lines. Only 0x0A ends a line: U+2028 and its like are ordinary text in a partition key (readers that split there
 * crash on it). Time is linear in the bytes however they are cut: the pieces of an unfinished line are gathered in a buffer that
 * grows by doubling and is used again.
 */
import { MillraceError } from '../errors.js';
import { LineMemory } from './line-memory.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const shared = new LineMemory();
const NOTHING = Buffer.alloc(0);

export class LineSplitter {
  readonly #lineBytesMax: number;
  /** The line that is not finished yet. */
  #pending: Buffer = NOTHING;
  #pendingBytes = 0;
  /** Behind a line that the last push has given. */
  #given: { readonly memory: Buffer; readonly used: number } | undefined;
  /** The line before was so long, and this one may be. */
  #expectedBytes = 0;

  /** @param lineBytesMax - the longest line in bytes, its line feed not counted. */
  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /**
   * The lines that this chunk completes, without line feed and without one carriage return before it; empty lines are left out.
   * They are valid until the next push, until `letGo`, and while the chunk is: a line that lies in one chunk is a view of it.
   * Throws LINE_TOO_LONG once a line, finished or not, passes the limit; the stream cannot be followed after that.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    this.letGo();
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      const line = withoutCarriageReturn(this.#finish(chunk.subarray(start, end)));
      if (line.length > 0) lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return lines;
  }

  /** The lines of the last push are not needed any more: their memory is free for the next, whoever gets it. */
  letGo(): void {
    if (this.#given === undefined) return;
    shared.give(this.#given.memory, this.#given.used);
    this.#given = undefined;
  }

  /** End of input: how many bytes of an unfinished line were dropped. A message without its line feed was never sent. */
  end(): number {
    const dropped = this.#pendingBytes;
    this.letGo();
    this.#forget();
    return dropped;
  }

  #finish(last: Uint8Array): Uint8Array {
    if (this.#pendingBytes === 0) {
      this.#check(last.length);
      shared.notNeeded();
      return last;
    }
    this.#keep(last);
    const memory = this.#pending;
    const used = this.#pendingBytes;
    this.#given = { memory, used };
    this.#expectedBytes = used;
    this.#pending = NOTHING;
    this.#pendingBytes = 0;
    return memory.subarray(0, used);
  }

  #keep(piece: Uint8Array): void {
    const bytes = this.#pendingBytes + piece.length;
    this.#check(bytes);
    if (bytes > this.#pending.length) this.#grow(bytes);
    this.#pending.set(piece, this.#pendingBytes);
    this.#pendingBytes = bytes;
  }

  #grow(bytes: number): void {
    const small = this.#pending;
    const wanted = Math.max(bytes, small.length * 2, this.#expectedBytes);
    this.#pending = shared.take(Math.min(wanted, Math.max(bytes, this.#lineBytesMax)));
    this.#pending.set(small.subarray(0, this.#pendingBytes));
  }

  #check(lineBytes: number): void {
    if (lineBytes <= this.#lineBytesMax) return;
    this.#forget();
    throw new MillraceError(
      'LINE_TOO_LONG',
      `A line of the daemon has at least ${lineBytes} bytes; the limit is ${this.#lineBytesMax}. Lower maxRecords, or raise lineBytesMax (a batch of 10 MB takes about 14 MB as a line).`,
      { details: { lineBytes, lineBytesMax: this.#lineBytesMax } },
    );
  }

  #forget(): void {
    this.#pending = NOTHING;
    this.#pendingBytes = 0;
  }
}

function withoutCarriageReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}
