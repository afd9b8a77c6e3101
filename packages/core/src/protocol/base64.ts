/** Padded base64 to bytes. */
import { MillraceError } from '../errors.js';

/** Up to here the loop below is quicker than a string and a call out of JavaScript. */
export const SMALL_CHARS = 1536;
export const SMALL_BYTES = (SMALL_CHARS / 4) * 3;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const PAD = 0x3d;
const A = 0x41;
const NO_BASE64 = -1;

/** Twelve bits by the two characters that stand for them, read as a little-endian word; NO_BASE64 for all others. */
const PAIRS = new Int16Array(0x1_0000).fill(NO_BASE64);
for (let first = 0; first < ALPHABET.length; first += 1) {
  for (let second = 0; second < ALPHABET.length; second += 1)
    PAIRS[ALPHABET.charCodeAt(first) | (ALPHABET.charCodeAt(second) << 8)] = (first << 6) | second;
}

const pair = (word: number): number => PAIRS[word] ?? NO_BASE64;

/** Three bytes by the four characters that stand for them; negative for others. */
const three = (word: number): number => (pair(word & 0xffff) << 12) | pair(word >>> 16);

/** Where bytes go. */
export interface Target {
  readonly pageView: DataView;
  to: number;
}

/**
 * Decodes base64 from there on into the target, which has room for SMALL_BYTES and one byte more, and moves the target. Gives the
 * place of the first byte that is no base64, or -1 when that is further away than SMALL_CHARS.
 */
export function decodeSmall(view: DataView, start: number, target: Target): number {
  const { pageView } = target;
  const limit = Math.min(start + SMALL_CHARS, view.byteLength) - 4;
  let { to } = target;
  let at = start;
  // Three bytes each, and one that the next three overwrite.
  for (; at + 4 <= limit; at += 8, to += 6) {
    const first = three(view.getInt32(at, true));
    const second = three(view.getInt32(at + 4, true));
    if ((first | second) < 0) break;
    pageView.setInt32(to, first << 8);
    pageView.setInt32(to + 3, second << 8);
  }
  for (; at <= limit; at += 4, to += 3) {
    const bytes = three(view.getInt32(at, true));
    if (bytes < 0) break;
    pageView.setInt32(to, bytes << 8);
  }
  target.to = to;
  if (at > limit) return NO_BASE64;
  return view.getUint8(at + 3) === PAD && decodePadded(view, at, target) ? at + 4 : at;
}

/** The last four characters, when they stand for one or two bytes. */
function decodePadded(view: DataView, at: number, target: Target): boolean {
  const padded = view.getUint8(at + 2) === PAD;
  const first = pair(view.getUint16(at, true));
  // A pad stands for zeros.
  const second = padded ? 0 : pair(view.getUint8(at + 2) | (A << 8));
  if (first < 0 || second < 0) return false;
  target.pageView.setUint16(target.to, (first << 4) | (second >> 8));
  target.to += padded ? 1 : 2;
  return true;
}

/** What a call out of JavaScript decodes at once: no text of many megabytes is made on the way. A multiple of four. */
const STEP_CHARS = 24 * 1024;

/** How many bytes this base64 stands for, if it is base64. */
export function decodedBytes(line: Buffer, start: number, end: number): number {
  let padding = 0;
  while (padding < 2 && end - padding > start && line[end - padding - 1] === PAD) padding += 1;
  return ((end - start) / 4) * 3 - padding;
}

/** Base64 of any length, decoded by Buffer; undefined when it is malformed. */
export function decodeLarge(line: Buffer, { start, end }: Bounds, target: Buffer): Buffer | undefined {
  let written = 0;
  for (let from = start; from < end; from += STEP_CHARS) {
    const text = line.toString('latin1', from, Math.min(end, from + STEP_CHARS));
    written += target.write(text, written, 'base64');
  }
  // Buffer skips what it cannot read, and the URL alphabet passes; it names the same bytes.
  return written === target.length ? target : undefined;
}

interface Bounds {
  readonly start: number;
  readonly end: number;
}

/** A text that JSON.parse gave; the error says that it is no base64. */
export function decodeBase64(text: string): Uint8Array | MillraceError {
  // Not latin1: that would make a slash of U+012F.
  const line = Buffer.from(text, 'utf8');
  const bytes = decodedBytes(line, 0, line.length);
  const decoded = Number.isInteger(bytes)
    ? decodeLarge(line, { start: 0, end: line.length }, Buffer.allocUnsafe(Math.max(0, bytes)))
    : undefined;
  return decoded ?? notBase64(text.length);
}

export function notBase64(characters: number): MillraceError {
  return new MillraceError(
    'DECODE_FAILED',
    'The data of this record is not valid base64, so the daemon and Millrace disagree about the protocol. Check that the daemon is KCL 3.1.3 and that nothing rewrites its output.',
    { details: { characters } },
  );
}
