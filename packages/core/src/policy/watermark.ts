/**
 * The watermark of a session: the last position up to which every delivered record is settled. A checkpoint is never
 * written beyond it, whatever order records settle in.
 */
import { comparePositions } from '../protocol/position.js';
import type { Position } from '../protocol/messages.js';

/** One delivered record; whoever settles it says so here. */
export interface Slot extends Position {
  readonly settled: boolean;
}

/** Slots that were settled and passed are dropped from the front in lumps, so that the queue costs O(1) a record. */
const COMPACT_AT = 1024;

export class Watermark<S extends Slot> {
  #slots: S[] = [];
  #head = 0;
  /** Stands for its position until somebody asks: most are passed before anybody does, and reading a position takes time. */
  #reached: S | undefined;
  #position: Position | undefined;
  /** Passed since `hold`, and not yet the watermark. */
  #behind: Position | undefined;
  #held = false;
  #passed = 0;
  /** Copied, not kept as a slot: a slot holds its record, and the record the memory of its whole batch. */
  #lastSequenceNumber: string | undefined;
  #lastSubSequenceNumber = 0;

  /** The watermark; undefined until a first record has settled. */
  get position(): Position | undefined {
    this.#note();
    return this.#position;
  }

  /** Delivered and still behind the watermark's next step; settled records that wait for an earlier one are among them. */
  get waiting(): number {
    return this.#slots.length - this.#head;
  }

  /** Settled while the watermark was held; only their last position is kept. */
  get held(): number {
    return this.#passed;
  }

  /** From here on it stays where it is, and keeps one position instead of what is settled: an open window (tumbling.ts). */
  hold(): void {
    this.#note();
    this.#held = true;
  }

  /** Moves to what was settled meanwhile. */
  release(): void {
    this.#note();
    this.#held = false;
    this.#passed = 0;
    this.#position = this.#behind ?? this.#position;
    this.#behind = undefined;
  }

  /** The oldest record that is not settled. */
  get oldest(): S | undefined {
    return this.#slots[this.#head];
  }

  /**
   * Takes a delivered record in. Redelivery inside a session is legal (S7): a position that was delivered before gives
   * back its slot while that waits, and `'settled'` when it is behind the watermark.
   */
  deliver(slot: S): 'new' | 'settled' | S {
    if (!this.#isNew(slot)) return this.#waitingAt(slot) ?? 'settled';
    this.#lastSequenceNumber = slot.sequenceNumber;
    this.#lastSubSequenceNumber = slot.subSequenceNumber;
    this.#slots.push(slot);
    return 'new';
  }

  /** Takes delivered records in that lie behind one another; true when all are new, and otherwise nothing was taken in. */
  deliverAscending(slots: readonly S[]): boolean {
    const [first] = slots;
    const last = slots.at(-1);
    if (first === undefined || last === undefined) return true;
    if (!this.#isNew(first)) return false;
    this.#lastSequenceNumber = last.sequenceNumber;
    this.#lastSubSequenceNumber = last.subSequenceNumber;
    for (const slot of slots) this.#slots.push(slot);
    return true;
  }

  /** Moves over everything settled at the front; call it after a slot became settled. */
  advance(): void {
    const slots = this.#slots;
    let head = this.#head;
    let passed: S | undefined;
    for (let slot = slots[head]; slot?.settled === true; slot = slots[head]) {
      passed = slot;
      head += 1;
    }
    if (passed === undefined) return;
    this.#reached = passed;
    if (this.#held) this.#passed += head - this.#head;
    this.#head = head;
    if (head === slots.length || head >= COMPACT_AT) {
      this.#slots = head === slots.length ? [] : slots.slice(head);
      this.#head = 0;
    }
    // Nothing follows soon, and a slot keeps memory.
    if (this.#slots.length === 0) this.#note();
  }

  #note(): void {
    if (this.#reached === undefined) return;
    const { sequenceNumber, subSequenceNumber } = this.#reached;
    this.#reached = undefined;
    if (this.#held) this.#behind = { sequenceNumber, subSequenceNumber };
    else this.#position = { sequenceNumber, subSequenceNumber };
  }

  /** The waiting slots, oldest first. */
  *pending(): Generator<S> {
    for (let index = this.#head; index < this.#slots.length; index += 1) {
      const slot = this.#slots[index];
      if (slot !== undefined) yield slot;
    }
  }

  #isNew(position: Position): boolean {
    const sequenceNumber = this.#lastSequenceNumber;
    if (sequenceNumber === undefined) return true;
    return comparePositions(position, { sequenceNumber, subSequenceNumber: this.#lastSubSequenceNumber }) > 0;
  }

  #waitingAt(position: Position): S | undefined {
    for (const slot of this.pending()) if (comparePositions(slot, position) === 0) return slot;
    return undefined;
  }
}
