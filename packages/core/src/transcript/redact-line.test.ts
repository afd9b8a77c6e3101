import { describe, expect, it } from 'vitest';
import { redactLine } from './redact-line.js';

const hashKey = (key: string): string => `#${key.length}`;

describe('a recorded message', () => {
  it('has zeros of the same length for payloads, hashes for keys, and positions as they were', () => {
    const record = {
      data: Buffer.from('a secret').toString('base64'),
      partitionKey: 'customer-7',
      sequenceNumber: '49680604737223840621818727579490000000000000000000000001',
      approximateArrivalTimestamp: 1_700_000_000_000,
      subSequenceNumber: 3,
      action: 'record',
    };
    const line = JSON.stringify({ action: 'processRecords', records: [record], millisBehindLatest: 5 });

    const redacted = JSON.parse(redactLine(line, hashKey) ?? '') as { records: (typeof record)[] };

    expect(redacted).toEqual({
      action: 'processRecords',
      records: [{ ...record, data: Buffer.alloc(8).toString('base64'), partitionKey: '#10' }],
      millisBehindLatest: 5,
    });
  });

  it.each([
    '{"action":"initialize","shardId":"shardId-0","sequenceNumber":"TRIM_HORIZON","subSequenceNumber":0}',
    '{"action":"checkpoint","sequenceNumber":"1","subSequenceNumber":0,"error":"ThrottlingException"}',
    '{"action":"leaseLost"}',
  ])('is kept as it was where it has no records: %s', (line) => {
    expect(redactLine(line, hashKey)).toBe(line);
  });

  it('tells of a record nothing that it does not know by name', () => {
    const line =
      '{"action":"processRecords","records":[{"data":null,"explicitHashKey":"secret","headers":["secret"]}]}';
    expect(redactLine(line, hashKey)).not.toContain('secret');
    expect(redactLine('{"records":["secret"]}', hashKey)).not.toContain('secret');
  });

  it.each(['not JSON: secret', '["secret"]', '"secret"', 'null', '{"records":"secret"}', '{"data":"half a sec'])(
    'is left out where nobody knows what in it is a payload: %s',
    (line) => {
      expect(redactLine(line, hashKey)).toBeUndefined();
    },
  );
});
