/**
 * A cursor over the records of one line. Whatever a record is made of is copied into pages, and large data into memory of its own:
 * the line can be written over as soon as it is scanned, and a record that is kept for long keeps no batch alive. One object
 * serves the batch: its places describe the record scanned last, and every record copies them.
 */
import { markAsUntransferable } from 'node:worker_threads';
import type { MillraceError } from '../errors.js';
import { decodedBytes, decodeLarge, decodeSmall, notBase64, SMALL_BYTES, SMALL_CHARS, type Target } from './base64.js';
import { compareDigits, copyDigits } from './digits.js';
import { LineCursor, NONE, viewOf } from './line-cursor.js';
import { literal } from './literal.js';
import type { RecordPlaces } from './wire-record.js';

const DATA = literal('{"data":"');
const KEY = literal('","partitionKey":"');
const SEQUENCE_NUMBER = literal('","sequenceNumber":"');
const ARRIVAL = literal('","approximateArrivalTimestamp":');
const SUB_SEQUENCE_NUMBER = literal(',"subSequenceNumber":');
const RECORD_END = literal(',"action":"record"}');

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BLANK = 0x20;
const ZERO = 0x30;

const PAGE_BYTES = 32 * 1024;
/** Data beyond this get memory of their own. */
const PAGED_BYTES_MAX = 4 * 1024;
/** 256 characters are what Kinesis allows; a longer one is left to JSON.parse. */
const KEY_BYTES_MAX = 1024;
const SEQUENCE_DIGITS_MAX = 128;
/** One byte more, because four are written at a time. */
const TEXT_BYTES_MAX = KEY_BYTES_MAX + SEQUENCE_DIGITS_MAX + 1;

export class RecordScan extends LineCursor implements RecordPlaces, Target {
  page: Buffer = Buffer.alloc(0);
  pageView: DataView = viewOf(this.page);
  to = 0;
  data: Uint8Array | MillraceError | undefined;
  dataStart = 0;
  keyStart = 0;
  sequenceStart = 0;
  sequenceEnd = 0;
  escapedKey: string | undefined;
  approximateArrivalTimestamp = 0;
  subSequenceNumber = 0;
  /** Every position scanned so far lies behind the one before it. */
  ascending = true;
  #nextBackslash: number;
  /** What the record before it was, this one will be. */
  #large = false;
  /** The sequence number in the line, and the one before it. */
  #sequenceAt = 0;
  #before = 0;
  #digitsBefore = 0;
  #subSequenceNumberBefore = 0;

  constructor(line: Buffer) {
    super(line);
    this.#nextBackslash = line.indexOf(BACKSLASH);
  }

  record(): boolean {
    this.#makeRoom(SMALL_BYTES);
    if (!this.literal(DATA) || !this.#data()) return false;
    if (!this.literal(KEY) || !this.#key()) return false;
    if (!this.literal(SEQUENCE_NUMBER) || !this.#sequenceNumber()) return false;
    if (!this.literal(ARRIVAL)) return false;
    this.approximateArrivalTimestamp = this.wholeNumber();
    if (this.approximateArrivalTimestamp === NONE || !this.literal(SUB_SEQUENCE_NUMBER)) return false;
    this.subSequenceNumber = this.wholeNumber();
    if (this.subSequenceNumber === NONE || !this.literal(RECORD_END)) return false;
    this.#compare();
    return true;
  }

  /** For data of so many bytes, key and sequence number. What is copied of a record is never longer than it is in the line. */
  #makeRoom(dataBytes: number): void {
    const rest = this.line.length - this.at;
    if (this.page.length - this.to >= Math.min(dataBytes + TEXT_BYTES_MAX, rest)) return;
    this.page = Buffer.allocUnsafe(Math.min(PAGE_BYTES, rest));
    // Data are views of it: whoever hands theirs to a worker thread must not take away those of the others, and their positions.
    markAsUntransferable(this.page.buffer);
    this.pageView = viewOf(this.page);
    this.to = 0;
  }

  #data(): boolean {
    this.data = undefined;
    if (!this.#large) {
      const { to } = this;
      const end = decodeSmall(this.view, this.at, this);
      if (end !== NONE && this.line[end] === QUOTE) {
        this.dataStart = to;
        this.at = end;
        return true;
      }
      this.to = to;
    }
    return this.#largeData();
  }

