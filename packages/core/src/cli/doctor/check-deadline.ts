/** No check keeps the others waiting. */
import type { Clock } from '../../ports.js';
import { atMost } from '../../runtime/race.js';
import { failed, type Check } from './check.js';

export const CHECK_WITHIN_MS = 9_000;

export async function inTime(name: string, check: () => Promise<Check>, clock: Clock): Promise<Check> {
  const raced = await atMost(check(), { clock, limitMs: CHECK_WITHIN_MS });
  return raced.kind === 'done' ? raced.value : failed(name, `No answer within ${CHECK_WITHIN_MS / 1000} s.`);
}
