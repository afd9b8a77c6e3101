/** The records of a batch. Key and sequence number, which a handler may never look at, become texts on first use. */
import { MillraceError } from '../errors.js';
import { decodeBase64 } from './base64.js';
import type { WireRecord } from './messages.js';

/** Where the values of one record lie in its page (record-scan.ts), one behind the other. */
export interface RecordPlaces {
  readonly page: Buffer;
  /** Undefined where they lie in the page as well. */
  readonly data: Uint8Array | MillraceError | undefined;
  readonly dataStart: number;
  readonly keyStart: number;
  /** The key itself where it holds escapes; undefined where its bytes are its text. */
  readonly escapedKey: string | undefined;
  readonly sequenceStart: number;
  readonly sequenceEnd: number;
  readonly approximateArrivalTimestamp: number;
  readonly subSequenceNumber: number;
}

/** A record found by the template scan. */
export class ScannedRecord implements WireRecord {
  readonly approximateArrivalTimestamp: number;
  readonly subSequenceNumber: number;
  readonly #page: Buffer;
  readonly #dataStart: number;
  readonly #keyStart: number;
  readonly #sequenceStart: number;
  readonly #sequenceEnd: number;
  #key: string | undefined;
  #sequenceNumber: string | undefined;
  #data: Uint8Array | MillraceError | undefined;

  constructor(places: RecordPlaces) {
    this.#page = places.page;
    this.#data = places.data;
    this.#dataStart = places.dataStart;
    this.#keyStart = places.keyStart;
    this.#sequenceStart = places.sequenceStart;
    this.#sequenceEnd = places.sequenceEnd;
    this.#key = places.escapedKey;
    this.approximateArrivalTimestamp = places.approximateArrivalTimestamp;
    this.subSequenceNumber = places.subSequenceNumber;
  }

  get sequenceNumber(): string {
    return (this.#sequenceNumber ??= this.#page.toString('latin1', this.#sequenceStart, this.#sequenceEnd));
  }

  get partitionKey(): string {
    return (this.#key ??= this.#page.toString('utf8', this.#keyStart, this.#sequenceStart));
  }

  get data(): Uint8Array {
    return orThrow((this.#data ??= this.#page.subarray(this.#dataStart, this.#keyStart)));
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
