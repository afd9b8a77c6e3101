import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckpointPolicy, RetryRules } from '../definition/definition.js';
import {
  MillraceError,
  NonRetryableError,
  RecordInProgressError,
  RetryLaterError,
  StopWorkerError,
} from '../errors.js';
import { checkpointDue } from './checkpoint-timing.js';
import { classify } from './classify.js';
import { backoffMs, decide } from './retry.js';
import { Watermark } from './watermark.js';

const policy: RetryRules = {
  attempts: 3,
  initialDelayMs: 100,
  maxDelayMs: 1_000,
  factor: 2,
  timeoutMs: 60_000,
  maxRecordAgeMs: 10_000,
  then: 'deadLetter',
};
const upper = (): number => 0.999_999_999;

describe('classify', () => {
  it.each([
    ['any error', new TypeError('fetch failed'), 'retryable'],
    ['no error at all', 'text', 'retryable'],
    ['null', null, 'retryable'],
    ['a timeout', new MillraceError('HANDLER_TIMEOUT', 'late'), 'retryable'],
    ['RetryLaterError', new RetryLaterError(5), 'retryable'],
    ['NonRetryableError', new NonRetryableError('no'), 'final'],
    ['bad bytes', new MillraceError('DECODE_FAILED', 'no'), 'final'],
    ['a schema mismatch', new MillraceError('VALIDATION_FAILED', 'no'), 'final'],
    ['no handler', new MillraceError('NO_HANDLER_MATCHED', 'no'), 'final'],
    ['a returned value', new MillraceError('HANDLER_RETURNED_VALUE', 'no'), 'final'],
    ['a record in other hands', new RecordInProgressError(5, 'a'), 'elsewhere'],
    ['StopWorkerError', new StopWorkerError('stop'), 'stopWorker'],
  ])('says of %s', (_, error, kind) => {
    expect(classify(error).kind).toBe(kind);
  });

  it.each([
    [-5, 0],
    [Number.POSITIVE_INFINITY, 2_147_483_647],
    // What Number() makes of a date in a Retry-After header: the policy's own delay counts.
    [Number.NaN, undefined],
  ])('takes a delay of %d as one that a timer keeps', (delayMs, kept) => {
    expect(classify(new RetryLaterError(delayMs))).toEqual({ kind: 'retryable', delayMs: kept });
  });
});

describe('decide', () => {
  it('retries with exponential bounds until the attempts are used up', () => {
    const delays = [1, 2].map((attempts) => decide({ policy, attempts, error: new Error(), ageMs: 0 }, upper));
    const end = decide({ policy, attempts: 3, error: new Error(), ageMs: 0 }, upper);

    expect(delays).toEqual([
      { kind: 'retry', delayMs: 99 },
      { kind: 'retry', delayMs: 199 },
    ]);
    expect(end).toEqual({ kind: 'exhausted', then: 'deadLetter', retryable: true, tooOld: false });
  });

  it('lets a record that somebody else has in hand wait, however often and however old', () => {
    const error = new RecordInProgressError(7, 'a');
    expect(decide({ policy, attempts: 99, error, ageMs: 1_000_000 }, upper)).toEqual({ kind: 'wait', delayMs: 7 });
  });

  it('takes the delay that the handler chose, within its attempts', () => {
    expect(decide({ policy, attempts: 1, error: new RetryLaterError(7), ageMs: 0 }, upper)).toEqual({
      kind: 'retry',
      delayMs: 7,
    });
    expect(decide({ policy, attempts: 3, error: new RetryLaterError(7), ageMs: 0 }, upper).kind).toBe('exhausted');
  });

  it('ends at once what cannot be helped, and tells it from an outage', () => {
    expect(decide({ policy, attempts: 1, error: new NonRetryableError('no'), ageMs: 0 }, upper)).toEqual({
      kind: 'exhausted',
      then: 'deadLetter',
      retryable: false,
      tooOld: false,
    });
  });

  it('ends a record over the age limit, and none whose age is unknown', () => {
    expect(decide({ policy, attempts: 1, error: new Error(), ageMs: 10_001 }, upper)).toMatchObject({
      kind: 'exhausted',
      tooOld: true,
    });
    expect(decide({ policy, attempts: 1, error: new Error(), ageMs: 10_000 }, upper).kind).toBe('retry');
    expect(decide({ policy, attempts: 1, error: new Error(), ageMs: undefined }, upper).kind).toBe('retry');
    expect(
      decide({ policy: { ...policy, maxRecordAgeMs: undefined }, attempts: 1, error: new Error(), ageMs: 1e9 }, upper)
        .kind,
    ).toBe('retry');
  });

  it('passes the wish to stop on, whatever the policy', () => {
    expect(decide({ policy, attempts: 1, error: new StopWorkerError('stop'), ageMs: 0 }, upper)).toEqual({
      kind: 'stopWorker',
    });
  });
});

