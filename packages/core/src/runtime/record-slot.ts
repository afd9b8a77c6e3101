/** One delivered record on its way to being settled. */
import type { ConsumerRecord } from '../definition/context.js';
import type { Slot } from '../policy/watermark.js';
import { withoutPayload } from '../records/record-view.js';

export type SlotPhase =
  /** Delivered, its handler has not started. */
  | 'waiting'
  | 'running'
  /** Its attempt failed: it runs again after a delay, is held, or is being parked. */
  | 'failed'
  /** Under `manual`: its handler has returned and nobody has declared it done yet. */
  | 'returned'
  /** Its handler took a `defer()` handle. */
  | 'deferred'
  /** Its handle said that it failed; what follows is being decided. */
  | 'failing'
  /** In the state of a window that is not emitted yet: nothing more happens to it alone. */
  | 'absorbed'
  | 'settled'
  /** Given up by this session, for the next owner to do again. */
  | 'abandoned';

export class RecordSlot implements Slot {
  phase: SlotPhase = 'waiting';
  /** How often its handler ran. */
  attempts = 0;
  /** How many of these runs ended in halving their batch: they say nothing about this record, so no attempt is used up. */
  halvings = 0;
  /** The key it is ordered by, when the consumer has lanes. */
  lane: string | undefined;
  /** Its place among the session's records. */
  order = 0;
  /** Counted by the window (window.ts). */
  inWindow = false;
  #record: ConsumerRecord;

  constructor(record: ConsumerRecord) {
    this.#record = record;
  }

  get sequenceNumber(): string {
    return this.#record.sequenceNumber;
  }

  get subSequenceNumber(): number {
    return this.#record.subSequenceNumber;
  }

  get arrivedAt(): number | undefined {
    return this.#record.approximateArrivalTimestamp;
  }

  get record(): ConsumerRecord {
    return this.#record;
  }

  /**
   * It is settled and waits behind an older record: a payload keeps the memory of its whole batch, and a held record may
   * have a window full of them behind it.
   */
  dropPayload(): void {
    this.#record = withoutPayload(this.#record);
  }

  get settled(): boolean {
    return this.phase === 'settled' || this.phase === 'absorbed';
  }

  /** Settled or abandoned: nothing that happens later changes it. */
  get closed(): boolean {
    return this.settled || this.phase === 'abandoned';
  }
}
