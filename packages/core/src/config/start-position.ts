/** Where a shard without a lease starts, as users write it, and as the daemon's file says it. */
import { parseIsoTimestamp, readDate } from './timestamp.js';
import type { ParsedValue } from './parsed-value.js';
import { bad, good } from './parsed-value.js';

const HINT = 'Write TRIM_HORIZON, LATEST, a Date, or an ISO-8601 time with its zone (2026-01-31T08:00:00Z)';

/** The text is TRIM_HORIZON, LATEST, AT_TIMESTAMP, or seconds since the epoch. */
export function parsePosition(raw: unknown): ParsedValue {
  const unwrapped = unwrap(raw);
  if (typeof unwrapped === 'string' && !/^\d{4}-/.test(unwrapped)) {
    const word = ['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP'].find((known) => known === unwrapped.toUpperCase());
    return word === undefined ? bad('BAD_ENUM', `is not possible. ${HINT}.`) : good(word);
  }
  if (typeof unwrapped === 'number') {
    return bad(
      'WRONG_TYPE',
      `is a bare number, which could mean seconds or milliseconds. ${HINT}, or give seconds as initialPositionInStreamExtended.`,
    );
  }
  return parseTimestamp(unwrapped);
}

/** `{ timestamp }` says the same as the moment alone. */
function unwrap(raw: unknown): unknown {
  return typeof raw === 'object' && raw !== null && 'timestamp' in raw ? raw.timestamp : raw;
}

/** A count of seconds beyond the year 5000 is a count of milliseconds by mistake. */
const SECONDS_MAX = 99_999_999_999;

/** Seconds since the epoch, rounded down: the daemon knows whole seconds only, and an earlier start loses nothing. */
export function parseTimestamp(raw: unknown): ParsedValue {
  const seconds = readSeconds(raw);
  if (seconds === undefined)
    return bad(
      'WRONG_TYPE',
      'is not a moment. Write a Date, an ISO-8601 time with its zone (2026-01-31T08:00:00Z), or whole seconds since the epoch.',
    );
  if (seconds > SECONDS_MAX)
    return bad(
      'OUT_OF_RANGE',
      `lies beyond the year 5000 and looks like milliseconds. Write ${Math.floor(seconds / 1000)}.`,
    );
  return seconds < 0
    ? bad('OUT_OF_RANGE', 'lies before 1970. Write a later moment, or TRIM_HORIZON as initialPositionInStream.')
    : good(String(seconds));
}

function readSeconds(raw: unknown): number | undefined {
  if (typeof raw === 'number') return Number.isSafeInteger(raw) ? raw : undefined;
  if (typeof raw === 'string' && /^\d{1,15}$/.test(raw)) return Number(raw);
  const milliseconds = typeof raw === 'string' ? parseIsoTimestamp(raw) : readDate(raw);
  return milliseconds === undefined ? undefined : Math.floor(milliseconds / 1000);
}
