/** What an error says about running the record again. */
import { isMillraceError, RecordInProgressError, RetryLaterError, type ErrorCode } from '../errors.js';

export type Classification =
  /** Worth another attempt; `delayMs` when the handler chose its own delay. */
  | { readonly kind: 'retryable'; readonly delayMs: number | undefined }
  /** Its handler has not run, because somebody else has the record in hand: that is no attempt. */
  | { readonly kind: 'elsewhere'; readonly delayMs: number }
  /** Running it again gives the same: it is parked, held, skipped or stops the worker at once. */
  | { readonly kind: 'final' }
  /** The worker is to end in order; the record stays unsettled. */
  | { readonly kind: 'stopWorker' };

/** The bytes and the schema do not change between attempts, and a returned value is a mistake in the handler's code. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'NON_RETRYABLE',
  'DECODE_FAILED',
  'VALIDATION_FAILED',
  'NO_HANDLER_MATCHED',
  'HANDLER_RETURNED_VALUE',
  'SUSPECT_RECORD',
  'KEY_PARKED',
  'LANE_KEY_FAILED',
]);

const RETRYABLE: Classification = { kind: 'retryable', delayMs: undefined };

/** Everything is worth another attempt unless it says otherwise: a TypeError is as often a network failure as a bug. */
export function classify(error: unknown): Classification {
  if (!isMillraceError(error)) return RETRYABLE;
  if (error instanceof RetryLaterError) return { kind: 'retryable', delayMs: chosenDelay(error.delayMs) };
  if (error instanceof RecordInProgressError) return { kind: 'elsewhere', delayMs: Math.max(0, error.delayMs) };
  if (error.code === 'STOP_WORKER') return { kind: 'stopWorker' };
  return FINAL.has(error.code) ? { kind: 'final' } : RETRYABLE;
}

/** setTimeout turns anything longer into 1 ms. */
const DELAY_MAX_MS = 2_147_483_647;

/** A Retry-After header may hold a date, and `Number()` of it is none: then the policy's own delay counts. */
function chosenDelay(delayMs: number): number | undefined {
  return Number.isNaN(delayMs) ? undefined : Math.min(DELAY_MAX_MS, Math.max(0, delayMs));
}
