/** What follows a failed attempt: another one after a delay, or the end that the policy names. */
import type { Exhausted, RetryRules } from '../definition/definition.js';
import type { Random } from '../ports.js';
import { classify } from './classify.js';

export interface FailedAttempt {
  readonly policy: RetryRules;
  /** False: an override says that running again cannot help. @defaultValue true */
  readonly retryable?: boolean;
  /** How many times the record has run, this failure included. */
  readonly attempts: number;
  readonly error: unknown;
  /** Milliseconds since the record arrived at Kinesis; undefined when the daemon did not say. */
  readonly ageMs: number | undefined;
}

export type Decision =
  | { readonly kind: 'retry'; readonly delayMs: number }
  /** Looked at again after a delay, however often and however old: the attempt does not count. */
  | { readonly kind: 'wait'; readonly delayMs: number }
  /** `retryable` tells a whole outage from a poison record; `tooOld` that the age limit ended it, not the attempts. */
  | { readonly kind: 'exhausted'; readonly then: Exhausted; readonly retryable: boolean; readonly tooOld: boolean }
  | { readonly kind: 'stopWorker' };

export function decide(failed: FailedAttempt, random: Random): Decision {
  const { policy, attempts, ageMs } = failed;
  const classification = classify(failed.error);
  if (classification.kind === 'stopWorker') return { kind: 'stopWorker' };
  if (classification.kind === 'elsewhere') return { kind: 'wait', delayMs: classification.delayMs };
  if (classification.kind === 'final' || failed.retryable === false)
    return { kind: 'exhausted', then: policy.then, retryable: false, tooOld: false };
  const tooOld = policy.maxRecordAgeMs !== undefined && ageMs !== undefined && ageMs > policy.maxRecordAgeMs;
  if (tooOld || attempts >= policy.attempts) return { kind: 'exhausted', then: policy.then, retryable: true, tooOld };
  return { kind: 'retry', delayMs: classification.delayMs ?? backoffMs(policy, attempts, random) };
}

export interface Backoff {
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
}

/** Full jitter: anything between nothing and the exponential bound, so that many shards do not come back at once. */
export function backoffMs(backoff: Backoff, attempts: number, random: Random): number {
  const bound = Math.min(backoff.maxDelayMs, backoff.initialDelayMs * backoff.factor ** Math.max(0, attempts - 1));
  return Math.floor(random() * bound);
}
