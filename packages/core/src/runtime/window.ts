/** How many records may be started and not settled: the limit that deferred and undeclared records run into. */
import type { SessionLife } from './session-life.js';

export class Window {
  readonly #limit: number;
  readonly #life: SessionLife;
  #count = 0;
  #wake: (() => void) | undefined;

  constructor(limit: number, life: SessionLife) {
    this.#limit = limit;
    this.#life = life;
  }

  get count(): number {
    return this.#count;
  }
  get full(): boolean {
    return this.#count >= this.#limit;
  }

  entered(): void {
    this.#count += 1;
  }

  left(): void {
    this.#count -= 1;
    this.#wake?.();
  }

  /** Resolves when there is room, or when no handler may start anyway. */
  whenRoom(): Promise<void> {
    return this.#until(() => !this.full, this.#life.intake);
  }

  /** Resolves when nothing is left in the window, or when the session gives its records up. */
  whenEmpty(): Promise<void> {
    return this.#until(() => this.#count === 0, this.#life.over);
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
