/**
 * Keeps user code off the wire and in the process. Standard output is the daemon's: a forged or broken line there loses
 * data or stops the worker. The private descriptors of claimStdio do this for good; this is the second layer, and the
 * only one where there are none.
 */
import { MillraceError } from '../errors.js';
import { currentAttempt } from '../runtime/attempt.js';

export interface Guard {
  /** Puts everything back as it was; safe to call twice. */
  restore(): void;
}

/** Sends console output and process.stdout.write to standard error: the console writes through the latter as well. */
export function redirectStdout(): Guard {
  return stdoutWrite.hold();
}

/**
 * Makes process.exit throw EXIT_INTERCEPTED where a handler, or anything that it started, calls it: it would end every
 * shard of the worker in the middle of its work. Elsewhere process.exit is what it always was.
 */
export function interceptExit(): Guard {
  return processExit.hold();
}

/** A method that several workers of one process may want replaced at once: the first replaces it, the last puts it back. */
class Replacement<M extends (...args: never[]) => unknown> {
  private holders = 0;
  private original: M | undefined;

  constructor(
    private readonly place: { get(): M; set(method: M): void },
    private readonly standIn: (original: M) => M,
  ) {}

  hold(): Guard {
    if (this.holders === 0) {
      this.original = this.place.get();
      this.place.set(this.standIn(this.original));
    }
    this.holders += 1;
    let held = true;
    return {
      restore: () => {
        if (held) this.release();
        held = false;
      },
    };
  }

  private release(): void {
    this.holders -= 1;
    if (this.holders === 0 && this.original !== undefined) this.place.set(this.original);
  }
}

type Write = typeof process.stdout.write;

const stdoutWrite = new Replacement<Write>(
  {
    // Bound to nothing on purpose: put back, it must be the very function that was there.
    get: () => Reflect.get(process.stdout, 'write'),
    set: (method) => {
      process.stdout.write = method;
    },
  },
  () => ((...args: Parameters<Write>) => process.stderr.write(...args)) as Write,
);

const processExit = new Replacement<typeof process.exit>(
  {
    get: () => Reflect.get(process, 'exit'),
    set: (method) => {
      process.exit = method;
    },
  },
  (original) => (exitCode) => {
    if (currentAttempt() === undefined) return original.call(process, exitCode);
    throw new MillraceError(
      'EXIT_INTERCEPTED',
      `process.exit(${exitCode ?? ''}) was called by a handler, which would end every shard of this worker in the middle of its work. Throw a StopWorkerError to stop the worker in order.`,
      { details: { exitCode } },
    );
  },
);
