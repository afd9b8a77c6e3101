/** Fixed text of a line, compared four bytes at a time: a line of small records is mostly fixed text. */

const WORD_BYTES = 4;

export interface Literal {
  readonly length: number;
  /** Its bytes in fours; the last word may overlap the one before it. */
  readonly words: Int32Array;
}

/** @param text - ASCII of at least four characters. */
export function literal(text: string): Literal {
  const bytes = Buffer.from(text, 'latin1');
  const words = Int32Array.from({ length: Math.ceil(bytes.length / WORD_BYTES) }, (_, index) =>
    bytes.readInt32LE(Math.min(index * WORD_BYTES, bytes.length - WORD_BYTES)),
  );
  return { length: bytes.length, words };
}

/** Whether these bytes stand there. */
export function standsAt(view: DataView, at: number, { length, words }: Literal): boolean {
  const last = at + length - WORD_BYTES;
  if (last + WORD_BYTES > view.byteLength) return false;
  const full = words.length - 1;
  for (let index = 0; index < full; index += 1) {
    if (view.getInt32(at + index * WORD_BYTES, true) !== words[index]) return false;
  }
  return view.getInt32(last, true) === words[full];
}
