/** Retry, checkpoint and dead-letter declarations: checked one by one; completed together, because `then` needs the sink. */
import {
  type At,
  checkChoice,
  checkNumber,
  checkOptions,
  inside,
  type NumberRule,
  TIMER_MAX_MS,
} from './check-values.js';
import type { DeclaredDeadLetter } from './declared.js';
import type { CheckpointPolicy, DeadLetter, RetryPolicy, SinkDescription, SinkSource } from './definition.js';
import type { RetryOptions } from './handler-options.js';
import { oneOf, show } from './issues.js';

const retryRules = {
  attempts: { min: 1, integer: true },
  initialDelayMs: { min: 0, max: TIMER_MAX_MS },
  maxDelayMs: { min: 0, max: TIMER_MAX_MS },
  factor: { min: 1 },
  timeoutMs: { min: 1, max: TIMER_MAX_MS },
  maxRecordAgeMs: { min: 1 },
} satisfies Partial<Record<keyof RetryPolicy, NumberRule>>;

const retryNames = [...Object.keys(retryRules), 'then'];
const exhausted = ['deadLetter', 'hold', 'stop', 'skip'] as const;

const retryDefaults = {
  attempts: 5,
  initialDelayMs: 200,
  maxDelayMs: 30_000,
  factor: 2,
  timeoutMs: 60_000,
  maxRecordAgeMs: undefined,
} as const satisfies Omit<RetryPolicy, 'then'>;

const checkpointDefault: CheckpointPolicy = Object.freeze({
  kind: 'periodic',
  everyMs: 5000,
  everyRecords: undefined,
});

/** What stands in one declaration, wrong values left out; undefined when nothing was declared. */
export type PartialRetry = { readonly [K in keyof RetryOptions]: RetryOptions[K] | undefined };

export function checkRetry(value: unknown, at: At): PartialRetry | undefined {
  if (value === undefined) return undefined;
  const options = checkOptions(value, retryNames, at);
  if (options === undefined) return undefined;
  const number = (name: keyof typeof retryRules) => checkNumber(options[name], retryRules[name], { ...at, name });
  return {
    attempts: number('attempts'),
    initialDelayMs: number('initialDelayMs'),
    maxDelayMs: number('maxDelayMs'),
    factor: number('factor'),
    timeoutMs: number('timeoutMs'),
    maxRecordAgeMs: number('maxRecordAgeMs'),
    then: checkChoice(options['then'], exhausted, { ...at, name: 'then' }),
  };
}

/** One complete policy out of declarations, the nearest first; `at` is where the nearest stands. */
export function completeRetry(layers: readonly (PartialRetry | undefined)[], hasSink: boolean, at: At): RetryPolicy {
  const pick = <K extends keyof RetryPolicy>(name: K) => layers.find((layer) => layer?.[name] !== undefined)?.[name];
  const policy: RetryPolicy = {
    attempts: pick('attempts') ?? retryDefaults.attempts,
    initialDelayMs: pick('initialDelayMs') ?? retryDefaults.initialDelayMs,
    maxDelayMs: pick('maxDelayMs') ?? retryDefaults.maxDelayMs,
    factor: pick('factor') ?? retryDefaults.factor,
    timeoutMs: pick('timeoutMs') ?? retryDefaults.timeoutMs,
    maxRecordAgeMs: pick('maxRecordAgeMs') ?? retryDefaults.maxRecordAgeMs,
    then: pick('then') ?? (hasSink ? 'deadLetter' : 'hold'),
  };
  if (policy.initialDelayMs > policy.maxDelayMs) {
    at.issues.add(
      'BAD_VALUE',
      inside(at, 'initialDelayMs').place,
      `initialDelayMs (${policy.initialDelayMs}) is longer than maxDelayMs (${policy.maxDelayMs}). Raise maxDelayMs.`,
    );
  }
  if (policy.then === 'deadLetter' && !hasSink) {
    at.issues.add(
      'OPTIONS_EXCLUDE',
      inside(at, 'then').place,
      "then: 'deadLetter' needs a sink. Declare a dead letter in the same place, or choose 'hold', 'stop' or 'skip'.",
    );
  }
  return Object.freeze(policy);
}

const simplePolicies = ['record', 'batch', 'manual'] as const;

export function checkCheckpoint(value: unknown, at: At): CheckpointPolicy {
  if (value === undefined) return checkpointDefault;
  const simple = simplePolicies.find((policy) => policy === value);
  if (simple !== undefined) return Object.freeze({ kind: simple });
  if (typeof value !== 'object') {
    at.issues.add(
      'BAD_VALUE',
      at.place,
      `the policy must be ${oneOf(simplePolicies)}, or an object with everyMs or everyRecords, not ${show(value)}.`,
    );
    return checkpointDefault;
  }
  const options = checkOptions(value, ['everyMs', 'everyRecords'], at);
  if (options === undefined) return checkpointDefault;
  const { everyMs, everyRecords } = options;
  if (everyMs === undefined && everyRecords === undefined) {
    at.issues.add('BAD_VALUE', at.place, 'the policy says neither everyMs nor everyRecords. Say at least one of them.');
  }
  return Object.freeze({
    kind: 'periodic',
    everyMs: checkNumber(everyMs, { min: 1, max: TIMER_MAX_MS }, { ...at, name: 'everyMs' }),
    everyRecords: checkNumber(everyRecords, { min: 1, integer: true }, { ...at, name: 'everyRecords' }),
  });
}

export function checkDeadLetter(declared: DeclaredDeadLetter | undefined, at: At): DeadLetter | undefined {
  if (declared === undefined) return undefined;
  const options = checkOptions(declared.options, ['sameKey'], at) ?? {};
  const sameKey = checkChoice(options['sameKey'], ['continue', 'hold'], { ...at, name: 'sameKey' });
  const sink = checkSink(declared.sink, at);
  return sink === undefined ? undefined : Object.freeze({ sink, sameKey: sameKey ?? 'continue' });
}

function checkSink(sink: unknown, at: At): SinkSource | undefined {
  if (isDescription(sink)) return Object.freeze({ kind: 'description', description: sink });
  const opened = typeof sink === 'object' && sink !== null && 'write' in sink;
  // Containers other than tsyringe may use any value as a token, so only what can be none is refused.
  const token = sink !== undefined && sink !== null && sink !== '' && typeof sink !== 'boolean' && !opened;
  if (token) return Object.freeze({ kind: 'token', token: sink });
  at.issues.add(
    'BAD_VALUE',
    inside(at, 'sink').place,
    `the sink must be a description such as file({ directory: './parked' }), or an injection token, not ${
      opened ? 'an opened sink: register it in the container and give its token here' : show(sink)
    }.`,
  );
  return undefined;
}

function isDescription(value: unknown): value is SinkDescription {
  return typeof value === 'object' && value !== null && 'sink' in value && value.sink === 'millrace.sink';
}
