/** The circuit breaker's options, completed. */
import {
  type At,
  type Callable,
  checkFunction,
  checkNumber,
  checkOptions,
  inside,
  TIMER_MAX_MS,
} from './check-values.js';
import type { CircuitBreakerPolicy } from './definition.js';

const CALLS_MAX = 1_000_000;

const rules = {
  failureRate: { min: 0, max: 1 },
  windowMs: { min: 100, max: TIMER_MAX_MS },
  minimumCalls: { min: 1, max: CALLS_MAX, integer: true },
  openMs: { min: 1, max: TIMER_MAX_MS },
  maxOpenMs: { min: 1, max: TIMER_MAX_MS },
  probes: { min: 1, max: CALLS_MAX, integer: true },
};

const defaults = {
  failureRate: 0.5,
  windowMs: 30_000,
  minimumCalls: 20,
  openMs: 10_000,
  maxOpenMs: 300_000,
  probes: 3,
};

export function checkCircuitBreaker(value: unknown, at: At): CircuitBreakerPolicy | undefined {
  if (value === undefined) return undefined;
  const options = checkOptions(value, [...Object.keys(rules), 'only'], at);
  if (options === undefined) return undefined;
  const number = (name: keyof typeof rules) => checkNumber(options[name], rules[name], { ...at, name });
  const [openMs, maxOpenMs] = [number('openMs'), number('maxOpenMs')];
  const only = checkFunction(options['only'], { ...at, name: 'only' });
  const policy: CircuitBreakerPolicy = {
    failureRate: number('failureRate') ?? defaults.failureRate,
    windowMs: number('windowMs') ?? defaults.windowMs,
    minimumCalls: number('minimumCalls') ?? defaults.minimumCalls,
    openMs: openMs ?? Math.min(defaults.openMs, maxOpenMs ?? Infinity),
    maxOpenMs: maxOpenMs ?? Math.max(defaults.maxOpenMs, openMs ?? 0),
    probes: number('probes') ?? defaults.probes,
    // The types have checked its parameter.
    only: only as (Callable & CircuitBreakerPolicy['only']) | undefined,
  };
  if (policy.failureRate === 0) {
    at.issues.add(
      'BAD_VALUE',
      inside(at, 'failureRate').place,
      'failureRate is 0, which every call reaches. Give the part that has to fail, for example 0.5.',
    );
  }
  if (policy.openMs > policy.maxOpenMs) {
    at.issues.add(
      'BAD_VALUE',
      inside(at, 'openMs').place,
      `openMs (${policy.openMs}) is longer than maxOpenMs (${policy.maxOpenMs}). Raise maxOpenMs.`,
    );
  }
  return Object.freeze(policy);
}
