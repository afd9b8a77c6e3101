/** Makes the checkpoint store of a bed fail when a test says so. */

/** How DynamoDB and KCL refuse checkpoints, as simple Java class names; any other name counts as an unknown failure. */
export type CheckpointFailure =
  | 'ThrottlingException'
  | 'ShutdownException'
  | 'InvalidStateException'
  | 'KinesisClientLibDependencyException'
  | 'IllegalArgumentException'
  | (string & {});

export class FakeCheckpoints {
  #failures: { readonly javaName: CheckpointFailure; left: number } | undefined;

  /** The next `times` checkpoints of the bed are answered with this error, by default all until `recover()`. */
  fail(javaName: CheckpointFailure, { times = Number.POSITIVE_INFINITY }: { readonly times?: number } = {}): void {
    this.#failures = { javaName, left: times };
  }

  recover(): void {
    this.#failures = undefined;
  }

  /** The error for the checkpoint that comes now; undefined stores it. */
  next(): CheckpointFailure | undefined {
    if (this.#failures === undefined || this.#failures.left <= 0) return undefined;
    this.#failures.left -= 1;
    return this.#failures.javaName;
  }
}
