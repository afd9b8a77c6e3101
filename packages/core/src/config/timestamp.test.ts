import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIsoTimestamp, readDate } from './timestamp.js';

describe('an ISO-8601 time', () => {
  it('means what a Date means, for every moment between the years 0 and 9999', () => {
    const moments = fc.date({
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(moments, (moment) => {
        expect(parseIsoTimestamp(moment.toISOString())).toBe(moment.getTime());
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    '2024-02-29T12:30Z',
    '2026-01-31T08:00:00+02:00',
    '2026-01-31T08:00:00-0530',
    '2026-01-31t08:00:00z',
    '2026-01-31 08:00:00Z',
  ])('may be written %s', (text) => {
    expect(parseIsoTimestamp(text)).toBe(Date.parse(text.replace('-0530', '-05:30').toUpperCase()));
  });

  it('drops what is finer than a millisecond', () => {
    expect(parseIsoTimestamp('1970-01-01T00:00:00.0019Z')).toBe(1);
  });

  it.each([
    '2026-01-31',
    '2026-01-31T08:00:00',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-13-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-10T24:00:00Z',
    '2026-01-10T00:60:00Z',
    '2026-01-10T00:00:60Z',
    '2026-01-10T00:00:00+19:00',
    '2026-01-10T00:00:00+01:60',
    'yesterday',
  ])('is not %s', (text) => {
    expect(parseIsoTimestamp(text)).toBeUndefined();
  });
});

describe('a Date', () => {
  it('gives its milliseconds', () => {
    expect(readDate(new Date(5))).toBe(5);
  });

  it.each([[new Date(Number.NaN)], [null], [5], ['x'], [{}], [{ getTime: 5 }], [{ getTime: (): string => '5' }]])(
    'is not %s',
    (value) => {
      expect(readDate(value)).toBeUndefined();
    },
  );
});
