/** Who is being served: the context of the code that runs now, for services that nobody hands a context. */
import type { RecordContext, ShardContext } from '../definition/context.js';
import type { HandlerContext } from '../definition/middleware.js';
import type { Logger } from '../ports.js';
import { currentAttempt } from './attempt.js';
import { OneRecordContext, WholeBatchContext } from './contexts.js';

/**
 * The context of the record whose handler or middleware is running, through any number of awaits, timers and callbacks;
 * undefined in batch handlers, in hooks, and outside. What a handler that returns no promise leaves behind sees none, unless the
 * record is deferred.
 */
export function currentRecord(): RecordContext | undefined {
  const context = anyContext();
  return context instanceof OneRecordContext ? context : undefined;
}

/** As `currentRecord`, and in batch handlers the context of the batch. */
export function currentContext(): HandlerContext | undefined {
  const context = anyContext();
  return context instanceof OneRecordContext || context instanceof WholeBatchContext ? context : undefined;
}

/** A logger whose lines say on whose behalf they are written; outside of handlers and hooks it is the one it was given. */
export function contextLogger(base: Logger): Logger {
  const current = (): Logger => anyContext()?.log ?? base;
  return {
    debug: (fields, message) => current().debug(fields, message),
    info: (fields, message) => current().info(fields, message),
    warn: (fields, message) => current().warn(fields, message),
    error: (fields, message) => current().error(fields, message),
  };
}

function anyContext(): ShardContext | undefined {
  return currentAttempt()?.context;
}
