/** What is read, as plain values that can be compared: of the fast reader, and of the slow one that is its model. */
import { isMillraceError } from '../src/errors.js';
import { decodeMessage } from '../src/protocol/decoder.js';
import type { DaemonMessage, WireRecord } from '../src/protocol/messages.js';

/** Plain comparison: a matcher would cost more than what it looks at. */
export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function read(line: Uint8Array): unknown {
  try {
    return plain(decodeMessage(line));
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return error.code;
  }
}

export function plain(message: DaemonMessage): unknown {
  if (message.kind !== 'processRecords') return message;
  const records = message.records.map((record) => ({
    data: bytesOf(record),
    partitionKey: record.partitionKey,
    sequenceNumber: record.sequenceNumber,
    subSequenceNumber: record.subSequenceNumber,
    approximateArrivalTimestamp: record.approximateArrivalTimestamp ?? null,
  }));
  return { kind: message.kind, millisBehindLatest: message.millisBehindLatest ?? null, records };
}

function bytesOf(record: WireRecord): string {
  try {
    return Buffer.from(record.data).toString('hex');
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return error.code;
  }
}

/** The same line for the decoder's other path: a blank in front is legal JSON and no template. */
export function readSlowly(line: Uint8Array): unknown {
  return read(Buffer.concat([Buffer.from(' '), line]));
}
