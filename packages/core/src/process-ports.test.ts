import { expect, it } from 'vitest';
import { stderrLogger } from './process-ports.js';

/** What is written at a level, as `level message`. */
function written(env: Record<string, string>): string[] {
  const lines: string[] = [];
  const logger = stderrLogger(env, { write: (line: string) => void lines.push(line) });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]({ own: 1 }, level);
  return lines.map((line) => {
    const { level, msg } = JSON.parse(line) as { level: number; msg: string };
    return `${level} ${msg}`;
  });
}

it.each([
  ['debug', ['20 debug', '30 info', '40 warn', '50 error']],
  ['info', ['30 info', '40 warn', '50 error']],
  ['error', ['50 error']],
  ['silent', []],
])('writes lines from %s on', (level, expected) => {
  expect(written({ MILLRACE_LOG_LEVEL: level })).toEqual(expected);
});

it('writes from info on where nothing is said, and says so when the level is none', () => {
  expect(written({})).toEqual(['30 info', '40 warn', '50 error']);
  expect(written({ MILLRACE_LOG_LEVEL: 'loud' })).toEqual([
    expect.stringContaining('40 MILLRACE_LOG_LEVEL is no level'),
    '30 info',
    '40 warn',
    '50 error',
  ]);
});
