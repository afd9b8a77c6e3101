import { aggregate, deaggregate } from '@millrace/core/internal';
import { describe, expect, it } from 'vitest';
import { records, type SingleRecord } from './record-builders.js';

interface Order {
  readonly id: string;
  readonly customerId: string;
}

const text = (record: SingleRecord): string => new TextDecoder().decode(record.data);
const taken = (data: Uint8Array): number =>
  deaggregate({
    data,
    partitionKey: 'key',
    sequenceNumber: '1',
    approximateArrivalTimestamp: 0,
  }).records.length;

describe('records', () => {
  it('makes JSON records whose key comes from the payload', () => {
    const order = records.json<Order>({ key: ({ customerId }) => customerId });

    const made = order({ id: 'o-1', customerId: 'c-7' });

    expect(made.partitionKey).toBe('c-7');
    expect(JSON.parse(text(made))).toStrictEqual({ id: 'o-1', customerId: 'c-7' });
  });

  it('makes many, in order', () => {
    const order = records.json<number>({ key: 'fixed' });

    const made = order.many(3, (index) => index * 10);

    expect(made.map(text)).toStrictEqual(['0', '10', '20']);
    expect(made.every(({ partitionKey }) => partitionKey === 'fixed')).toBe(true);
  });

  it('gives one key to everything that has none, so that order is as strict as it can be', () => {
    const made = [records.of({}), records.text('a'), records.bytes(Uint8Array.of(1)), records.json()({})];

    expect(new Set(made.map(({ partitionKey }) => partitionKey)).size).toBe(1);
  });

  it('copies bytes, so that a test may go on with its buffer', () => {
    const bytes = Uint8Array.of(1, 2);
    const made = records.bytes(bytes);

    bytes[0] = 9;

    expect(made.data).toStrictEqual(Uint8Array.of(1, 2));
  });

  it.each([undefined, () => 1, Symbol('s')])('refuses a payload that has no JSON', (payload) => {
    expect(() => records.of(payload)).toThrow(expect.objectContaining({ code: 'TEST_MISUSED' }));
  });

  it('refuses the keys that Kinesis refuses, and counts code points as it does', () => {
    expect(() => records.text('a', '')).toThrow(/has 0/);
    expect(() => records.text('a', 'k'.repeat(257))).toThrow(/has 257/);
    expect(records.text('a', '\u{1F9C2}'.repeat(256)).partitionKey).toHaveLength(512);
  });

  it('sets the arrival time of any record', () => {
    expect(records.arrivedAt(records.of({}), 5).approximateArrivalTimestamp).toBe(5);
    expect(records.arrivedAt(records.kpl(records.of({})), 6).approximateArrivalTimestamp).toBe(6);
  });
});

describe('aggregates', () => {
  const parts = [records.of('a', 'k1'), records.of('b', 'k2')];

  it('keeps the user records of an aggregate that was taken apart', () => {
    expect(records.kpl(...parts).records).toStrictEqual(
      parts.map(({ partitionKey, data }) => ({ partitionKey, data })),
    );
  });

  it('makes an intact aggregate under the key of its first record', () => {
    const raw = records.rawAggregated(...parts);

    expect(raw.partitionKey).toBe('k1');
    expect([...raw.data]).toStrictEqual([...aggregate(parts)]);
    expect(taken(raw.data)).toBe(2);
  });

  it('makes an aggregate that the daemon does not take apart', () => {
    expect(taken(records.corruptDigest(...parts).data)).toBe(1);
  });

  it('refuses an aggregate of nothing', () => {
    expect(() => records.kpl()).toThrow(/at least one/);
    expect(() => records.rawAggregated()).toThrow(/at least one/);
  });
});

describe('edge cases', () => {
  const cases = records.edgeCases();
  const named = (name: string): SingleRecord => {
    const found = cases.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no edge case "${name}"`);
    return found;
  };

  it('have names of their own', () => {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });

  it('are legal in Kinesis', () => {
    for (const { partitionKey, data } of cases) {
      expect([...partitionKey].length).toBeGreaterThanOrEqual(1);
      expect([...partitionKey].length).toBeLessThanOrEqual(256);
      expect(data.length).toBeLessThanOrEqual(1_048_576);
    }
  });

  it('are what their names say', () => {
    expect(named('no bytes at all').data).toHaveLength(0);
    expect(named('a mebibyte').data).toHaveLength(1_048_576);
    expect(Object.hasOwn(JSON.parse(text(named('JSON with a __proto__ of its own'))) as object, '__proto__')).toBe(
      true,
    );
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(named('bytes that are no UTF-8').data)).toThrow(
      TypeError,
    );
    expect(text(named('JSON with a __proto__ of its own'))).toContain('"__proto__"');
  });
});
