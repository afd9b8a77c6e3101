import { expect, it } from 'vitest';
import { checkClock } from './clock-check.js';

const at = (skewMs: number | undefined) => checkClock({ kind: 'known', account: '1', arn: 'a', skewMs }, false);

it.each([
  [0, 'ok', /as at AWS/],
  [30_000, 'ok', /30 s ahead of AWS/],
  [61_000, 'warning', /61 s ahead of AWS/],
  [-61_000, 'warning', /61 s behind AWS/],
  [301_000, 'error', /refuses every signature/],
  [undefined, 'ok', /not compared/],
] as const)('a clock that is off by %s ms', (skewMs, state, text) => {
  const check = at(skewMs);
  expect({ state: check.state, text: check.text }).toEqual({ state, text: expect.stringMatching(text) });
});

it('hears the time from a refusal too, and does not care on this machine', () => {
  expect(checkClock({ kind: 'refused', why: 'expired', skewMs: 400_000 }, false).state).toBe('error');
  expect(checkClock(undefined, true).text).toContain('check no signature');
});