  /** Also for whatever is no base64: that is found out here, and told to whoever asks for the data. */
  #largeData(): boolean {
    const { line, at: start } = this;
    const end = line.indexOf(QUOTE, start);
    if (end === NONE || this.#hasBackslash(start, end)) return false;
    const bytes = decodedBytes(line, start, end);
    this.#large = end - start > SMALL_CHARS;
    if (!Number.isInteger(bytes) || bytes < 0) this.data = notBase64(end - start);
    else if (bytes > PAGED_BYTES_MAX)
      this.data = decodeLarge(line, { start, end }, Buffer.allocUnsafeSlow(bytes)) ?? notBase64(end - start);
    else this.#paged({ start, end }, bytes);
    this.at = end;
    return true;
  }

  #paged(bounds: { readonly start: number; readonly end: number }, bytes: number): void {
    this.#makeRoom(bytes);
    const target = this.page.subarray(this.to, this.to + bytes);
    this.data = decodeLarge(this.line, bounds, target) ?? notBase64(bounds.end - bounds.start);
    this.to += bytes;
  }

  #key(): boolean {
    const { line, page, at: start } = this;
    const limit = start + KEY_BYTES_MAX;
    let at = start;
    let { to } = this;
    this.keyStart = to;
    this.escapedKey = undefined;
    for (let byte = line[at] ?? 0; byte !== QUOTE; byte = line[at] ?? 0) {
      if (byte === BACKSLASH) return this.#escapedKey();
      if (byte < BLANK || at === limit) return false;
      page[to] = byte;
      to += 1;
      at += 1;
    }
    this.at = at;
    this.to = to;
    return true;
  }

  /** A text with escapes is the business of JSON.parse. */
  #escapedKey(): boolean {
    const { line, at: start } = this;
    let at = start;
    for (let byte = line[at] ?? 0; byte !== QUOTE; byte = line[at] ?? 0) {
      if (byte < BLANK) return false;
      at += byte === BACKSLASH ? 2 : 1;
    }
    this.escapedKey = unescaped(line.toString('utf8', start - 1, at + 1));
    this.at = at;
    return this.escapedKey !== undefined;
  }

  #sequenceNumber(): boolean {
    const { view, at, to } = this;
    const digits = copyDigits(view, at, { page: this.pageView, at: to, limit: SEQUENCE_DIGITS_MAX });
    this.#sequenceAt = at;
    this.sequenceStart = to;
    this.sequenceEnd = to + digits;
    this.to += digits;
    this.at += digits;
    // Leading zeros, which the daemon never writes, would be in the way of comparing.
    return digits > 0 && (digits === 1 || view.getUint8(at) !== ZERO);
  }

  /** In the line, without making a text of any number. */
  #compare(): void {
    const digits = this.sequenceEnd - this.sequenceStart;
    const order =
      digits - this.#digitsBefore ||
      compareDigits(this.view, { first: this.#before, second: this.#sequenceAt, digits }) ||
      this.subSequenceNumber - this.#subSequenceNumberBefore;
    if (order <= 0) this.ascending = false;
    this.#before = this.#sequenceAt;
    this.#digitsBefore = digits;
    this.#subSequenceNumberBefore = this.subSequenceNumber;
  }

  /** Remembers the next backslash of the line, so that all calls together search the line once. */
  #hasBackslash(start: number, end: number): boolean {
    if (this.#nextBackslash !== NONE && this.#nextBackslash < start)
      this.#nextBackslash = this.line.indexOf(BACKSLASH, start);
    return this.#nextBackslash !== NONE && this.#nextBackslash < end;
  }
}

function unescaped(quoted: string): string | undefined {
  try {
    const text: unknown = JSON.parse(quoted);
    return typeof text === 'string' ? text : undefined;
  } catch {
    // Not JSON: the decoder's own JSON.parse of the line says what is wrong with it.
    return undefined;
  }
}
