/**
 * Whether user code may start now, where something has a say in it: the circuit breaker of the consumer, and what is known
 * of records that were in flight when a process died. Whoever is let in tells how it ended.
 */
import type { Handler } from '../definition/definition.js';
import type { MillraceError } from '../errors.js';
import type { Prepared } from '../records/pipeline.js';
import type { AttemptResult } from './attempt.js';
import type { BreakerGate, Call } from './breaker-gate.js';
import type { Flights } from './flights.js';
import type { OpenWindow } from './open-window.js';
import type { RecordSlot } from './record-slot.js';

export class Starts {
  readonly #gate: BreakerGate | undefined;
  readonly #flights: Flights | undefined;

  constructor(gate: BreakerGate | undefined, flights: Flights | undefined) {
    this.#gate = gate;
    this.#flights = flights;
  }

  /** What keeps the record from ever running here. */
  refusal(slot: RecordSlot): MillraceError | undefined {
    return this.#flights?.refusal(slot);
  }

  /** Whether decoding and validating the record go through `prepare`. */
  isCareful(slot: RecordSlot): boolean {
    return this.#flights?.isCareful(slot) === true;
  }

  /** Decodes and validates a record as one that may be the death of the process; undefined when nothing starts any more. */
  async prepare(
    slot: RecordSlot,
    prepare: () => Prepared | Promise<Prepared | undefined>,
  ): Promise<Prepared | undefined> {
    const flights = this.#flights;
    const entering = flights?.enter(slot);
    if (entering !== undefined && !(await entering)) return undefined;
    try {
      return await prepare();
    } finally {
      flights?.left(slot, 'abandoned');
    }
  }

  /**
   * Lets the handler of a record, or of all records up to `last`, in; undefined when it may start at once. Resolves to false
   * when no handler starts any more; then it is not to be told how that ended.
   */
  enter(slot: RecordSlot, last: RecordSlot = slot): Promise<boolean> | undefined {
    const waiting = this.#gate?.enter(slot);
    if (waiting === undefined) return this.#enterFlights(slot, last);
    return waiting.then((passed) => passed && (this.#enterFlights(slot, last) ?? true));
  }

  /** As `enter`, for a window that is to be emitted: what it was made of is known to run. */
  enterWindow(open: OpenWindow): Promise<boolean> | undefined {
    return this.#gate?.enter(open);
  }

  /** Whether it may still start that was let in after a wait: the breaker may have opened again meanwhile. */
  isCurrent(call: Call): boolean {
    return this.#gate?.isCurrent(call) !== false;
  }

  /** Whether the run counts as an attempt. */
  leftWindow(open: OpenWindow, handler: Handler, result: AttemptResult): boolean {
    return this.#gate?.leftWindow(open, handler, result) !== false;
  }

  giveUpWindow(open: OpenWindow): void {
    this.#gate?.giveUp(open);
  }

  stuckWindow(open: OpenWindow, handler: Handler, error: Error): void {
    this.#gate?.stuck(open, handler, error);
  }

  left(slot: RecordSlot, handler: Handler, result: AttemptResult): void {
    this.#gate?.left(slot, handler, result);
    this.#flights?.left(slot, result.kind === 'abandoned' ? 'abandoned' : 'survived');
  }

  leftBatch(slots: readonly RecordSlot[], handler: Handler, failures: ReadonlyMap<RecordSlot, Error>): void {
    const [first] = slots;
    this.#gate?.leftBatch(slots, handler, failures);
    if (first !== undefined) this.#flights?.left(first, 'survived');
  }

  /** It was let in and does not start after all, or the session has given it up. */
  giveUp(slot: RecordSlot): void {
    this.#gate?.giveUp(slot);
    this.#flights?.left(slot, 'abandoned');
  }

  /** It ignores its aborted signal. */
  stuck(slot: RecordSlot, handler: Handler, error: Error): void {
    this.#gate?.stuck(slot, handler, error);
    this.#flights?.stuck(slot);
  }

  usedUp(slot: RecordSlot): number {
    return this.#gate?.usedUp(slot) ?? slot.attempts;
  }

  forgave(slot: RecordSlot): boolean {
    return this.#gate?.forgave(slot) === true;
  }

  /** The items of a batch as they may run: what is suspected runs by itself. */
  runsOf<T extends { readonly slot: RecordSlot }>(items: readonly T[]): readonly (readonly T[])[] {
    const flights = this.#flights;
    if (flights === undefined || !items.some(({ slot }) => flights.runsAlone(slot))) return [items];
    const runs: T[][] = [];
    let beside: T[] | undefined;
    for (const item of items) {
      const alone = flights.runsAlone(item.slot);
      if (alone || beside === undefined) runs.push((beside = []));
      beside.push(item);
      if (alone) beside = undefined;
    }
    return runs;
  }

  end(): void {
    this.#gate?.end();
  }

  #enterFlights(slot: RecordSlot, last: RecordSlot): Promise<boolean> | undefined {
    const entering = this.#flights?.enter(slot, last);
    return entering?.then((entered) => {
      if (!entered) this.#gate?.giveUp(slot);
      return entered;
    });
  }
}
