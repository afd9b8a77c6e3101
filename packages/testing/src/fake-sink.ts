/** The dead-letter sink of a bed: takes what is parked, and fails when a test says so. */
import type { DeadLetterEntry, DeadLetterSink } from '@millrace/core';

export class FakeSink implements DeadLetterSink {
  readonly durable = true;
  /** What was parked, oldest first. */
  readonly parked: DeadLetterEntry[] = [];
  readonly #onParked: (entry: DeadLetterEntry) => void;
  #failures: { readonly error: Error; left: number } | undefined;

  constructor(onParked: (entry: DeadLetterEntry) => void) {
    this.#onParked = onParked;
  }

  /** The next `times` writes fail, by default until `recover()`. */
  fail({
    times = Number.POSITIVE_INFINITY,
    error = new Error('The sink fails because the test says so.'),
  }: { readonly times?: number; readonly error?: Error } = {}): void {
    this.#failures = { error, left: times };
  }

  recover(): void {
    this.#failures = undefined;
  }

  write(entry: DeadLetterEntry): Promise<void> {
    if (this.#failures !== undefined && this.#failures.left > 0) {
      this.#failures.left -= 1;
      return Promise.reject(this.#failures.error);
    }
    this.parked.push(entry);
    this.#onParked(entry);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
