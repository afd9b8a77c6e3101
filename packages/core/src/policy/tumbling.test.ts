import { describe, expect, it } from 'vitest';
import { isBehind, isOver, windowAt } from './tumbling.js';

describe('the window of a record', () => {
  it.each([
    [0, 60_000, -Infinity, 0],
    [59_999, 60_000, -Infinity, 0],
    [60_000, 60_000, -Infinity, 60_000],
    [1_700_000_012_345, 60_000, 0, 1_699_999_980_000],
    [59_999, 60_000, 60_000, 60_000],
    [61_000, 60_000, 60_000, 60_000],
    [30_000, 60_000, 120_000, 120_000],
  ])(
    'that arrived at %i, of %i ms, with everything emitted until %i, starts at %i',
    (arrivedAt, everyMs, until, startMs) => {
      expect(windowAt(arrivedAt, everyMs, until)).toEqual({ startMs, endMs: startMs + everyMs });
    },
  );

  it('is behind it from its end on; a record without a stamp never is', () => {
    const bounds = { startMs: 0, endMs: 1_000 };
    expect([999, 1_000, undefined].map((at) => isBehind(bounds, at))).toEqual([false, true, false]);
  });

  it('is over by the clock only at the tip of the shard', () => {
    const bounds = { startMs: 0, endMs: 1_000 };
    const cases = [
      [999, 0],
      [1_000, 0],
      [1_000, 1],
      [1_000, undefined],
    ] as const;
    expect(cases.map(([now, behind]) => isOver(bounds, now, behind))).toEqual([false, true, false, false]);
  });
});
