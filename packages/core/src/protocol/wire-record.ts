/**
 * The records of a batch. What a handler may never look at is not decoded: base64, key and sequence number are read on first use.
 *
 * Memory: a record keeps the whole line it came in (up to lineBytesMax) until its `data` is read once; then everything of it has been
 * copied out and the line is let go. A record that is kept for long without being read keeps its batch alive.
 */
import { MillraceError } from '../errors.js';
import type { WireRecord } from './messages.js';

/** Where the values of one record lie in its line. */
export interface RecordBounds {
  readonly dataStart: number;
  readonly dataEnd: number;
  readonly keyStart: number;
  readonly keyEnd: number;
  /** The key itself where it holds escapes; undefined where its bytes are its text. */
  readonly escapedKey: string | undefined;
  readonly sequenceStart: number;
  readonly sequenceEnd: number;
  readonly approximateArrivalTimestamp: number;
  readonly subSequenceNumber: number;
}

const NO_LINE = Buffer.alloc(0);

/** A record found by the template scan: it reads its values from the line when they are asked for. */
export class ScannedRecord implements WireRecord {
  readonly approximateArrivalTimestamp: number;
  readonly subSequenceNumber: number;
  #line: Buffer;
  readonly #dataStart: number;
  readonly #dataEnd: number;
  readonly #keyStart: number;
  readonly #keyEnd: number;
  readonly #sequenceStart: number;
  readonly #sequenceEnd: number;
  #key: string | undefined;
  #sequenceNumber: string | undefined;
  #data: Uint8Array | MillraceError | undefined;

  constructor(line: Buffer, bounds: RecordBounds) {
    this.#line = line;
    this.#dataStart = bounds.dataStart;
    this.#dataEnd = bounds.dataEnd;
    this.#keyStart = bounds.keyStart;
    this.#keyEnd = bounds.keyEnd;
    this.#sequenceStart = bounds.sequenceStart;
    this.#sequenceEnd = bounds.sequenceEnd;
    this.#key = bounds.escapedKey;
    this.approximateArrivalTimestamp = bounds.approximateArrivalTimestamp;
    this.subSequenceNumber = bounds.subSequenceNumber;
  }

  get sequenceNumber(): string {
    return (this.#sequenceNumber ??= this.#line.toString('latin1', this.#sequenceStart, this.#sequenceEnd));
  }

  get partitionKey(): string {
    return (this.#key ??= this.#line.toString('utf8', this.#keyStart, this.#keyEnd));
  }

  get data(): Uint8Array {
    return orThrow((this.#data ??= this.#release()));
  }

  #release(): Uint8Array | MillraceError {
    const base64 = this.#line.toString('latin1', this.#dataStart, this.#dataEnd);
    // Reading them here leaves nothing behind that needs the line.
    this.#sequenceNumber = this.sequenceNumber;
    this.#key = this.partitionKey;
    this.#line = NO_LINE;
    return decodeBase64(base64);
  }
}

export interface ParsedValues {
  readonly base64: string;
  readonly partitionKey: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  readonly approximateArrivalTimestamp: number | undefined;
}

/** A record of a line that was read by JSON.parse. */
export class ParsedRecord implements WireRecord {
  readonly partitionKey: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  readonly approximateArrivalTimestamp: number | undefined;
  #base64: string;
  #data: Uint8Array | MillraceError | undefined;

  constructor(values: ParsedValues) {
    this.partitionKey = values.partitionKey;
    this.sequenceNumber = values.sequenceNumber;
    this.subSequenceNumber = values.subSequenceNumber;
    this.approximateArrivalTimestamp = values.approximateArrivalTimestamp;
    this.#base64 = values.base64;
  }

  get data(): Uint8Array {
    if (this.#data === undefined) {
      this.#data = decodeBase64(this.#base64);
      this.#base64 = '';
    }
    return orThrow(this.#data);
  }
}

function orThrow(data: Uint8Array | MillraceError): Uint8Array {
  if (data instanceof MillraceError) throw data;
  return data;
}

/**
 * Padded base64 to bytes. Buffer skips what it cannot read, so a malformed text shows in its length: it gives fewer bytes than its
 * characters stand for. (The URL alphabet passes; it names the same bytes.)
 */
function decodeBase64(text: string): Uint8Array | MillraceError {
  const bytes = Buffer.from(text, 'base64');
  const expected = (text.length / 4) * 3 - padding(text);
  if (bytes.length === expected) return bytes;
  return new MillraceError(
    'DECODE_FAILED',
    'The data of this record is not valid base64, so the daemon and Millrace disagree about the protocol. Check that the daemon is KCL 3.1.3 and that nothing rewrites its output.',
    { details: { characters: text.length } },
  );
}

function padding(text: string): number {
  if (text.endsWith('==')) return 2;
  return text.endsWith('=') ? 1 : 0;
}
