import { describe, expect, it } from 'vitest';
import { deadLetter } from '../../test/support/dead-letter.js';
import { formatEntry, parseEntry } from './entry-text.js';
import { formatPointer, parsePointer } from './overflow.js';
import { objectKey } from './s3-sink.js';
import { toMessage } from './sqs-sink.js';

describe('a pointer', () => {
  const pointer = { id: 'shardId-0:1:0', bucket: 'b', key: 'a/b.parked.json' };

  it('comes back as it was, and is no entry', () => {
    expect(parsePointer(formatPointer(pointer))).toEqual(pointer);
    expect(parseEntry(formatPointer(pointer))).toBeUndefined();
  });

  it.each([
    '',
    '[]',
    'null',
    '7',
    '{"version":2,"id":"1","overflow":{"bucket":"b","key":"k"}}',
    formatEntry(deadLetter('1')),
  ])('is not %s', (text) => {
    expect(parsePointer(text)).toBeUndefined();
  });
});

describe('the text of an entry', () => {
  it('holds no character that SQS refuses, and gives all of them back', () => {
    const entry = deadLetter('1', { partitionKey: '\uFFFE\uFFFF\u0000\u001F\uD800' });
    const text = formatEntry(entry);
    expect(text).not.toMatch(/[\uFFFE\uFFFF\u0000-\u001F]|\p{Surrogate}/u);
    expect(parseEntry(text)).toEqual(entry);
  });
});

describe('the key of an object', () => {
  it('is the same whenever the record is parked, and safe whatever the names are', () => {
    const entry = deadLetter('1', { stream: 'orders/é', applicationName: 'mail er', parkedAt: 1 });
    const key = objectKey('p/', entry, '.json');
    expect(key).toBe('p/orders__/mail_er/2023-11-14/22-13-20.123Z-shardId-000000000000-1-0.json');
    expect(objectKey('p/', { ...entry, parkedAt: 2, attempts: 1 }, '.json')).toBe(key);
  });

  it('of a record without an arrival time begins with the oldest', () => {
    const key = objectKey('', deadLetter('1', { approximateArrivalTimestamp: undefined }), '');
    expect(key).toMatch(/^orders\/mailer\/1970-01-01\/00-00-00\.000Z-/);
  });
});

describe('the group of a FIFO queue', () => {
  const group = (partitionKey: string) =>
    toMessage('', deadLetter('1', { partitionKey }), 'https://q/orders.fifo').fifo?.groupId;

  it('is the partition key where SQS takes it, else a hash of it', () => {
    expect(group('anna-7')).toBe('anna-7');
    expect(
      [group('café'), group('a b'), group(''), group('k'.repeat(129))].every((id) => /^[\da-f]{64}$/.test(id ?? '')),
    ).toBe(true);
  });

  it('is nothing for a standard queue', () => {
    expect(toMessage('', deadLetter('1'), 'https://q/orders').fifo).toBeUndefined();
  });
});
