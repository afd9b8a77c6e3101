/**
 * Runs the records of a shard one after the other. Nothing here waits when neither the handler nor its schema does: a
 * synchronous handler costs no promise.
 */
import type { RecordRunner } from './record-runner.js';
import type { RecordSlot } from './record-slot.js';
import type { LastBatch, SessionParts } from './session-parts.js';
import type { Window } from './window.js';

export interface RecordSource {
  readonly parts: SessionParts;
  readonly runner: RecordRunner;
  readonly window: Window;
}

export class InOrder {
  readonly #parts: SessionParts;
  readonly #runner: RecordRunner;
  readonly #window: Window;

  constructor({ parts, runner, window }: RecordSource) {
    this.#parts = parts;
    this.#runner = runner;
    this.#window = window;
  }

  /** Runs the slots in order; those the session gives up are abandoned. */
  async run(slots: readonly RecordSlot[], batch: LastBatch): Promise<void> {
    const { life, checkpointer } = this.#parts;
    const runner = this.#runner;
    runner.delivered(batch);
    for (const slot of slots) {
      // Either may come about while the other is waited for.
      for (let failing = runner.failing(); failing !== undefined || this.#full(slot); failing = runner.failing())
        await (failing ?? this.#window.whenRoomFor(slot));
      if (!life.accepting) {
        runner.abandon(slot, 'no further handler starts');
        continue;
      }
      const running = runner.run(slot);
      if (running !== undefined) await running;
      const written = checkpointer.afterRecord();
      if (written !== undefined) await written;
    }
  }

  /** Between two deliveries nothing runs. */
  whenIdle(): Promise<void> {
    return Promise.resolve();
  }

  #full(slot: RecordSlot): boolean {
    return !this.#window.hasRoomFor(slot) && this.#parts.life.accepting;
  }
}
