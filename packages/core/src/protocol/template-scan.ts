/**
 * The fast way through a processRecords line. Jackson writes the fields in one order without blanks, so the line is a template with
 * holes: compare the fixed bytes, remember where the holes lie, decode nothing. JSON.parse of the same line is most of a worker's CPU
 * time. Whatever does not fit the template, however valid, gives undefined, and the decoder reads the line with JSON.parse.
 *
 * One thing is looked at later than JSON.parse would: a control character inside `data` is found when that record's data is read.
 */
import type { DaemonMessage, WireRecord } from './messages.js';
import { ScannedRecord } from './wire-record.js';
import type { RecordBounds } from './wire-record.js';

const HEAD = Buffer.from('{"action":"processRecords","records":[');
const DATA = Buffer.from('{"data":"');
const KEY = Buffer.from('","partitionKey":"');
const SEQUENCE_NUMBER = Buffer.from('","sequenceNumber":"');
const ARRIVAL = Buffer.from('","approximateArrivalTimestamp":');
const SUB_SEQUENCE_NUMBER = Buffer.from(',"subSequenceNumber":');
const RECORD_END = Buffer.from(',"action":"record"}');
const LAG = Buffer.from('],"millisBehindLatest":');

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const CLOSING_BRACE = 0x7d;
const CLOSING_BRACKET = 0x5d;
const BLANK = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
/** More digits than this may not fit a JavaScript number exactly. */
const EXACT_DIGITS = 15;
const NONE = -1;

type Batch = Extract<DaemonMessage, { kind: 'processRecords' }>;

/** The batch in this line, or undefined when the line is not written as the daemon writes it. */
export function scanProcessRecords(line: Buffer): Batch | undefined {
  const scan = new TemplateScan(line);
  if (!scan.literal(HEAD)) return undefined;
  const records: WireRecord[] = [];
  if (line[scan.at] !== CLOSING_BRACKET) {
    do {
      if (!scan.record()) return undefined;
      records.push(new ScannedRecord(line, scan));
    } while (scan.byte(COMMA));
  }
  if (!scan.literal(LAG)) return undefined;
  const millisBehindLatest = scan.wholeNumber();
  if (millisBehindLatest === NONE || !scan.byte(CLOSING_BRACE) || scan.at !== line.length) return undefined;
  return { kind: 'processRecords', records, millisBehindLatest };
}

/** A cursor over one line. Its bounds describe the record scanned last; every record copies them, so one object serves the batch. */
class TemplateScan implements RecordBounds {
  at = 0;
  dataStart = 0;
  dataEnd = 0;
  keyStart = 0;
  keyEnd = 0;
  escapedKey: string | undefined;
  sequenceStart = 0;
  sequenceEnd = 0;
  approximateArrivalTimestamp = 0;
  subSequenceNumber = 0;
  readonly #line: Buffer;
  #nextBackslash: number;

  constructor(line: Buffer) {
    this.#line = line;
    this.#nextBackslash = line.indexOf(BACKSLASH);
  }

  record(): boolean {
    if (!this.literal(DATA) || !this.#data()) return false;
    if (!this.literal(KEY) || !this.#key()) return false;
    if (!this.literal(SEQUENCE_NUMBER) || !this.#sequenceNumber()) return false;
    if (!this.literal(ARRIVAL)) return false;
    this.approximateArrivalTimestamp = this.wholeNumber();
    if (this.approximateArrivalTimestamp === NONE || !this.literal(SUB_SEQUENCE_NUMBER)) return false;
    this.subSequenceNumber = this.wholeNumber();
    return this.subSequenceNumber !== NONE && this.literal(RECORD_END);
  }

  literal(expected: Buffer): boolean {
    const line = this.#line;
    const at = this.at;
    for (let offset = 0; offset < expected.length; offset += 1) {
      if (line[at + offset] !== expected[offset]) return false;
    }
    this.at = at + expected.length;
    return true;
  }

  byte(expected: number): boolean {
    if (this.#line[this.at] !== expected) return false;
    this.at += 1;
    return true;
  }

  /** A JSON number of at most 15 digits without sign, fraction or exponent; NONE for any other. */
  wholeNumber(): number {
    const start = this.at;
    let value = 0;
    let digit = this.#line[start] ?? 0;
    while (digit >= ZERO && digit <= NINE) {
      value = value * 10 + (digit - ZERO);
      this.at += 1;
      digit = this.#line[this.at] ?? 0;
    }
    const digits = this.at - start;
    const leadingZero = digits > 1 && this.#line[start] === ZERO;
    return digits === 0 || digits > EXACT_DIGITS || leadingZero ? NONE : value;
  }

  #data(): boolean {
    this.dataStart = this.at;
    this.dataEnd = this.#line.indexOf(QUOTE, this.at);
    this.at = this.dataEnd;
    return this.dataEnd !== NONE && !this.#hasBackslash(this.dataStart, this.dataEnd);
  }

  /** Base64 is long and searched natively; keys are short, so a loop that also sees escapes and control characters is quicker. */
  #key(): boolean {
    this.keyStart = this.at;
    let escaped = false;
    let byte = this.#line[this.at] ?? 0;
    while (byte !== QUOTE) {
      if (byte < BLANK) return false;
      if (byte === BACKSLASH) {
        escaped = true;
        this.at += 1;
      }
      this.at += 1;
      byte = this.#line[this.at] ?? 0;
    }
    this.keyEnd = this.at;
    this.escapedKey = escaped ? unescaped(this.#line.toString('utf8', this.keyStart - 1, this.keyEnd + 1)) : undefined;
    return !escaped || this.escapedKey !== undefined;
  }

  #sequenceNumber(): boolean {
    this.sequenceStart = this.at;
    let digit = this.#line[this.at] ?? 0;
    while (digit >= ZERO && digit <= NINE) {
      this.at += 1;
      digit = this.#line[this.at] ?? 0;
    }
    this.sequenceEnd = this.at;
    return this.sequenceEnd > this.sequenceStart;
  }

  /** Remembers the next backslash of the line, so that all calls together search the line once. */
  #hasBackslash(start: number, end: number): boolean {
    if (this.#nextBackslash !== NONE && this.#nextBackslash < start)
      this.#nextBackslash = this.#line.indexOf(BACKSLASH, start);
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
