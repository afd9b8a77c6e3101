/** From bytes to what a handler's `decode` asked for. */
import type { ConsumerRecord } from '../definition/context.js';
import type { Decode } from '../definition/definition.js';
import { MillraceError } from '../errors.js';

/** @throws whatever a decoding function throws, or DECODE_FAILED for bytes that are no UTF-8 or no JSON. */
export function decodeRecord(decode: Decode, record: ConsumerRecord): unknown {
  switch (decode) {
    case 'json':
      return record.json();
    case 'text':
      return record.text();
    case 'bytes':
      return record.bytes;
    default:
      return decode(record.bytes, record);
  }
}

/** What a decoding function threw, as the record's failure; our own decoding errors stay as they are. */
export function decodeFailure(thrown: unknown, record: ConsumerRecord): MillraceError {
  if (thrown instanceof MillraceError && thrown.code === 'DECODE_FAILED') return thrown;
  const { id, shardId, sequenceNumber, subSequenceNumber } = record;
  return new MillraceError('DECODE_FAILED', `The decode function failed on the record ${id}; see the cause.`, {
    details: { shardId, sequenceNumber, subSequenceNumber },
    cause: thrown,
  });
}
