/** How a checkpoint store refuses: the worker gets the name of a Java exception, as from the real daemon. */
import { MillraceError } from '../errors.js';

/**
 * The checkpoint was refused; `javaName` is what the worker is told: ThrottlingException, ShutdownException,
 * InvalidStateException, KinesisClientLibDependencyException, IllegalArgumentException, or any other name.
 */
export class DaemonError extends MillraceError {
  readonly javaName: string;

  constructor(javaName: string, message = `The checkpoint was refused with ${javaName}.`, cause?: unknown) {
    super('CHECKPOINT_FAILED', message, { details: { javaName }, ...(cause === undefined ? {} : { cause }) });
    this.javaName = javaName;
  }
}
