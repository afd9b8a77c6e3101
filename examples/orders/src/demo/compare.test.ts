import { describe, expect, it } from 'vitest';
import { compare, failureOf } from './compare.js';

const books = { stream: ['s:1:0', 's:2:0', 's:3:0'], handled: ['s:1:0', 's:3:0'], parked: ['s:2:0'] };

describe('compare', () => {
  it('finds nothing when every record was handled or parked', () => {
    expect(compare(books)).toEqual({ stream: 3, handled: 2, parked: 1, missing: [], unknown: [], duplicates: [] });
  });

  it('finds the record that was neither handled nor parked', () => {
    expect(compare({ ...books, handled: ['s:1:0'] }).missing).toEqual(['s:3:0']);
  });

  it('does not take another sub-sequence number for the same record', () => {
    const { missing, unknown } = compare({ ...books, handled: ['s:1:0', 's:3:1'] });

    expect({ missing, unknown }).toEqual({ missing: ['s:3:0'], unknown: ['s:3:1'] });
  });

  it('counts a record that was handled twice, or handled and parked, once and as a duplicate', () => {
    const twice = compare({ ...books, handled: ['s:1:0', 's:1:0', 's:2:0', 's:3:0'] });

    expect(twice).toMatchObject({ handled: 3, parked: 1, missing: [], duplicates: ['s:1:0', 's:2:0'] });
  });
});

describe('failureOf', () => {
  it('accepts a run without loss, duplicates included', () => {
    expect(failureOf(compare({ ...books, handled: [...books.handled, 's:1:0'] }), 3)).toBeUndefined();
  });

  it.each([
    ['nothing was put', { stream: [], handled: [], parked: [] }, 0, /Nothing was put/],
    ['the stream holds less than was put', books, 4, /4 records were put, and 3 are in the stream/],
    ['a record is missing', { ...books, parked: [] }, 3, /1 of 3 records are neither handled nor parked/],
    ['a record was handled that never was', { ...books, handled: [...books.handled, 'x'] }, 3, /not in the stream/],
  ])('refuses a run where %s', (_, found, put, why) => {
    expect(failureOf(compare(found), put)).toMatch(why);
  });
});
