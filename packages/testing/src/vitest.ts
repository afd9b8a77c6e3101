/**
 * `import '@millrace/testing/vitest'` gives vitest's `expect` the matchers of Millrace.
 *
 * @packageDocumentation
 */
import { expect } from 'vitest';
import type { DeliveredRecord } from './history.js';
import {
  toHaveAbandoned,
  toHaveFiltered,
  toHaveDeduplicated,
  toHaveHandled,
  toHaveParked,
  toHaveRetried,
  toHaveSkipped,
  type MatchResult,
  type ParkedAs,
} from './matchers.js';
import type { Observed } from './observed.js';
import { toBeHeld, toHaveCheckpointed, toHaveLostNothing } from './shard-matchers.js';

/** Matchers of beds and shards, for vitest's `expect`. */
export interface MillraceMatchers {
  /** The handlers of all these records completed; with `not`: of none of them. */
  toHaveHandled(...records: readonly DeliveredRecord[]): void;
  /** The record is in the dead-letter sink and counts as settled. */
  toHaveParked(record: DeliveredRecord, as?: ParkedAs): void;
  /** These records failed and were skipped, or were left out by middleware; with `not`: none of them was. */
  toHaveSkipped(...records: readonly DeliveredRecord[]): void;
  /** These records were left out by the consumer's filter; with `not`: none of them was. */
  toHaveFiltered(...records: readonly DeliveredRecord[]): void;
  /** These records came again under a key that was handled already; with `not`: none of them did. */
  toHaveDeduplicated(...records: readonly DeliveredRecord[]): void;
  /** The latest stored checkpoint is exactly here. */
  toHaveCheckpointed(at: DeliveredRecord | 'SHARD_END'): void;
  /** The record's handler ran again: so many times, or at least once. */
  toHaveRetried(record: DeliveredRecord, times?: number): void;
  /** These records were given up for the next owner of the shard; with `not`: none of them was. */
  toHaveAbandoned(...records: readonly DeliveredRecord[]): void;
  /** The shard, or one shard of the bed, waits with its progress stopped. */
  toBeHeld(): void;
  /** Every delivered record is settled or will come again. */
  toHaveLostNothing(): void;
}

declare module 'vitest' {
  // Augmenting wants an interface with the type parameter that vitest gives it.
  interface Matchers<T> extends MillraceMatchers {}
}

type ForRecords = (observed: Observed, ...records: readonly DeliveredRecord[]) => MatchResult;

/** "Not handled" of several records means none of them: one that is must fail the test. */
function ofRecords(matcher: ForRecords) {
  return function match(
    this: { readonly isNot: boolean },
    observed: Observed,
    ...records: readonly DeliveredRecord[]
  ): MatchResult {
    if (!this.isNot || records.length < 2) return matcher(observed, ...records);
    const results = records.map((record) => matcher(observed, record));
    return results.find(({ pass }) => pass) ?? { pass: false, message: () => '' };
  };
}

expect.extend({
  toHaveHandled: ofRecords(toHaveHandled),
  toHaveSkipped: ofRecords(toHaveSkipped),
  toHaveFiltered: ofRecords(toHaveFiltered),
  toHaveAbandoned: ofRecords(toHaveAbandoned),
  toHaveDeduplicated: ofRecords(toHaveDeduplicated),
  toHaveParked,
  toHaveRetried,
  toHaveCheckpointed,
  toBeHeld,
  toHaveLostNothing,
});
