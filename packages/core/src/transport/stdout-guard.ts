/**
 * Keeps user code off the wire and in the process. Standard output is the daemon's: a forged or broken line there loses data or stops the
 * worker. The private descriptors of claimStdio do this for good; this is the second layer, and the only one where there are none.
 */
import { MillraceError } from '../errors.js';

export interface Guard {
  /** Puts everything back as it was; safe to call twice. */
  restore(): void;
}

/** Sends console output and process.stdout.write to standard error, and makes process.exit throw EXIT_INTERCEPTED. */
export function installGuards(): Guard {
  const guards = [redirectStdout(), processExit.hold()];
  return {
    restore: () => {
      for (const guard of guards) guard.restore();
    },
  };
}

/** The console writes through process.stdout.write as well, so that one function covers both. */
export function redirectStdout(): Guard {
  return stdoutWrite.hold();
}

/** A method that several workers of one process may want replaced at once: the first replaces it, the last puts it back. */
class Replacement {
  readonly #owner: () => object;
  readonly #method: string;
  readonly #stand: (...args: never[]) => unknown;
  #holders = 0;
  #original: unknown;

  constructor(owner: () => object, method: string, stand: (...args: never[]) => unknown) {
    this.#owner = owner;
    this.#method = method;
    this.#stand = stand;
  }

  hold(): Guard {
    if (this.#holders === 0) {
      this.#original = Reflect.get(this.#owner(), this.#method);
      Reflect.set(this.#owner(), this.#method, this.#stand);
    }
    this.#holders += 1;
    let held = true;
    return {
      restore: () => {
        if (held) this.#release();
        held = false;
      },
    };
  }

  #release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) Reflect.set(this.#owner(), this.#method, this.#original);
  }
}

const stdoutWrite = new Replacement(
  () => process.stdout,
  'write',
  (...args: Parameters<typeof process.stderr.write>) => process.stderr.write(...args),
);

/** A handler that ends the process would end every shard of the worker, in the middle of their work. */
const processExit = new Replacement(
  () => process,
  'exit',
  (exitCode?: number | string | null) => {
    throw new MillraceError(
      'EXIT_INTERCEPTED',
      `process.exit(${exitCode ?? ''}) was called, which would end every shard of this worker in the middle of its work. Throw a StopWorkerError to stop the worker in order.`,
      { details: { exitCode } },
    );
  },
);
