/** How many records may be started and not settled: the limit that deferred and undeclared records run into. */
import { MillraceError } from '../errors.js';
import type { Clock } from '../ports.js';
import { ABORT_GRACE_MS } from './attempt.js';
import type { Holds } from './holds.js';
import type { SessionLife } from './session-life.js';

export interface WindowOptions {
  readonly limit: number;
  readonly life: SessionLife;
  readonly holds: Holds;
  readonly clock: Clock;
}

export class Window {
  readonly #options: WindowOptions;
  #count = 0;
  #wake: (() => void) | undefined;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#count;
  }
  get full(): boolean {
    return this.#count >= this.#options.limit;
  }

  entered(): void {
    this.#count += 1;
  }

  left(): void {
    this.#count -= 1;
    this.#wake?.();
  }

  /** Resolves when there is room, or when no handler may start anyway; the shard is held meanwhile, and says so. */
  async whenRoom(): Promise<void> {
    const { life, holds, limit } = this.#options;
    holds.hold(
      undefined,
      `${this.#count} records are started and not settled, and maxInFlight is ${limit}`,
      this.#unsettled(),
    );
    await this.#until(() => !this.full, life.intake);
    holds.release();
  }

  /** Resolves when nothing is left in the window, or when the session gives its records up. */
  async whenEmpty(): Promise<void> {
    const { life, holds, clock } = this.#options;
    if (this.#count === 0) return;
    const timer = clock.setTimer(ABORT_GRACE_MS, () => {
      holds.hold(
        undefined,
        `the shard ends, and ${this.#count} of its records are started and not settled`,
        this.#unsettled(),
      );
    });
    await this.#until(() => this.#count === 0, life.over);
    timer.cancel();
    holds.release();
  }

  #unsettled(): MillraceError {
    return new MillraceError(
      'HANDLER_FAILED',
      'Records are started and not settled; settle them with context.checkpoint() or deferred.done().',
    );
  }

  async #until(reached: () => boolean, giveUp: AbortSignal): Promise<void> {
    while (!reached() && !giveUp.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          giveUp.removeEventListener('abort', wake);
          this.#wake = undefined;
          resolve();
        };
        this.#wake = wake;
        giveUp.addEventListener('abort', wake, { once: true });
      });
    }
  }
}
