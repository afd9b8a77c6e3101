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
import { checkOverrides, completeOverride, delayRules, exhausted, type PartialOverride } from './check-overrides.js';
import type {
  CheckpointPolicy,
  DeadLetter,
  RetryPolicy,
  RetryRules,
  SinkDescription,
  SinkSource,
} from './definition.js';
import { oneOf, show } from './issues.js';

const retryRules = {
  ...delayRules,
  timeoutMs: { min: 1, max: TIMER_MAX_MS },
  maxRecordAgeMs: { min: 1 },
} satisfies Partial<Record<keyof RetryRules, NumberRule>>;

const retryNames = [...Object.keys(retryRules), 'then', 'overrides'];

const retryDefaults = {
  attempts: 5,
  initialDelayMs: 200,
  maxDelayMs: 30_000,
  factor: 2,
  timeoutMs: 60_000,
  maxRecordAgeMs: undefined,
} as const satisfies Omit<RetryRules, 'then'>;

const checkpointDefault: CheckpointPolicy = Object.freeze({
  kind: 'periodic',
  everyMs: 5000,
  everyRecords: undefined,
});

/** What stands in one declaration, wrong values left out; undefined when nothing was declared. */
export type PartialRetry = { readonly [K in keyof RetryRules]: RetryRules[K] | undefined } & {
  readonly overrides: readonly PartialOverride[] | undefined;
};

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
    overrides: checkOverrides(options['overrides'], inside(at, 'overrides')),
  };
}

/** One complete policy out of declarations, the nearest first; `at` is where the nearest stands. */
export function completeRetry(layers: readonly (PartialRetry | undefined)[], hasSink: boolean, at: At): RetryPolicy {
  const pick = <K extends keyof PartialRetry>(name: K) => layers.find((layer) => layer?.[name] !== undefined)?.[name];
  const rules: RetryRules = {
    attempts: pick('attempts') ?? retryDefaults.attempts,
    initialDelayMs: pick('initialDelayMs') ?? retryDefaults.initialDelayMs,
    maxDelayMs: pick('maxDelayMs') ?? retryDefaults.maxDelayMs,
    factor: pick('factor') ?? retryDefaults.factor,
    timeoutMs: pick('timeoutMs') ?? retryDefaults.timeoutMs,
    maxRecordAgeMs: pick('maxRecordAgeMs') ?? retryDefaults.maxRecordAgeMs,
    then: pick('then') ?? (hasSink ? 'deadLetter' : 'hold'),
  };
  checkTogether(rules, hasSink, at);
  const overrides = (pick('overrides') ?? []).map((partial, index) => {
    const override = completeOverride(partial, rules);
    // What the policy itself says wrongly has been told.
    if (partial.maxDelayMs !== undefined || partial.initialDelayMs !== undefined || partial.then !== undefined)
      checkTogether(override.rules, hasSink, inside(inside(at, 'overrides'), String(index)));
    return override;
  });
  return Object.freeze({ ...rules, overrides: Object.freeze(overrides) });
}

function checkTogether({ initialDelayMs, maxDelayMs, then }: RetryRules, hasSink: boolean, at: At): void {
  if (initialDelayMs > maxDelayMs) {
    at.issues.add(
      'BAD_VALUE',
      inside(at, 'initialDelayMs').place,
      `initialDelayMs (${initialDelayMs}) is longer than maxDelayMs (${maxDelayMs}). Raise maxDelayMs.`,
    );
  }
  if (then === 'deadLetter' && !hasSink) {
    at.issues.add(
      'OPTIONS_EXCLUDE',
      inside(at, 'then').place,
      "then: 'deadLetter' needs a sink. Declare a dead letter in the same place, or choose 'hold', 'stop' or 'skip'.",
    );
  }
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
