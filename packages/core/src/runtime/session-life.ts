/**
 * How far a session still goes, as one union, with the signals that everything waits on: `intake` aborts when no new
 * handler may start, `over` when running handlers are given up as well, `doubt` when nothing may be written any more.
 */
import { setMaxListeners } from 'node:events';
import type { ConsumerSettings } from '../config/resolved.js';
import { MillraceError } from '../errors.js';
import type { Clock, Timer } from '../ports.js';

export type DrainReason = 'workerStopping' | 'handoff' | 'shardEnded';

export type Life =
  | { readonly kind: 'open' }
  /** No handler starts any more; what runs may finish until the budget is used up. */
  | { readonly kind: 'draining'; readonly reason: DrainReason; readonly budget: Timer }
  /** The budget is used up: records are abandoned, the watermark may still be written. */
  | { readonly kind: 'abandoning'; readonly reason: DrainReason }
  /** We may not own the shard any more: nothing is written ever again. */
  | { readonly kind: 'doubt'; readonly why: string; readonly sinceMs: number };

/** Half of the shorter grace: the rest is for the checkpoint, the hooks and the daemon's own goodbye. */
export function drainBudgetMs({ shutdownGraceMs, handoffTimeoutMs }: Graces): number {
  return Math.min(shutdownGraceMs, handoffTimeoutMs) / 2;
}

type Graces = Pick<ConsumerSettings, 'shutdownGraceMs' | 'handoffTimeoutMs'>;

export class SessionLife {
  readonly #clock: Clock;
  readonly #intake = new AbortController();
  readonly #over = new AbortController();
  readonly #doubt = new AbortController();
  #state: Life = { kind: 'open' };

  constructor(clock: Clock) {
    this.#clock = clock;
    // Every record that runs or waits listens; lanes have many at once.
    setMaxListeners(0, this.intake, this.over, this.doubted);
  }

  get state(): Life {
    return this.#state;
  }
  get intake(): AbortSignal {
    return this.#intake.signal;
  }
  get over(): AbortSignal {
    return this.#over.signal;
  }
  get doubted(): AbortSignal {
    return this.#doubt.signal;
  }
  get accepting(): boolean {
    return this.#state.kind === 'open';
  }
  /** What was taken before may still be called once: the session is open, or drains within its budget. */
  get mayFinish(): boolean {
    return this.#state.kind === 'open' || this.#state.kind === 'draining';
  }
  get inDoubt(): boolean {
    return this.#state.kind === 'doubt';
  }

  /** Starts the drain; true when this call started it. */
  drain(reason: DrainReason, budgetMs: number): boolean {
    if (this.#state.kind !== 'open') return false;
    const budget = this.#clock.setTimer(budgetMs, () => this.abandon());
    this.#state = { kind: 'draining', reason, budget };
    this.#closeIntake(
      new MillraceError('WORKER_STOPPED', `This session is draining (${reason}): no further handler starts.`),
    );
    return true;
  }

  /** Ends the drain: whoever still runs is told by its signal and not waited for. */
  abandon(): void {
    if (this.#state.kind !== 'draining') return;
    this.#state.budget.cancel();
    const { reason } = this.#state;
    this.#state = { kind: 'abandoning', reason };
    this.#over.abort(
      new MillraceError(
        'WORKER_STOPPED',
        `The time to drain is over (${reason}); the record is given back to its next owner.`,
      ),
    );
  }

  /** Enters lease doubt; true when this call entered it. */
  doubt(why: string): boolean {
    if (this.#state.kind === 'doubt') return false;
    if (this.#state.kind === 'draining') this.#state.budget.cancel();
    this.#state = { kind: 'doubt', why, sinceMs: this.#clock.monotonicMs() };
    const reason = new MillraceError('LEASE_LOST', `This worker may not own the shard any more: ${why}.`);
    this.#closeIntake(reason);
    this.#over.abort(reason);
    this.#doubt.abort(reason);
    return true;
  }

  /** Stops the budget's timer when the session ends by itself. */
  end(): void {
    if (this.#state.kind === 'draining') this.#state.budget.cancel();
  }

  #closeIntake(reason: MillraceError): void {
    this.#intake.abort(reason);
  }
}
