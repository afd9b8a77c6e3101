import { describe, expect, it } from 'vitest';
import { deadLetter } from '../../../test/support/dead-letter.js';
import { isEmpty, matches, parseMoment, type EntryFilter } from './entry-filter.js';

const entry = deadLetter('1', { partitionKey: 'c-7', parkedAt: 1_000 });

describe('a filter', () => {
  it.each<[EntryFilter, boolean]>([
    [{}, true],
    [{ cause: 'HANDLER_TIMEOUT' }, true],
    [{ cause: 'handler_timeout' }, true],
    [{ cause: 'MillraceError' }, true],
    [{ cause: 'Sock' }, true],
    [{ cause: 'HANDLER' }, false],
    [{ handler: 'placed' }, true],
    [{ handler: 'place' }, false],
    [{ key: 'c-7' }, true],
    [{ key: 'c-' }, false],
    [{ id: 'shardId-000000000000:1:0' }, true],
    [{ id: '1' }, false],
    [{ since: 1_000 }, true],
    [{ since: 1_001 }, false],
    [{ until: 1_001 }, true],
    [{ until: 1_000 }, false],
    [{ cause: 'socket', key: 'c-8' }, false],
  ])('%j is %s', (filter, expected) => {
    expect(matches(filter, entry)).toBe(expected);
  });

  it('is empty when it says nothing', () => {
    expect(isEmpty({})).toBe(true);
    expect(isEmpty({ since: 0 })).toBe(false);
  });
});

describe('a moment', () => {
  const now = Date.UTC(2026, 2, 2);
  it.each([
    ['2026-03-01T10:00Z', Date.UTC(2026, 2, 1, 10)],
    ['2026-03-01', Date.UTC(2026, 2, 1)],
    ['90m', now - 5_400_000],
    ['2h', now - 7_200_000],
    ['3d', now - 259_200_000],
    ['5s', now - 5_000],
    ['yesterday', undefined],
    ['12', undefined],
    ['2026-13-01', undefined],
    ['', undefined],
  ])('%s', (text, expected) => {
    expect(parseMoment(text, now)).toBe(expected);
  });
});
