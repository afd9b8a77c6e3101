/**
 * Bytes to numbered lines. Blank ones count, so that a number is the one an editor shows; the last needs no line feed.
 * Of a line that no record can hold, no more is kept than it takes to see that.
 */
import { RECORD_BYTES_MAX } from './input-record.js';

export interface NumberedLine {
  readonly number: number;
  readonly bytes: Uint8Array;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<NumberedLine> {
  let number = 0;
  let pieces: Uint8Array[] = [];
  let keptBytes = 0;
  const keep = (piece: Uint8Array): void => {
    if (keptBytes <= RECORD_BYTES_MAX) pieces.push(piece);
    keptBytes += piece.length;
  };
  const finish = (): NumberedLine => {
    number += 1;
    const bytes = Buffer.concat(pieces);
    pieces = [];
    keptBytes = 0;
    return { number, bytes: withoutMarks(bytes, number === 1) };
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      keep(chunk.subarray(start, end));
      yield finish();
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
  }
  if (pieces.length > 0) yield finish();
}

function withoutMarks(line: Uint8Array, first: boolean): Uint8Array {
  const start = first && BYTE_ORDER_MARK.equals(line.subarray(0, BYTE_ORDER_MARK.length)) ? BYTE_ORDER_MARK.length : 0;
  const end = line.at(-1) === CARRIAGE_RETURN ? line.length - 1 : line.length;
  return line.subarray(start, Math.max(start, end));
}
