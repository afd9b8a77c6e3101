/** The real clock, chance and log of a process. */
import { performance } from 'node:perf_hooks';
import type { DestinationStream } from 'pino';
import { require } from './common-js.js';
import type { Environment } from './definition/definition.js';
import type { Clock, Logger } from './ports.js';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, callback) {
    // setTimeout fires at once above its 32-bit limit; no wait of ours means less than "very long" by such a number.
    const timer = setTimeout(callback, Math.min(delayMs, MAX_TIMER_MS));
    return { cancel: () => clearTimeout(timer) };
  },
};

const MAX_TIMER_MS = 2 ** 31 - 1;
const STDERR = 2;

/** JSON lines on stderr: stdout may be the daemon's. The level is MILLRACE_LOG_LEVEL, `info` by default. */
export function stderrLogger(env: Environment, destination?: DestinationStream): Logger {
  const { pino } = require('pino') as typeof import('pino');
  const level = env['MILLRACE_LOG_LEVEL'] ?? 'info';
  const known = level === 'silent' || level in pino.levels.values;
  const log = pino(
    { level: known ? level : 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination ?? pino.destination({ dest: STDERR, sync: true }),
  );
  if (!known)
    log.warn(
      { level },
      `MILLRACE_LOG_LEVEL is no level; use one of ${Object.keys(pino.levels.values).join(', ')} or silent.`,
    );
  return log;
}
