/**
 * Bytes to lines. Only 0x0A ends a line: U+2028 and its like are ordinary text in a partition key (readers that split there
 * crash on it). Time is linear in the bytes however they are cut: the chunks of an unfinished line are kept in a list and
 * joined once.
 */
import { MillraceError } from '../errors.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export class LineSplitter {
  readonly #lineBytesMax: number;
  #pieces: Uint8Array[] = [];
  #pendingBytes = 0;

  /** @param lineBytesMax - the longest line in bytes, its line feed not counted. */
  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /**
   * The lines that this chunk completes, without line feed and without one carriage return before it; empty lines are left out.
   * A line that lies in one chunk is a view of it, not a copy: the chunk must not be written to any more.
   * Throws LINE_TOO_LONG once a line, finished or not, passes the limit; the stream cannot be followed after that.
   */
  push(chunk: Uint8Array): Uint8Array[] {
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

  /** End of input: how many bytes of an unfinished line were dropped. A message without its line feed was never sent. */
  end(): number {
    const dropped = this.#pendingBytes;
    this.#forget();
    return dropped;
  }

  #finish(last: Uint8Array): Uint8Array {
    if (this.#pendingBytes === 0) {
      this.#check(last.length);
      return last;
    }
    this.#keep(last);
    const line = Buffer.concat(this.#pieces, this.#pendingBytes);
    this.#forget();
    return line;
  }

  #keep(piece: Uint8Array): void {
    this.#check(this.#pendingBytes + piece.length);
    this.#pieces.push(piece);
    this.#pendingBytes += piece.length;
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
    this.#pieces = [];
    this.#pendingBytes = 0;
  }
}

function withoutCarriageReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}
