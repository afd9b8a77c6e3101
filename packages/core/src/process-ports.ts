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

/** From the least to the most important, as pino has them. */
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * JSON lines on stderr: stdout may be the daemon's. The level is MILLRACE_LOG_LEVEL, `info` by default. pino is loaded for the first
 * line that is written: a child that has nothing to say starts sooner.
 */
export function stderrLogger(env: Environment, destination?: DestinationStream): Logger {
  const wanted = env['MILLRACE_LOG_LEVEL'] ?? 'info';
  const level = LEVELS.includes(wanted) ? wanted : 'info';
  let opened: Logger | undefined;
  const log = (): Logger => (opened ??= openPino(level, destination));
  const writes = (of: string): boolean => LEVELS.indexOf(of) >= LEVELS.indexOf(level);
  if (level !== wanted) log().warn({ wanted }, `MILLRACE_LOG_LEVEL is no level; use one of ${LEVELS.join(', ')}.`);
  return {
    debug: (fields, message) => (writes('debug') ? log().debug(fields, message) : undefined),
    info: (fields, message) => (writes('info') ? log().info(fields, message) : undefined),
    warn: (fields, message) => (writes('warn') ? log().warn(fields, message) : undefined),
    error: (fields, message) => (writes('error') ? log().error(fields, message) : undefined),
  };
}

function openPino(level: string, destination: DestinationStream | undefined): Logger {
  const { pino } = require('pino') as typeof import('pino');
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination ?? pino.destination({ dest: STDERR, sync: true }),
  );
}
