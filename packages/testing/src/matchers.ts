/** What tests expect of a bed or a shard, as plain functions: vitest gets them from `@millrace/testing/vitest`, others use `check`. */
import { MillraceError, type DeadLetterEntry, type SettledHow } from '@millrace/core';
import { HistoryNames } from './history-names.js';
import type { DeliveredRecord } from './history.js';
import type { Observed } from './observed.js';
import { describeRecord, factsOf, type RecordFacts } from './record-state.js';

export interface MatchResult {
  readonly pass: boolean;
  /** Why it does not hold; when it holds, why its opposite does not. */
  readonly message: () => string;
}

export interface ParkedAs {
  /** In the message, the name or the code of the error or of one of its causes. */
  readonly reason?: string | RegExp;
  /** How often its handler ran. */
  readonly attempts?: number;
}

/** Throws what a matcher says when it does not hold: `check(toHaveHandled(bed, a))` for node:test, Jest and others. @throws EXPECTATION_FAILED */
export function check({ pass, message }: MatchResult): void {
  if (!pass) throw new MillraceError('EXPECTATION_FAILED', message());
}

const REVEALED = new WeakSet<Observed>();

/** The same bed or shard, for matchers whose messages show the beginning of payloads. */
export function reveal(observed: Observed): Observed {
  const revealed: Observed = { history: observed.history, delivered: observed.delivered, shardId: observed.shardId };
  REVEALED.add(revealed);
  return revealed;
}

/** The handlers of all these records completed. */
export function toHaveHandled(observed: Observed, ...records: readonly DeliveredRecord[]): MatchResult {
  return settledAs(observed, records, 'handled');
}

/** Middleware left the handler out (`next.skip`), or the records failed and were skipped (`then: 'skip'`). */
export function toHaveSkipped(observed: Observed, ...records: readonly DeliveredRecord[]): MatchResult {
  return settledAs(observed, records, 'skipped');
}

/** These records fit no pattern of `@Filter` and were settled without a handler. */
export function toHaveFiltered(observed: Observed, ...records: readonly DeliveredRecord[]): MatchResult {
  return settledAs(observed, records, 'filtered');
}

/** These records have come again under a key that was handled already, so their handlers did not run. */
export function toHaveDeduplicated(observed: Observed, ...records: readonly DeliveredRecord[]): MatchResult {
  return settledAs(observed, records, 'deduplicated');
}

/** The record is in the dead-letter sink and counts as settled; optionally for this reason, after so many attempts. */
export function toHaveParked(observed: Observed, record: DeliveredRecord, as: ParkedAs = {}): MatchResult {
  return eachRecord(observed, [record], {
    expected: `to be parked${wanted(as)}`,
    holds: ({ settled, parked }) => settled.includes('parked') && parked.some((entry) => fits(entry, as)),
    instead: (facts) => {
      const last = facts.parked.at(-1);
      if (last === undefined || !facts.settled.includes('parked')) return facts.state;
      const [outermost] = last.causes;
      return `it was parked after ${last.attempts} attempts because of ${outermost?.name ?? 'nothing'}: ${outermost?.message ?? ''}`;
    },
  });
}

/** The record's handler ran again: `times` times, or at least once. */
export function toHaveRetried(observed: Observed, record: DeliveredRecord, times?: number): MatchResult {
  return eachRecord(observed, [record], {
    expected: `to have run again ${times === undefined ? 'at least once' : `${times} times`}`,
    holds: ({ retries }) => (times === undefined ? retries > 0 : retries === times),
    instead: ({ retries, state }) => `it ran again ${retries} times; ${state}`,
  });
}

/** These records were given up by a session, for the next owner of the shard to do again. */
export function toHaveAbandoned(observed: Observed, ...records: readonly DeliveredRecord[]): MatchResult {
  return eachRecord(observed, records, {
    expected: 'to be abandoned',
    holds: ({ abandoned }) => abandoned,
    instead: ({ state }) => state,
  });
}

function settledAs(observed: Observed, records: readonly DeliveredRecord[], how: SettledHow): MatchResult {
  return eachRecord(observed, records, {
    expected: `to be ${how}`,
    holds: ({ settled }) => settled.includes(how),
    instead: ({ state }) => state,
  });
}

interface Expectation {
  /** After `expected #1 (...)`. */
  readonly expected: string;
  readonly holds: (facts: RecordFacts) => boolean;
  /** After `but`. */
  readonly instead: (facts: RecordFacts) => string;
}

function eachRecord(observed: Observed, records: readonly DeliveredRecord[], expectation: Expectation): MatchResult {
  const { expected, holds, instead } = expectation;
  if (records.length === 0)
    throw new MillraceError(
      'TEST_MISUSED',
      'This matcher wants at least one record: without any it would hold always.',
    );
  const { entries } = observed.history;
  const all = records.map((record) => ({ record, facts: factsOf(record.id, entries) }));
  const failing = all.filter(({ facts }) => !holds(facts));
  const message = (): string => {
    const names = new HistoryNames(entries);
    const lines = (failing.length === 0 ? all : failing).map(({ record, facts }) => {
      const who = describeRecord(record, names, REVEALED.has(observed));
      return `Expected ${who} ${failing.length === 0 ? 'not ' : ''}${expected}, but ${names.within(instead(facts))}.`;
    });
    return lines.join('\n');
  };
  return { pass: failing.length === 0, message };
}

function fits(entry: DeadLetterEntry, { reason, attempts }: ParkedAs): boolean {
  const texts = entry.causes.flatMap(({ name, code, message }) => [message, name, code ?? '']);
  const because =
    reason === undefined ||
    texts.some((text) => (typeof reason === 'string' ? text.includes(reason) : text.search(reason) >= 0));
  return because && (attempts === undefined || entry.attempts === attempts);
}

function wanted({ reason, attempts }: ParkedAs): string {
  const after = attempts === undefined ? '' : ` after ${attempts} attempts`;
  return reason === undefined
    ? after
    : `${after} because of ${typeof reason === 'string' ? `"${reason}"` : String(reason)}`;
}
