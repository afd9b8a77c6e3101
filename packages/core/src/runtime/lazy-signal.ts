/** An AbortSignal that costs nothing until somebody looks at it: most handlers never do. */

export class LazySignal {
  readonly #parent: AbortSignal;
  #controller: AbortController | undefined;
  #reason: Error | undefined;
  #unlink: (() => void) | undefined;
  #released = false;

  constructor(parent: AbortSignal) {
    this.#parent = parent;
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#connect();
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }

  /** Takes the link to the parent off for good: a session's signal outlives millions of records. */
  release(): void {
    this.#released = true;
    this.#unlink?.();
    this.#unlink = undefined;
  }

  #connect(): AbortController {
    const controller = new AbortController();
    if (this.#reason !== undefined) controller.abort(this.#reason);
    else if (this.#parent.aborted) controller.abort(this.#parent.reason);
    else if (!this.#released) {
      const onAbort = (): void => controller.abort(this.#parent.reason);
      this.#parent.addEventListener('abort', onAbort, { once: true });
      this.#unlink = () => this.#parent.removeEventListener('abort', onAbort);
    }
    return controller;
  }
}
