/** Errors and events as plain data, for everything that crosses a process border. */
import { ERROR_CODES, isMillraceError, MillraceError, type ErrorCode } from '../errors.js';
import type { SessionEvent } from '../events.js';

/** An error without what JSON cannot carry. */
export interface ErrorData {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
}

type WithPlainError<E> = E extends { readonly error: Error }
  ? Omit<E, 'error'> & { readonly error: ErrorData }
  : E extends { readonly error: Error | undefined }
    ? Omit<E, 'error'> & { readonly error: ErrorData | undefined }
    : E;

/** A SessionEvent whose error is plain data. */
export type PlainSessionEvent = SessionEvent extends infer E ? WithPlainError<E> : never;

export function plainError(error: Error): ErrorData {
  return { name: error.name, code: isMillraceError(error) ? error.code : undefined, message: error.message };
}

/** The error again on the other side, with its code; what was no error of ours is one that a handler let through. */
export function revivedError({ name, code, message }: ErrorData): MillraceError {
  if (code !== undefined && Object.hasOwn(ERROR_CODES, code)) return new MillraceError(code as ErrorCode, message);
  return new MillraceError('HANDLER_FAILED', `${name}: ${message}`);
}

export function plainEvent(event: SessionEvent): PlainSessionEvent {
  // The one member that differs is replaced, whatever the kind; TypeScript cannot follow that through the union.
  const plain = 'error' in event && event.error instanceof Error ? { ...event, error: plainError(event.error) } : event;
  return plain as PlainSessionEvent;
}
