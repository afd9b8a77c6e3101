/**
 * What an operator says of a record that waits: to run it again now, to park it, or to skip it. Whoever waits for time to
 * pass, or for the end of the session, waits here, so that a word from outside can end the wait. While a handler or the
 * sink is at work with a record, nothing can be said of it.
 */
import type { Clock } from '../ports.js';
import type { Reporter } from './reporter.js';

export type Order = 'retry' | 'park' | 'skip';

/** What is asked of a record: an order, or merely whether it waits here. */
export type Wish = Order | 'find';

/** No answer at all: the record does not wait here. */
export type WishAnswer =
  | { readonly kind: 'found' }
  | { readonly kind: 'done'; readonly text: string }
  | { readonly kind: 'refused'; readonly text: string };

/** An order that came in the moment in which the session began to end. */
export const SESSION_ENDING = 'The session of its shard is ending; the next owner gets the record again.';

export interface WaitOptions {
  readonly recordIds: readonly string[];
  /** Undefined waits without end. */
  readonly delayMs: number | undefined;
  readonly giveUp: AbortSignal;
  /** Why an order is of no use for this record; undefined when it is. */
  readonly refusal?: (recordId: string, order: Order) => string | undefined;
}

export type Woken =
  | { readonly kind: 'time' }
  | { readonly kind: 'aborted' }
  /** Whoever is woken by an order answers it. */
  | { readonly kind: 'order'; readonly recordId: string; readonly order: Order; readonly answer: Answer };

export type Answer = (answer: WishAnswer) => void;

interface Waiter {
  readonly refusal: WaitOptions['refusal'];
  readonly wake: (woken: Woken) => void;
}

export class Orders {
  readonly #clock: Clock;
  readonly #report: Reporter;
  readonly #waiters = new Map<string, Waiter>();

  constructor({ clock, report }: { readonly clock: Clock; readonly report: Reporter }) {
    this.#clock = clock;
    this.#report = report;
  }

  /** Whether somebody waits with this record now. */
  has(recordId: string): boolean {
    return this.#waiters.has(recordId);
  }

  /** Waits on the clock; an order for one of the records ends it early. */
  wait({ recordIds, delayMs, giveUp, refusal }: WaitOptions): Promise<Woken> {
    if (giveUp.aborted) return Promise.resolve({ kind: 'aborted' });
    return new Promise((resolve) => {
      const wake = (woken: Woken): void => {
        timer?.cancel();
        giveUp.removeEventListener('abort', onAbort);
        for (const recordId of recordIds) this.#waiters.delete(recordId);
        resolve(woken);
      };
      const onAbort = (): void => wake({ kind: 'aborted' });
      const timer =
        delayMs === undefined ? undefined : this.#clock.setTimer(delayMs, () => wake({ kind: 'time' }), 'pause');
      giveUp.addEventListener('abort', onAbort, { once: true });
      for (const recordId of recordIds) this.#waiters.set(recordId, { refusal, wake });
    });
  }

  /** Undefined when nobody waits with the record; else resolves when the order is carried out, or is of no use. */
  give(recordId: string, order: Order): Promise<WishAnswer> | undefined {
    const waiter = this.#waiters.get(recordId);
    if (waiter === undefined) return undefined;
    const refused = waiter.refusal?.(recordId, order);
    if (refused !== undefined) return Promise.resolve({ kind: 'refused', text: refused });
    this.#report.log.warn({ recordId, order }, `An operator has ordered: ${order}.`);
    this.#report.emit({ kind: 'ordered', recordId, order });
    return new Promise((answer) => waiter.wake({ kind: 'order', recordId, order, answer }));
  }
}
