/** A place in a line that moves on as its text is recognized. */
import { standsAt, type Literal } from './literal.js';

const ZERO = 0x30;
const NINE = 0x39;
/** More digits than this may not fit a JavaScript number exactly. */
const EXACT_DIGITS = 15;
export const NONE = -1;

export class LineCursor {
  at = 0;
  readonly line: Buffer;
  readonly view: DataView;

  constructor(line: Buffer) {
    this.line = line;
    this.view = viewOf(line);
  }

  literal(expected: Literal): boolean {
    if (!standsAt(this.view, this.at, expected)) return false;
    this.at += expected.length;
    return true;
  }

  byte(expected: number): boolean {
    if (this.line[this.at] !== expected) return false;
    this.at += 1;
    return true;
  }

  /** A JSON number of at most 15 digits without sign, fraction or exponent; NONE for any other. */
  wholeNumber(): number {
    const { line, at: start } = this;
    let at = start;
    let value = 0;
    for (let digit = line[at] ?? 0; digit >= ZERO && digit <= NINE; digit = line[at] ?? 0) {
      value = value * 10 + (digit - ZERO);
      at += 1;
    }
    this.at = at;
    const digits = at - start;
    const leadingZero = digits > 1 && line[start] === ZERO;
    return digits === 0 || digits > EXACT_DIGITS || leadingZero ? NONE : value;
  }
}

export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
