import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../errors.js';
import { bytesOf, bytesRecord, textRecord, wireRecord } from './record.fixture.js';
import { viewRecord } from './record-view.js';

const failureOf = (run: () => unknown): MillraceError => {
  try {
    run();
  } catch (error) {
    if (error instanceof MillraceError) return error;
  }
  throw new Error('nothing of ours was thrown');
};

describe('a record', () => {
  it('shows what the daemon sent, and has an id that is the same at every delivery', () => {
    const wire = wireRecord('{}', { sequenceNumber: '12', subSequenceNumber: 3 });
    const record = viewRecord(wire, 'shardId-7');
    expect({
      id: record.id,
      shardId: record.shardId,
      partitionKey: record.partitionKey,
      sequenceNumber: record.sequenceNumber,
      subSequenceNumber: record.subSequenceNumber,
      approximateArrivalTimestamp: record.approximateArrivalTimestamp,
    }).toEqual({
      id: 'shardId-7:12:3',
      shardId: 'shardId-7',
      partitionKey: 'customer-7',
      sequenceNumber: '12',
      subSequenceNumber: 3,
      approximateArrivalTimestamp: 1_500_000_000_000,
    });
    expect(record.bytes).toBe(wire.data);
  });

  it('touches the data only when it is asked for', () => {
    let reads = 0;
    const wire = {
      ...wireRecord(''),
      get data() {
        reads += 1;
        return bytesOf('{}');
      },
    };
    const lazy = viewRecord(wire, 's');
    expect([lazy.id, lazy.partitionKey]).toHaveLength(2);
    expect(reads).toBe(0);
    lazy.json();
    expect(reads).toBeGreaterThan(0);
  });

  it('reads text from any part of a larger buffer', () => {
    const large = bytesOf('xxgrüße, 世界yy');
    const part = large.subarray(2, large.length - 2);
    for (const bytes of [part, Buffer.from(part)]) {
      expect(viewRecord(wireRecord(bytes), 's').text()).toBe('grüße, 世界');
    }
  });

  it('parses JSON once, whatever it is', () => {
    for (const text of ['{"a":1}', 'null', 'false', '0', '""']) {
      const record = textRecord(text);
      expect(record.json()).toEqual(JSON.parse(text));
      expect(record.json()).toBe(record.json());
    }
  });

  it('takes a byte order mark in front of JSON, and keeps it in text', () => {
    expect(textRecord('\uFEFF{"a":1}').json()).toEqual({ a: 1 });
    expect(textRecord('\uFEFFa').text()).toBe('\uFEFFa');
  });

  it('refuses bytes that are no UTF-8 instead of replacing them', () => {
    for (const read of ['text', 'json'] as const) {
      const error = failureOf(() => bytesRecord(0xff, 0xfe)[read]());
      expect(error.code).toBe('DECODE_FAILED');
      expect(error.message).toContain('(2 bytes) is not UTF-8 text');
      expect(error.details).toMatchObject({ shardId: 'shardId-000000000000', subSequenceNumber: 0 });
    }
  });

  it.each([
    ['{"secret"', "is not JSON (Expected ':' after property name in JSON at position 9)."],
    ['{"secret":', 'is not JSON (Unexpected end of JSON input).'],
    ['secret', "is not JSON (Unexpected token 's')."],
    ['{"a":secret}', "is not JSON (Unexpected token 's')."],
    ['\u2028secret', "is not JSON (Unexpected token '\u2028')."],
    ['{"a":😀secret}', 'is not JSON (Unexpected token'],
    ['"secret" "', 'is not JSON (Unexpected non-whitespace character after JSON at position 9).'],
  ])('refuses %s, which is no JSON, and repeats nothing of it', (text, said) => {
    const error = failureOf(() => textRecord(text).json());
    expect(error.code).toBe('DECODE_FAILED');
    expect(error.message).toContain(said);
    expect(inspect(error)).not.toContain('secret');
  });
});
