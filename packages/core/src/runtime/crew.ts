/**
 * All handlers that run in this process, of all consumers: a record that may be the death of it runs when no other one does,
 * so that the next death says whether it was this record.
 */
export class Crew {
  #running = 0;
  /** Who runs alone, or waits until nothing runs any more; nobody else starts meanwhile. */
  #claimed = false;
  #onIdle: (() => void) | undefined;
  readonly #waiting = new Set<() => void>();

  /** Nobody starts now: somebody has asked to be alone. */
  get closed(): boolean {
    return this.#claimed;
  }

  enter(): void {
    this.#running += 1;
  }

  leave(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#onIdle?.();
  }

  /** Resolves to true when somebody may start; what became of that in the meantime has to be looked at. False: given up. */
  whenOpen(giveUp: AbortSignal): Promise<boolean> {
    if (giveUp.aborted) return Promise.resolve(false);
    if (!this.#claimed) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#waiting.delete(finish);
        giveUp.removeEventListener('abort', finish);
        resolve(!giveUp.aborted);
      };
      this.#waiting.add(finish);
      giveUp.addEventListener('abort', finish, { once: true });
    });
  }

  /** Resolves to true when nothing else runs; `release` then lets the others go on. False: given up, nothing is claimed. */
  async claim(giveUp: AbortSignal): Promise<boolean> {
    while (this.#claimed) if (!(await this.whenOpen(giveUp))) return false;
    if (giveUp.aborted) return false;
    this.#claimed = true;
    if (await this.#whenIdle(giveUp)) return true;
    this.release();
    return false;
  }

  release(): void {
    this.#claimed = false;
    this.#onIdle = undefined;
    for (const wake of this.#waiting) wake();
  }

  #whenIdle(giveUp: AbortSignal): Promise<boolean> {
    if (this.#running === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (): void => {
        giveUp.removeEventListener('abort', finish);
        this.#onIdle = undefined;
        resolve(!giveUp.aborted);
      };
      this.#onIdle = finish;
      giveUp.addEventListener('abort', finish, { once: true });
    });
  }
}
