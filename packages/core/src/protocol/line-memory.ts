/**
 * Memory for lines that come in pieces. One such buffer serves all sessions of a process one after the other, because a line is
 * done with as soon as it is decoded: a buffer for each, and the garbage of a new one for each delivery, would be most of what a
 * worker takes.
 */

/** Lines beyond this are rare enough to pay for their own memory. */
const SPARE_BYTES_MAX = 16 * 1024 * 1024;
const STEP_BYTES = 64 * 1024;
/** So many lines in a row that could do without it, and the spare buffer is let go. */
const PATIENCE_LINES = 64;

export class LineMemory {
  #spare: Buffer | undefined;
  #uselessLines = 0;

  /** A buffer of at least so many bytes, whatever they are. */
  take(bytes: number): Buffer {
    const spare = this.#spare;
    if (spare === undefined || spare.length < bytes)
      return Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES);
    this.#spare = undefined;
    return spare;
  }

  /** Gives one back that nobody reads any more; `used`: how much of it was needed. */
  give(buffer: Buffer, used: number): void {
    if (buffer.length > SPARE_BYTES_MAX) return;
    if (this.#spare === undefined || this.#spare.length < buffer.length) this.#spare = buffer;
    if (used > buffer.length / 4) this.#uselessLines = 0;
    else this.notNeeded();
  }

  /** A line has come in one piece, or would have fitted into far less. */
  notNeeded(): void {
    this.#uselessLines += 1;
    if (this.#uselessLines >= PATIENCE_LINES) this.#spare = undefined;
  }
}
