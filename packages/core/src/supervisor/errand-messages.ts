/** What passes between a supervisor and the process that it sends on errands: structured clones. */
import { ConfigurationError, isMillraceError, MillraceError, toError, type ErrorCode, type Issue } from '../errors.js';
import type { ErrandOrder } from './errands.js';

export type ToErrand =
  | { readonly kind: 'order'; readonly id: number; readonly order: ErrandOrder }
  | { readonly kind: 'abort'; readonly id: number };

export type FromErrand =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SentError };

/** An error with everything that a user is to see of it. */
export interface SentError {
  readonly code: ErrorCode | undefined;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly issues: readonly Issue[] | undefined;
  readonly cause: SentError | undefined;
}

const CAUSES_MAX = 5;

export function sentError(thrown: unknown, depth = 0): SentError {
  const error = toError(thrown);
  const { name, message, stack, cause } = error;
  return {
    code: isMillraceError(error) ? error.code : undefined,
    name,
    message,
    stack,
    details: isMillraceError(error) ? plain(error.details) : {},
    issues: error instanceof ConfigurationError ? error.issues : undefined,
    cause: cause === undefined || depth === CAUSES_MAX ? undefined : sentError(cause, depth + 1),
  };
}

export function receivedError({ code, name, message, stack, details, issues, cause }: SentError): Error {
  if (issues !== undefined) return new ConfigurationError(issues);
  const options = cause === undefined ? {} : { cause: receivedError(cause) };
  if (code !== undefined) return new MillraceError(code, message, { ...options, details });
  const error = new Error(message, options);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Details hold facts; whatever else is in them does not get through a clone. */
function plain(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(JSON.stringify(details)) as Readonly<Record<string, unknown>>;
  } catch {
    // A cycle, or a number that JSON does not know: the message says it all the same.
    return {};
  }
}
