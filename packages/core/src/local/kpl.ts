/**
 * KPL aggregates: one Kinesis record that holds many user records. Taken apart as the KCL does it
 * (software.amazon.kinesis.retrieval.AggregatorUtil), so that sub-sequence numbers are the same on both engines.
 *
 *   F3 89 9A C2 | protobuf AggregatedRecord | MD5 of the protobuf
 *
 * What only looks like an aggregate (bad digest, bad protobuf) is one record with all its bytes. The KCL also drops user
 * records outside the shard's hash range; that filter is left out here, since reading one record too many is harmless.
 */
import { createHash } from 'node:crypto';
import { PbfReader, PbfWriter } from 'pbf';
import type { WireRecord } from '../protocol/messages.js';
import type { SourceRecord } from './source.js';

const MAGIC = Uint8Array.of(0xf3, 0x89, 0x9a, 0xc2);
const DIGEST_BYTES = 16;

/** A user record on its way into an aggregate. */
export interface UserRecord {
  readonly partitionKey: string;
  readonly explicitHashKey?: string;
  readonly data: Uint8Array;
}

export interface Deaggregated {
  readonly records: readonly WireRecord[];
  /** User records that were given up because the aggregate contradicts itself; the KCL drops them with a log line. */
  readonly dropped: number;
}

/** The user records of a stored record: itself when it is no aggregate, else its parts with sub-sequence numbers from 0. */
export function deaggregate(stored: SourceRecord): Deaggregated {
  const aggregate = stored.subSequenceNumber === undefined ? readAggregate(stored.data) : undefined;
  if (aggregate === undefined)
    return { records: [wireRecord(stored, stored, stored.subSequenceNumber ?? 0)], dropped: 0 };
  const records: WireRecord[] = [];
  for (const part of aggregate.parts) {
    const partitionKey = aggregate.partitionKeys[part.partitionKeyIndex];
    const hashKeyKnown = part.hashKeyIndex === undefined || isHashKey(aggregate.hashKeys[part.hashKeyIndex]);
    // From the first contradiction on the rest is dropped, what came before stays.
    if (partitionKey === undefined || !hashKeyKnown) break;
    records.push(wireRecord(stored, { partitionKey, data: part.data }, records.length));
  }
  return { records, dropped: aggregate.parts.length - records.length };
}

/** Packs user records as the KPL does; the result is the data of one Kinesis record. */
export function aggregate(records: readonly UserRecord[]): Uint8Array {
  const partitionKeys = tableOf(records.map((record) => record.partitionKey));
  const hashKeys = tableOf(records.flatMap((record) => record.explicitHashKey ?? []));
  const writer = new PbfWriter();
  for (const key of partitionKeys.keys()) writer.writeStringField(1, key);
  for (const key of hashKeys.keys()) writer.writeStringField(2, key);
  for (const record of records) {
    writer.writeMessage(3, writePart, {
      partitionKeyIndex: partitionKeys.get(record.partitionKey) ?? 0,
      hashKeyIndex: record.explicitHashKey === undefined ? undefined : hashKeys.get(record.explicitHashKey),
      data: record.data,
    });
  }
  const message = writer.finish();
  return Buffer.concat([MAGIC, message, md5(message)]);
}

interface Part {
  readonly partitionKeyIndex: number;
  readonly hashKeyIndex: number | undefined;
  readonly data: Uint8Array;
}

interface Aggregate {
  readonly partitionKeys: readonly string[];
  readonly hashKeys: readonly string[];
  readonly parts: readonly Part[];
}

function readAggregate(data: Uint8Array): Aggregate | undefined {
  if (data.length <= MAGIC.length + DIGEST_BYTES || !MAGIC.every((byte, index) => data[index] === byte))
    return undefined;
  const message = data.subarray(MAGIC.length, data.length - DIGEST_BYTES);
  if (Buffer.compare(md5(message), data.subarray(data.length - DIGEST_BYTES)) !== 0) return undefined;
  try {
    return parseAggregate(message);
  } catch {
    // The digest is right and the protobuf is not: to the KCL, too, this is no aggregate.
    return undefined;
  }
}

function parseAggregate(message: Uint8Array): Aggregate {
  const partitionKeys: string[] = [];
  const hashKeys: string[] = [];
  const parts: Part[] = [];
  readFields(message, (field, reader) => {
    if (field === 1) partitionKeys.push(Buffer.from(readBytes(reader)).toString('utf8'));
    else if (field === 2) hashKeys.push(Buffer.from(readBytes(reader)).toString('utf8'));
    else if (field === 3) parts.push(parsePart(readBytes(reader)));
    else return false;
    return true;
  });
  return { partitionKeys, hashKeys, parts };
}

function parsePart(message: Uint8Array): Part {
  let partitionKeyIndex: number | undefined;
  let hashKeyIndex: number | undefined;
  let data: Uint8Array | undefined;
  readFields(message, (field, reader) => {
    if (field === 1) partitionKeyIndex = reader.readVarint();
    else if (field === 2) hashKeyIndex = reader.readVarint();
    else if (field === 3) data = readBytes(reader);
    else return false;
    return true;
  });
  if (partitionKeyIndex === undefined || data === undefined) throw new RangeError('a required field is missing');
  return { partitionKeyIndex, hashKeyIndex, data };
}

/** pbf reads on past the end of its buffer without a word, so every field is measured here. */
function readFields(message: Uint8Array, take: (field: number, reader: PbfReader) => boolean): void {
  const reader = new PbfReader(message);
  while (reader.pos < message.length) {
    const header = reader.readVarint();
    const field = Math.floor(header / 8);
    if (field === 0) throw new RangeError('field numbers start at 1');
    reader.type = header % 8;
    if (!take(field, reader)) reader.skip(header);
    if (reader.pos > message.length) throw new RangeError('a field is cut off');
  }
}

function readBytes(reader: PbfReader): Uint8Array {
  if (reader.type !== 2) throw new RangeError('a field has the wrong type');
  const length = reader.readVarint();
  const start = reader.pos;
  if (start + length > reader.length) throw new RangeError('a field is cut off');
  reader.pos = start + length;
  return reader.buf.subarray(start, start + length);
}

function writePart(part: Part, writer: PbfWriter): void {
  writer.writeVarintField(1, part.partitionKeyIndex);
  if (part.hashKeyIndex !== undefined) writer.writeVarintField(2, part.hashKeyIndex);
  writer.writeBytesField(3, part.data);
}

function wireRecord(
  stored: SourceRecord,
  part: Pick<WireRecord, 'partitionKey' | 'data'>,
  subSequenceNumber: number,
): WireRecord {
  return {
    data: part.data,
    partitionKey: part.partitionKey,
    sequenceNumber: stored.sequenceNumber,
    approximateArrivalTimestamp: stored.approximateArrivalTimestamp,
    subSequenceNumber,
  };
}

function tableOf(keys: readonly string[]): ReadonlyMap<string, number> {
  return new Map([...new Set(keys)].map((key, index) => [key, index]));
}

function isHashKey(key: string | undefined): boolean {
  return key !== undefined && /^-?\d+$/.test(key);
}

function md5(bytes: Uint8Array): Buffer {
  return createHash('md5').update(bytes).digest();
}
