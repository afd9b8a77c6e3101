/** Which rules count for an error: those of the first override that fits it, else the policy's own. */
import type { ErrorPattern, RetryOverride, RetryPolicy, RetryRules } from '../definition/definition.js';

export interface Judged {
  readonly rules: RetryRules;
  /** False: an override says that running again cannot help. */
  readonly retryable: boolean;
}

/** Wrapped more often than this is a chain that bites its tail. */
const CAUSES_MAX = 10;

/** @param broken - hears what a function of the user threw; such a function does not fit. */
export function judge(policy: RetryPolicy, error: Error, broken: (thrown: unknown) => void): Judged {
  const override = policy.overrides.find(({ error: pattern }: RetryOverride) => fits(pattern, error, broken));
  return override ?? { rules: policy, retryable: true };
}

function fits(pattern: ErrorPattern, error: Error, broken: (thrown: unknown) => void): boolean {
  switch (pattern.kind) {
    case 'class':
      return withCauses(error).some((one) => one instanceof pattern.target);
    case 'name':
      return withCauses(error).some((one) => one.name === pattern.name || codeOf(one) === pattern.name);
    case 'predicate':
      return says(pattern.fits, error, broken);
    default:
      return pattern satisfies never;
  }
}

/** Asks a function of the user; only `true` is a yes, because a promise is none. */
export function says(ask: (error: Error) => unknown, error: Error, broken: (thrown: unknown) => void): boolean {
  try {
    return ask(error) === true;
  } catch (thrown) {
    broken(thrown);
    return false;
  }
}

/** Clients wrap what they got from the wire, and consumers wrap what they got from clients. */
function withCauses(error: Error): readonly Error[] {
  const chain: Error[] = [];
  for (let one: unknown = error; one instanceof Error && chain.length < CAUSES_MAX; one = one.cause) chain.push(one);
  return chain;
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
}
