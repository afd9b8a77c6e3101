import { describe, expect, it } from 'vitest';
import type { ErrorPattern, RetryPolicy } from '../definition/definition.js';
import { MillraceError, NonRetryableError, RetryLaterError } from '../errors.js';
import { judge } from './overrides.js';
import { decide } from './retry.js';

class Throttled extends Error {
  readonly code = 'THROTTLED';
}
class Slow extends Throttled {}

const policy: RetryPolicy = {
  attempts: 3,
  initialDelayMs: 100,
  maxDelayMs: 1_000,
  factor: 2,
  timeoutMs: 60_000,
  maxRecordAgeMs: undefined,
  then: 'deadLetter',
  overrides: [],
};

function policyWith(...errors: readonly ErrorPattern[]): RetryPolicy {
  const overrides = errors.map((error, index) => ({
    error,
    retryable: true,
    rules: { ...policy, attempts: 10 + index },
  }));
  return { ...policy, overrides };
}

const ofClass: ErrorPattern = { kind: 'class', target: Throttled };
const named = (name: string): ErrorPattern => ({ kind: 'name', name });
const asked = (fits: (error: Error) => boolean): ErrorPattern => ({ kind: 'predicate', fits });
const attemptsFor = (one: RetryPolicy, error: Error): number => judge(one, error, () => undefined).rules.attempts;
const bitesItsTail = new Error('a');
bitesItsTail.cause = bitesItsTail;

describe('the rules for an error', () => {
  it.each<[string, ErrorPattern, Error, boolean]>([
    ['an instance of the class', ofClass, new Throttled(), true],
    ['an instance of a subclass', ofClass, new Slow(), true],
    ['another error', ofClass, new Error('no'), false],
    [
      'an error that the class has caused',
      ofClass,
      new Error('a', { cause: new Error('b', { cause: new Slow() }) }),
      true,
    ],
    ['a cause that is no error', ofClass, new Error('a', { cause: 'THROTTLED' }), false],
    ['its code', named('THROTTLED'), new Throttled(), true],
    ['its name', named('RangeError'), new RangeError('no'), true],
    ['the code of a cause', named('THROTTLED'), new RangeError('no', { cause: new Throttled() }), true],
    ['the code of one of ours', named('HANDLER_TIMEOUT'), new MillraceError('HANDLER_TIMEOUT', 'late'), true],
    ['a part of its name', named('Range'), new RangeError('no'), false],
    ['a function that says yes', asked(({ message }) => message === 'a'), new Error('a'), true],
    ['a function that says no', asked(({ message }) => message === 'a'), new Error('b'), false],
    ['a chain of causes that has no end', named('x'), bitesItsTail, false],
  ])('are those of the override for %s: %#', (_, pattern, error, fits) => {
    expect(attemptsFor(policyWith(pattern), error)).toBe(fits ? 10 : 3);
  });

  it('are those of the first override that fits', () => {
    const several = policyWith(named('x'), ofClass, named('THROTTLED'));

    expect(attemptsFor(several, new Throttled())).toBe(11);
  });

  it('do not come from a function that throws, and it is heard of', () => {
    const thrown: unknown[] = [];
    const error = new Error('in the predicate');
    const broken = asked(() => {
      throw error;
    });

    const { rules } = judge(policyWith(broken, named('Error')), new Error('a'), (one) => thrown.push(one));

    expect(rules.attempts).toBe(11);
    expect(thrown).toEqual([error]);
  });

  it('a function that gives a promise has not said yes', () => {
    // What a JavaScript caller may write.
    const promises = asked((async () => true) as unknown as () => boolean);

    expect(attemptsFor(policyWith(promises), new Error('a'))).toBe(3);
  });
});

describe('with overrides', () => {
  const decided = (override: Partial<RetryPolicy['overrides'][number]>, error: Error, attempts = 1) => {
    const one = { error: named(error.name), retryable: true, rules: policy, ...override };
    const { rules, retryable } = judge({ ...policy, overrides: [one] }, error, () => undefined);
    return decide({ policy: rules, retryable, attempts, error, ageMs: undefined }, () => 0.999_999);
  };

  it('an error that cannot be helped ends at once, as its rules say', () => {
    expect(decided({ retryable: false, rules: { ...policy, then: 'skip' } }, new RangeError('no'))).toEqual({
      kind: 'exhausted',
      then: 'skip',
      retryable: false,
      tooOld: false,
    });
  });

  it('more attempts do not help what cannot be helped anyway', () => {
    expect(decided({ rules: { ...policy, attempts: 99, then: 'hold' } }, new NonRetryableError('no'))).toMatchObject({
      kind: 'exhausted',
      then: 'hold',
      retryable: false,
    });
  });

  it('RetryLaterError keeps its own delay within the attempts of its rules', () => {
    const rules = { ...policy, attempts: 50 };

    expect(decided({ rules }, new RetryLaterError(7), 49)).toEqual({ kind: 'retry', delayMs: 7 });
    expect(decided({ rules }, new RetryLaterError(7), 50).kind).toBe('exhausted');
  });
});
