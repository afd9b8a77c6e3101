import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { aggregate, deaggregate } from './kpl.js';
import type { SourceRecord } from './source.js';

const stored = (data: Uint8Array): SourceRecord => ({
  sequenceNumber: '49680472844194121894536649072487468500843609055144443906',
  partitionKey: 'aggregate',
  data,
  approximateArrivalTimestamp: 1_795_387_135_557,
});

/** Wraps a protobuf message as the KPL does, whatever is in it. */
const sealed = (message: readonly number[]) =>
  Buffer.concat([
    Buffer.from('f3899ac2', 'hex'),
    Buffer.from(message),
    createHash('md5').update(Buffer.from(message)).digest(),
  ]);

const texts = (data: Uint8Array) =>
  deaggregate(stored(data)).records.map((record) => Buffer.from(record.data).toString());
const asOneRecord = (data: Uint8Array) => {
  const { records, dropped } = deaggregate(stored(data));
  expect(dropped).toBe(0);
  expect(records).toEqual([{ ...stored(data), subSequenceNumber: 0 }]);
};

describe('a KPL aggregate', () => {
  it('comes apart into its user records, numbered from 0, with the sequence number and the time of the whole', () => {
    const data = aggregate([
      { partitionKey: 'user-0', data: Buffer.from('a') },
      { partitionKey: 'user-1', data: Buffer.from('b'), explicitHashKey: '12345' },
      { partitionKey: 'user-0', data: Buffer.alloc(0) },
    ]);

    const { records, dropped } = deaggregate(stored(data));

    expect(dropped).toBe(0);
    expect(
      records.map(({ partitionKey, subSequenceNumber, data: bytes }) => [
        partitionKey,
        subSequenceNumber,
        Buffer.from(bytes).toString(),
      ]),
    ).toEqual([
      ['user-0', 0, 'a'],
      ['user-1', 1, 'b'],
      ['user-0', 2, ''],
    ]);
    expect(new Set(records.map((record) => record.sequenceNumber))).toEqual(new Set([stored(data).sequenceNumber]));
    expect(records[2]?.approximateArrivalTimestamp).toBe(1_795_387_135_557);
  });

  it('is laid out as the KPL lays it out', () => {
    // key table "k", hash key table "7", record { key 0, hash key 0, data "x" }
    const message = [0x0a, 1, 0x6b, 0x12, 1, 0x37, 0x1a, 7, 0x08, 0, 0x10, 0, 0x1a, 1, 0x78];
    expect(Buffer.from(aggregate([{ partitionKey: 'k', explicitHashKey: '7', data: Buffer.from('x') }]))).toEqual(
      sealed(message),
    );
  });

  it('keeps keys beyond ASCII', () => {
    const { records } = deaggregate(stored(aggregate([{ partitionKey: 'café-東京-\u2028', data: Buffer.from('x') }])));
    expect(records[0]?.partitionKey).toBe('café-東京-\u2028');
  });

  it('ignores fields that a newer KPL adds, tags among them', () => {
    const record = [0x08, 0, 0x1a, 1, 0x78, 0x22, 2, 0x0a, 0, 0x30, 5];
    expect(texts(sealed([0x0a, 1, 0x6b, 0x1a, record.length, ...record, 0x28, 1]))).toEqual(['x']);
  });

  it('without records delivers nothing', () => {
    expect(deaggregate(stored(sealed([0x0a, 1, 0x6b])))).toEqual({ records: [], dropped: 0 });
  });

  it('that names a key it does not have delivers what came before, and counts the rest', () => {
    const good = [0x1a, 5, 0x08, 0, 0x1a, 1, 0x61];
    const bad = [0x1a, 5, 0x08, 9, 0x1a, 1, 0x62];
    const badHash = [0x1a, 7, 0x08, 0, 0x10, 3, 0x1a, 1, 0x62];
    const { records, dropped } = deaggregate(stored(sealed([0x0a, 1, 0x6b, ...good, ...bad, ...good])));
    expect([records.length, dropped]).toEqual([1, 2]);
    expect(deaggregate(stored(sealed([0x0a, 1, 0x6b, ...good, ...badHash])))).toMatchObject({ dropped: 1 });
  });
});

describe('what is no aggregate is one record with all its bytes', () => {
  const whole = Buffer.from(aggregate([{ partitionKey: 'k', data: Buffer.from('payload') }]));

  it.each([
    ['plain data', Buffer.from('{"id":1}')],
    ['no data', Buffer.alloc(0)],
    ['the magic number alone', Buffer.from('f3899ac2', 'hex')],
    ['a magic number with a digest and nothing between', sealed([])],
    ['a wrong digest', Buffer.concat([whole.subarray(0, -1), Buffer.of((whole.at(-1) ?? 0) ^ 1)])],
    ['a changed byte', Buffer.concat([whole.subarray(0, 6), Buffer.of((whole[6] ?? 0) ^ 1), whole.subarray(7)])],
    ['a protobuf whose field is cut off', sealed([0x0a, 9, 0x6b])],
    ['a record that is cut off', sealed([0x0a, 1, 0x6b, 0x1a, 5, 0x08, 0, 0x1a, 9, 0x61])],
    ['a record without data', sealed([0x0a, 1, 0x6b, 0x1a, 2, 0x08, 0])],
    ['a record without a key', sealed([0x0a, 1, 0x6b, 0x1a, 3, 0x1a, 1, 0x61])],
    ['a key table that holds numbers', sealed([0x08, 1])],
    ['an unknown wire type', sealed([0x0f, 1])],
    ['field number 0', sealed([0x00, 1])],
    ['a number without an end', sealed([0x0a, 1, 0x6b, 0x1a, 5, 0x1a, 1, 0x61, 0x08, 0x80])],
  ])('%s', (_, data) => {
    asOneRecord(data);
  });

  it('and a record whose sub-sequence number a source set by hand', () => {
    expect(deaggregate({ ...stored(whole), subSequenceNumber: 4 }).records).toEqual([
      { ...stored(whole), subSequenceNumber: 4 },
    ]);
  });
});
