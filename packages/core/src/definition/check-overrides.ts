/** Retry rules for some errors: checked one by one, and completed out of the policy that they stand in. */
import {
  type At,
  type Callable,
  checkChoice,
  checkNumber,
  checkOptions,
  inside,
  type NumberRule,
  TIMER_MAX_MS,
} from './check-values.js';
import { isClass } from './classes.js';
import type { ErrorClass, ErrorPattern, RetryOverride, RetryRules } from './definition.js';
import { show } from './issues.js';

/** What a policy and its overrides say alike. */
export const delayRules = {
  attempts: { min: 1, integer: true },
  initialDelayMs: { min: 0, max: TIMER_MAX_MS },
  maxDelayMs: { min: 0, max: TIMER_MAX_MS },
  factor: { min: 1 },
} satisfies Partial<Record<keyof RetryRules, NumberRule>>;

export const exhausted = ['deadLetter', 'hold', 'stop', 'skip'] as const;

type Overridable = keyof typeof delayRules | 'then';

/** What stands in one override, wrong values left out. */
export type PartialOverride = { readonly [K in Overridable]: RetryRules[K] | undefined } & {
  readonly error: ErrorPattern | undefined;
  readonly retryable: boolean;
};

const overrideNames = ['error', 'retryable', ...Object.keys(delayRules), 'then'];

export function checkOverrides(value: unknown, at: At): readonly PartialOverride[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) {
    at.issues.add(
      'BAD_VALUE',
      at.place,
      `overrides must be an array such as [{ error: ThrottlingError, attempts: 20 }], not ${show(value)}.`,
    );
    return undefined;
  }
  return value.flatMap((one: unknown, index) => checkOverride(one, inside(at, String(index))) ?? []);
}

function checkOverride(value: unknown, at: At): PartialOverride | undefined {
  const options = checkOptions(value ?? null, overrideNames, at);
  if (options === undefined) return undefined;
  const number = (name: keyof typeof delayRules) => checkNumber(options[name], delayRules[name], { ...at, name });
  const { retryable } = options;
  if (retryable !== undefined && retryable !== false) {
    at.issues.add(
      'BAD_VALUE',
      inside(at, 'retryable').place,
      `retryable must be false, not ${show(retryable)}: errors are worth another try unless something says otherwise. Leave it out.`,
    );
  }
  return {
    error: checkPattern(options['error'], inside(at, 'error')),
    retryable: retryable !== false,
    attempts: number('attempts'),
    initialDelayMs: number('initialDelayMs'),
    maxDelayMs: number('maxDelayMs'),
    factor: number('factor'),
    then: checkChoice(options['then'], exhausted, { ...at, name: 'then' }),
  };
}

function checkPattern(error: unknown, at: At): ErrorPattern | undefined {
  if (typeof error === 'string' && error !== '') return Object.freeze({ kind: 'name', name: error });
  if (isErrorClass(error)) return Object.freeze({ kind: 'class', target: error });
  if (isClass(error)) {
    at.issues.add(
      'BAD_VALUE',
      at.place,
      `error names the class ${error.name}, which does not extend Error; whatever else is thrown is wrapped into one. Give a function of the error, for example (error) => error.cause instanceof ${error.name}.`,
    );
    return undefined;
  }
  if (typeof error === 'function') {
    // The types have checked its parameter; a JavaScript caller's mistake shows when it is called.
    return Object.freeze({ kind: 'predicate', fits: error as Callable as (error: Error) => boolean });
  }
  const found = error === undefined ? 'error is missing' : `error must not be ${show(error)}`;
  at.issues.add(
    'BAD_VALUE',
    at.place,
    `${found}. Say which errors are meant: a class, the code or name of an error, or a function of the error.`,
  );
  return undefined;
}

function isErrorClass(value: unknown): value is ErrorClass {
  return typeof value === 'function' && (value === Error || value.prototype instanceof Error);
}

/** Reported as a mistake already; the definition is never built with it. */
const NOTHING: ErrorPattern = Object.freeze({ kind: 'predicate', fits: () => false });

export function completeOverride(partial: PartialOverride, rules: RetryRules): RetryOverride {
  const { error = NOTHING, retryable } = partial;
  return Object.freeze({
    error,
    retryable,
    rules: Object.freeze({
      ...rules,
      attempts: partial.attempts ?? rules.attempts,
      initialDelayMs: partial.initialDelayMs ?? Math.min(rules.initialDelayMs, partial.maxDelayMs ?? Infinity),
      maxDelayMs: partial.maxDelayMs ?? Math.max(rules.maxDelayMs, partial.initialDelayMs ?? 0),
      factor: partial.factor ?? rules.factor,
      then: partial.then ?? rules.then,
    }),
  });
}
