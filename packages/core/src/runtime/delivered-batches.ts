/** Gives each delivery to the batch handler by itself: whole, or in pieces of `maxItems`, one after the other. */
import type { BatchRunner, Entry } from './batch-runner.js';
import type { RecordSlot } from './record-slot.js';
import type { LastBatch, SessionParts } from './session-parts.js';
import type { Window } from './window.js';

export interface BatchSource {
  readonly parts: SessionParts;
  readonly runner: BatchRunner;
  readonly window: Window;
}

export class DeliveredBatches {
  readonly #parts: SessionParts;
  readonly #runner: BatchRunner;
  readonly #window: Window;
  readonly #maxItems: number;

  constructor({ parts, runner, window }: BatchSource, maxItems: number | undefined) {
    this.#parts = parts;
    this.#runner = runner;
    this.#window = window;
    this.#maxItems = maxItems ?? Number.POSITIVE_INFINITY;
  }

  async run(slots: readonly RecordSlot[], batch: LastBatch): Promise<void> {
    const { life, checkpointer } = this.#parts;
    const mayStart = (): boolean => life.accepting;
    for (let next = 0; next < slots.length && life.accepting;) {
      const piece = await this.#fill(slots, next);
      next += piece.length;
      if (life.accepting) await this.#runner.run(piece, { batch, mayStart });
      await checkpointer.afterRecord();
    }
    for (const slot of slots) if (slot.phase === 'waiting') this.#runner.abandon(slot);
  }

  /** Between two deliveries nothing runs. */
  whenIdle(): Promise<void> {
    return Promise.resolve();
  }

  /** The records from there on until the handler has its items; what cannot be decoded is no item. */
  async #fill(slots: readonly RecordSlot[], from: number): Promise<readonly Entry[]> {
    const { life } = this.#parts;
    const entries: Entry[] = [];
    const oldest = slots[from];
    if (oldest !== undefined && !this.#window.hasRoomFor(oldest)) await this.#window.whenRoomFor(oldest);
    let items = 0;
    for (let next = from; next < slots.length && items < this.#maxItems && life.accepting; next += 1) {
      const slot = slots[next];
      const preparing = slot === undefined ? undefined : this.#runner.prepare(slot);
      const entry = preparing instanceof Promise ? await preparing : preparing;
      if (entry === undefined) return entries;
      entries.push(entry);
      if (entry.prepared.kind === 'ready') items += 1;
    }
    return entries;
  }
}