describe('backoffMs', () => {
  it('stays within its bounds at any number of attempts', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempts, chance) => {
          const delayMs = backoffMs({ initialDelayMs: 200, maxDelayMs: 30_000, factor: 2 }, attempts, () => chance);
          return Number.isInteger(delayMs) && delayMs >= 0 && delayMs <= 30_000;
        },
      ),
    );
  });
});

describe('checkpointDue', () => {
  const periodic = (everyMs?: number, everyRecords?: number): CheckpointPolicy => ({
    kind: 'periodic',
    everyMs,
    everyRecords,
  });

  it.each<
    [string, CheckpointPolicy, Parameters<typeof checkpointDue>[1], Parameters<typeof checkpointDue>[2], boolean]
  >([
    ['record: after one', { kind: 'record' }, 'recordSettled', { settled: 1, elapsedMs: 0 }, true],
    ['record: not for nothing', { kind: 'record' }, 'timer', { settled: 0, elapsedMs: 1e6 }, false],
    ['batch: at its end', { kind: 'batch' }, 'batchDone', { settled: 1, elapsedMs: 0 }, true],
    ['batch: not in the middle', { kind: 'batch' }, 'recordSettled', { settled: 9, elapsedMs: 1e6 }, false],
    ['manual: never by itself', { kind: 'manual' }, 'batchDone', { settled: 9, elapsedMs: 1e6 }, false],
    ['time: at the limit', periodic(5_000), 'timer', { settled: 1, elapsedMs: 5_000 }, true],
    ['time: not before', periodic(5_000), 'timer', { settled: 1e6, elapsedMs: 4_999 }, false],
    ['count: at the limit', periodic(undefined, 3), 'recordSettled', { settled: 3, elapsedMs: 0 }, true],
    ['count: not before', periodic(undefined, 3), 'batchDone', { settled: 2, elapsedMs: 1e9 }, false],
    ['both: the first counts', periodic(5_000, 3), 'recordSettled', { settled: 3, elapsedMs: 0 }, true],
  ])('%s', (_, each, moment, since, due) => {
    expect(checkpointDue(each, moment, since)).toBe(due);
  });
});

interface TestSlot {
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  settled: boolean;
}
const slot = (n: number, sub = 0): TestSlot => ({
  sequenceNumber: String(10n ** 55n + BigInt(n)),
  subSequenceNumber: sub,
  settled: false,
});

describe('Watermark', () => {
  it('stands before the first record that is not settled', () => {
    const watermark = new Watermark<TestSlot>();
    const [a, b, c] = [slot(1), slot(2), slot(3)];
    for (const each of [a, b, c]) watermark.deliver(each);

    c.settled = true;
    watermark.advance();
    expect(watermark.position).toBeUndefined();
    a.settled = true;
    watermark.advance();
    expect(watermark.position).toEqual({ sequenceNumber: a.sequenceNumber, subSequenceNumber: 0 });
    expect(watermark.oldest).toBe(b);
    b.settled = true;
    watermark.advance();

    expect(watermark.position).toEqual({ sequenceNumber: c.sequenceNumber, subSequenceNumber: 0 });
    expect(watermark.waiting).toBe(0);
    expect(watermark.oldest).toBeUndefined();
  });

  it('knows a redelivered record: waiting ones give their slot, settled ones say so', () => {
    const watermark = new Watermark<TestSlot>();
    const [a, b] = [slot(1), slot(1, 1)];
    watermark.deliver(a);
    watermark.deliver(b);
    a.settled = true;
    watermark.advance();

    expect(watermark.deliver(slot(1))).toBe('settled');
    expect(watermark.deliver(slot(1, 1))).toBe(b);
    expect(watermark.deliver(slot(2))).toBe('new');
  });

  it('drops what it has passed in lumps, and goes on from there', () => {
    const watermark = new Watermark<TestSlot>();
    const slots = Array.from({ length: 3_000 }, (_, n) => slot(n));
    for (const each of slots) watermark.deliver(each);

    for (const each of slots.slice(0, 2_500)) {
      each.settled = true;
      watermark.advance();
    }

    expect(watermark.waiting).toBe(500);
    expect(watermark.oldest).toBe(slots[2_500]);
    expect([...watermark.pending()]).toEqual(slots.slice(2_500));
  });

  it('is the end of the longest settled prefix, whatever order records settle in', () => {
    const orders = fc.uniqueArray(fc.nat({ max: 2_999 }), { minLength: 1, maxLength: 3_000 });
    fc.assert(
      fc.property(orders, (order) => {
        const watermark = new Watermark<TestSlot>();
        const slots = Array.from({ length: 3_000 }, (_, n) => slot(n));
        for (const each of slots) watermark.deliver(each);
        for (const index of order) {
          const each = slots[index];
          if (each === undefined) continue;
          each.settled = true;
          watermark.advance();
        }
        const first = slots.findIndex((each) => !each.settled);
        const last = first === -1 ? slots.at(-1) : slots[first - 1];
        return (
          watermark.position?.sequenceNumber === last?.sequenceNumber &&
          watermark.waiting === (first === -1 ? 0 : slots.length - first)
        );
      }),
      { numRuns: 30 },
    );
  });
});
