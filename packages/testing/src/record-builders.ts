/** Records for tests: only what a test cares about is given, the rest is valid. A bed gives them their positions. */
import { MillraceError } from '@millrace/core';
import { aggregate } from '@millrace/core/internal';
import { edgeCases } from './edge-cases.js';

/** A record of its own. */
export interface SingleRecord {
  readonly kind: 'single';
  readonly partitionKey: string;
  readonly data: Uint8Array;
  /** Milliseconds since the epoch. @defaultValue when the bed delivers it */
  readonly approximateArrivalTimestamp?: number;
}

/** User records of one KPL aggregate, taken apart by the daemon: one sequence number, sub-sequence numbers from 0. */
export interface KplRecord {
  readonly kind: 'kpl';
  readonly records: readonly Pick<SingleRecord, 'partitionKey' | 'data'>[];
  /** Milliseconds since the epoch. @defaultValue when the bed delivers it */
  readonly approximateArrivalTimestamp?: number;
}

export type TestRecord = SingleRecord | KplRecord;

export interface JsonRecordOptions<T> {
  /** The partition key, or how to read it from a payload. @defaultValue the same key for every record */
  readonly key?: string | ((payload: T) => string);
}

/** Turns payloads into records. */
export interface JsonRecords<T> {
  (payload: T): SingleRecord;
  /** `count` records, in order; `payloadAt` gets 0, 1, 2... */
  many(count: number, payloadAt: (index: number) => T): SingleRecord[];
}

/** One key for all: every record waits for the one before it, as strictly as a stream can order them. */
const DEFAULT_KEY = 'key';
/** Kinesis counts code points. */
const KEY_CHARACTERS_MAX = 256;

/** Builders of records. None of them reads a clock or draws a random number. */
export const records = {
  /** A builder of JSON records: `const order = records.json<Order>({ key: (order) => order.customerId })`. */
  json<T = unknown>({ key = DEFAULT_KEY }: JsonRecordOptions<T> = {}): JsonRecords<T> {
    const build = (payload: T): SingleRecord => ofJson(payload, typeof key === 'function' ? key(payload) : key);
    const many = (count: number, payloadAt: (index: number) => T): SingleRecord[] =>
      Array.from({ length: count }, (_, index) => build(payloadAt(index)));
    return Object.assign(build, { many });
  },
  /** One JSON record. */
  of(payload: unknown, key: string = DEFAULT_KEY): SingleRecord {
    return ofJson(payload, key);
  },
  /** One record of UTF-8 text. */
  text(text: string, key: string = DEFAULT_KEY): SingleRecord {
    return single(new TextEncoder().encode(text), key);
  },
  /** One record of bytes; they are copied. */
  bytes(bytes: Uint8Array, key: string = DEFAULT_KEY): SingleRecord {
    return single(Uint8Array.from(bytes), key);
  },
  /** The record as it arrived at this time, in milliseconds since the epoch. */
  arrivedAt<R extends TestRecord>(record: R, approximateArrivalTimestamp: number): R {
    return { ...record, approximateArrivalTimestamp };
  },
  /** What the daemon delivers of one KPL aggregate: these records, with one sequence number and sub-sequence numbers 0, 1, 2... */
  kpl(...parts: readonly SingleRecord[]): KplRecord {
    return { kind: 'kpl', records: atLeastOne(parts).map(({ partitionKey, data }) => ({ partitionKey, data })) };
  },
  /** An aggregate that nobody took apart: one record, whose bytes hold all of these and are intact. */
  rawAggregated(...parts: readonly SingleRecord[]): SingleRecord {
    return rawAggregate(parts);
  },
  /** An aggregate with a digest that does not fit: the daemon hands it over whole, as one record of strange bytes. */
  corruptDigest(...parts: readonly SingleRecord[]): SingleRecord {
    const whole = rawAggregate(parts);
    const last = whole.data.length - 1;
    return { ...whole, data: whole.data.map((byte, index) => (index === last ? byte ^ 0xff : byte)) };
  },
  /** Records that are legal in Kinesis and that consumers forget, each with a name: deliver them, or run one test for each. */
  edgeCases,
} as const;

function ofJson(payload: unknown, key: string): SingleRecord {
  // JSON.stringify gives undefined for undefined, functions and symbols; its type says otherwise.
  const text = JSON.stringify(payload) as string | undefined;
  if (text === undefined)
    throw new MillraceError(
      'TEST_MISUSED',
      `A payload of type ${typeof payload} has no JSON. Give an object, or bytes with records.bytes().`,
    );
  return single(new TextEncoder().encode(text), key);
}

function single(data: Uint8Array, partitionKey: string): SingleRecord {
  const characters = Array.from(partitionKey).length;
  if (characters >= 1 && characters <= KEY_CHARACTERS_MAX) return { kind: 'single', partitionKey, data };
  throw new MillraceError(
    'TEST_MISUSED',
    `A partition key has 1 to ${KEY_CHARACTERS_MAX} characters; this one has ${characters}, and Kinesis would refuse it.`,
  );
}

function rawAggregate(parts: readonly SingleRecord[]): SingleRecord {
  const [first] = atLeastOne(parts);
  return single(Uint8Array.from(aggregate(parts)), first.partitionKey);
}

function atLeastOne<T>(parts: readonly T[]): readonly [T, ...T[]] {
  const [first, ...rest] = parts;
  if (first !== undefined) return [first, ...rest];
  throw new MillraceError('TEST_MISUSED', 'The KPL writes no aggregate without user records; give at least one.');
}
