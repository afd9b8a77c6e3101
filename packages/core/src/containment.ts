/**
 * Errors that nobody awaits. Node ends a process for them; here the record whose code they came from fails instead, as
 * far as its asynchronous context tells which one that was. The rest is logged, and three within a minute end the worker
 * in order: a program that fails where nobody looks is not one to checkpoint with.
 */
import { MillraceError, toError } from './errors.js';
import type { Clock, Logger } from './ports.js';
import { currentAttempt, currentHandler } from './runtime/attempt.js';

const LIMIT = 3;
const WINDOW_MS = 60_000;

export interface ContainmentOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly requestStop: (cause: Error) => void;
}

/** Takes the process's last-resort events over; the function it returns gives them back. */
export function containErrors(options: ContainmentOptions): () => void {
  const strays = new StrayErrors(options);
  const onError = (thrown: unknown): void => strays.take(toError(thrown));
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
  return () => {
    process.off('uncaughtException', onError);
    process.off('unhandledRejection', onError);
  };
}

/** Decides what an escaped error means; exported for its own tests. */
export class StrayErrors {
  private times: number[] = [];

  constructor(private readonly options: ContainmentOptions) {}

  take(error: Error): void {
    const { logger } = this.options;
    const attempt = currentAttempt();
    if (attempt?.escape(error) === true) {
      logger.error(
        { err: error, handler: attempt.handler, recordId: attempt.recordId },
        'An error escaped a handler; its record fails.',
      );
      return;
    }
    const handler = currentHandler();
    if (handler !== undefined) {
      logger.error(
        { err: error, handler, recordId: attempt?.recordId },
        'An error escaped a handler after its record was done: something there is not awaited.',
      );
      return;
    }
    logger.error({ err: error }, 'An error that belongs to no record was thrown or rejected, and nobody caught it.');
    this.count(error);
  }

  private count(error: Error): void {
    const now = this.options.clock.monotonicMs();
    this.times = [...this.times.filter((time) => now - time < WINDOW_MS), now];
    if (this.times.length < LIMIT) return;
    this.times = [];
    this.options.requestStop(
      new MillraceError(
        'HANDLER_FAILED',
        `${LIMIT} errors that belong to no record came within ${WINDOW_MS} ms; the worker stops in order.`,
        { cause: error },
      ),
    );
  }
}
