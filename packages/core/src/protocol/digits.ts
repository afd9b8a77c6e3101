/** Numbers of any length where they stand, four digits at a time. */

const ZERO = 0x30;
const NINE = 0x39;

/** How many decimal digits stand there, at most so many; they are copied. */
export function copyDigits(view: DataView, start: number, { page, at, limit }: Place): number {
  const end = Math.min(view.byteLength - start, limit);
  let count = 0;
  for (; count + 4 <= end; count += 4) {
    const four = view.getInt32(start + count, true);
    if (!areDigits(four)) break;
    page.setInt32(at + count, four, true);
  }
  for (; count < end; count += 1) {
    const digit = view.getUint8(start + count);
    if (digit < ZERO || digit > NINE) break;
    page.setUint8(at + count, digit);
  }
  return count;
}

interface Place {
  readonly page: DataView;
  readonly at: number;
  readonly limit: number;
}

/** Four bytes that all lie between '0' and '9'. */
function areDigits(four: number): boolean {
  return (four & 0xf0f0f0f0) === 0x30303030 && ((four + 0x06060606) & 0xf0f0f0f0) === 0x30303030;
}

/** Where two numbers stand that have so many digits each. */
export interface TwoNumbers {
  readonly first: number;
  readonly second: number;
  readonly digits: number;
}

/** Positive when the second number is greater, 0 when they are the same. */
export function compareDigits(view: DataView, { first, second, digits }: TwoNumbers): number {
  let at = 0;
  while (at + 4 <= digits && view.getInt32(first + at) === view.getInt32(second + at)) at += 4;
  while (at < digits && view.getUint8(first + at) === view.getUint8(second + at)) at += 1;
  return at === digits ? 0 : view.getUint8(second + at) - view.getUint8(first + at);
}
