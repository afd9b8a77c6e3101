/** A record as user code sees it: a view over what the daemon sent, decoded on first use. */
import { isUtf8 } from 'node:buffer';
import type { ConsumerRecord } from '../definition/context.js';
import { MillraceError, toError } from '../errors.js';
import type { WireRecord } from '../protocol/messages.js';

export function viewRecord(wire: WireRecord, shardId: string): ConsumerRecord {
  return new RecordView(wire, shardId);
}

const NOTHING = new Uint8Array();

/** The record's coordinates alone. */
export function withoutPayload(record: ConsumerRecord): ConsumerRecord {
  const { sequenceNumber, subSequenceNumber, partitionKey, approximateArrivalTimestamp, shardId } = record;
  return new RecordView(
    { sequenceNumber, subSequenceNumber, partitionKey, approximateArrivalTimestamp, data: NOTHING },
    shardId,
  );
}

/** Parsed JSON may be null or false, so whether there is any needs its own word. */
type Parsed = { readonly kind: 'none' } | { readonly kind: 'value'; readonly value: unknown };
const notParsed: Parsed = { kind: 'none' };

class RecordView implements ConsumerRecord {
  readonly shardId: string;
  readonly #wire: WireRecord;
  #parsed: Parsed = notParsed;

  constructor(wire: WireRecord, shardId: string) {
    this.#wire = wire;
    this.shardId = shardId;
  }

  get id(): string {
    return `${this.shardId}:${this.#wire.sequenceNumber}:${this.#wire.subSequenceNumber}`;
  }

  get partitionKey(): string {
    return this.#wire.partitionKey;
  }

  get sequenceNumber(): string {
    return this.#wire.sequenceNumber;
  }

  get subSequenceNumber(): number {
    return this.#wire.subSequenceNumber;
  }

  get approximateArrivalTimestamp(): number | undefined {
    return this.#wire.approximateArrivalTimestamp;
  }

  get bytes(): Uint8Array {
    return this.#wire.data;
  }

  text(): string {
    const { bytes } = this;
    // Replacement characters would change the data without a word, so bytes that are no UTF-8 are an error.
    if (!isUtf8(bytes)) throw this.#undecodable('UTF-8 text');
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return buffer.toString('utf8');
  }

  json(): unknown {
    if (this.#parsed.kind === 'none') this.#parsed = { kind: 'value', value: this.#parse() };
    return this.#parsed.value;
  }

  #parse(): unknown {
    const text = this.text();
    // Some producers write a byte order mark, which JSON.parse takes for a mistake.
    const start = text.startsWith('\uFEFF') ? 1 : 0;
    try {
      return JSON.parse(text.slice(start));
    } catch (error) {
      throw this.#undecodable(`JSON${faultOf(error)}`);
    }
  }

  #undecodable(wanted: string): MillraceError {
    const { id, shardId, sequenceNumber, subSequenceNumber } = this;
    return new MillraceError(
      'DECODE_FAILED',
      `The record ${id} (${this.bytes.byteLength} bytes) is not ${wanted}. ` +
        "If that is meant, say decode: 'text', decode: 'bytes' or decode with a function.",
      { details: { shardId, sequenceNumber, subSequenceNumber } },
    );
  }
}

/** What JSON.parse says, without the text that it quotes: that is a payload, and errors go into logs. */
function faultOf(error: unknown): string {
  const [fault] =
    /^Unexpected (?:token '.'|end of JSON input)|^[^"]* JSON at position \d+/su.exec(toError(error).message) ?? [];
  return fault === undefined ? '' : ` (${fault})`;
}
