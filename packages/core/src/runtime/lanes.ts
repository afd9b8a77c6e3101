/**
 * Runs several records of a shard at once. A lane is a key: its records run strictly one after the other, retries included,
 * while other lanes go on. A delivered batch is done here as soon as its records have entered the window, so the daemon may
 * fetch the next one while the tail of this one still runs (ack-ahead); a full window is what holds the daemon back.
 */
import TinyQueue from 'tinyqueue';
import type { Concurrency } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import type { Prepared } from '../records/pipeline.js';
import type { RecordSource } from './in-order.js';
import { LaneKeys } from './lane-keys.js';
import { untilAborted } from './race.js';
import type { Turn } from './record-run.js';
import type { RecordRunner } from './record-runner.js';
import type { RecordSlot } from './record-slot.js';
import type { LastBatch, SessionParts } from './session-parts.js';
import type { Window } from './window.js';

interface Entry {
  readonly slot: RecordSlot;
  /** Known already when the key is a value of the payload. */
  readonly prepared: Prepared | undefined;
}

interface Lane {
  readonly key: string;
  /** In order; the first one runs, waits for its turn, or is held. */
  readonly entries: Entry[];
  /** The first one has started. */
  busy: boolean;
}

/** Somebody who would like to run now: the older the record, the sooner, so that the watermark moves. */
interface Candidate {
  readonly order: number;
  readonly start: () => void;
}

export class Lanes {
  readonly #parts: SessionParts;
  readonly #runner: RecordRunner;
  readonly #window: Window;
  readonly #keys: LaneKeys;
  readonly #perShard: number;
  readonly #lanes = new Map<string, Lane>();
  readonly #ready = new TinyQueue<Candidate>([], (a, b) => a.order - b.order);
  #running = 0;
  #pumping = false;
  #onIdle: (() => void) | undefined;
  readonly #places: Places = {
    accepting: () => this.#parts.life.accepting,
    release: () => {
      this.#running -= 1;
      this.#pump();
    },
    wait: (candidate) => this.#wait(candidate),
  };

  constructor({ parts, runner, window }: RecordSource, concurrency: Concurrency) {
    this.#parts = parts;
    this.#runner = runner;
    this.#window = window;
    this.#keys = new LaneKeys(parts, concurrency);
    this.#perShard = concurrency.perShard;
    parts.life.intake.addEventListener('abort', () => this.#giveUp(), { once: true });
  }

  /** Resolves when every slot has entered the window, or was abandoned because no handler starts any more. */
  async run(slots: readonly RecordSlot[], batch: LastBatch): Promise<void> {
    const { life } = this.#parts;
    this.#runner.delivered(batch);
    for (const slot of slots) {
      if (!this.#window.hasRoomFor(slot) && life.accepting) await this.#window.whenRoomFor(slot);
      const keyed = this.#keys.of(slot);
      const { key, prepared } = keyed instanceof Promise ? await keyed : keyed;
      if (life.accepting) this.#enter(slot, key, prepared);
      else this.#runner.abandon(slot, 'no further handler starts');
    }
  }

  /** Resolves when nothing runs, waits or is held any more, or when the session gives its records up. */
  async whenIdle(): Promise<void> {
    if (this.#lanes.size === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    await untilAborted(idle, this.#parts.life.over);
  }

  #enter(slot: RecordSlot, key: string, prepared: Prepared | undefined): void {
    slot.lane = key;
    this.#window.enter(slot);
    const waiting = this.#lanes.get(key);
    if (waiting !== undefined) {
      waiting.entries.push({ slot, prepared });
      return;
    }
    const lane: Lane = { key, entries: [{ slot, prepared }], busy: false };
    this.#lanes.set(key, lane);
    this.#offer(lane);
  }

  /** The lane's first record would like to run. */
  #offer(lane: Lane): void {
    const [first] = lane.entries;
    if (first === undefined) return;
    this.#wait({ order: first.slot.order, start: () => this.#start(lane, first) });
  }

  #wait(candidate: Candidate): void {
    this.#ready.push(candidate);
    this.#pump();
  }

  /** A loop, not a recursion: synchronous handlers settle inside `start`. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#running < this.#perShard) {
        const next = this.#ready.pop();
        if (next === undefined) return;
        this.#running += 1;
        next.start();
      }
    } finally {
      this.#pumping = false;
    }
  }

  #start(lane: Lane, { slot, prepared }: Entry): void {
    if (slot.closed) {
      this.#running -= 1;
      return;
    }
    lane.busy = true;
    const turn = new LaneTurn(this.#places, slot.order);
    const failing = this.#runner.failing(lane.key);
    const done =
      failing === undefined ? this.#runner.run(slot, { turn, prepared }) : this.#startAfter(failing, slot, turn);
    if (done === undefined) this.#finished(lane, turn);
    else
      done.then(
        () => this.#finished(lane, turn),
        (error: unknown) => this.#broken(slot, error),
      );
  }

  /** A deferred record of this key has failed, and what becomes of it decides whether its successors may run. */
  async #startAfter(failing: Promise<void>, slot: RecordSlot, turn: LaneTurn): Promise<void> {
    turn.yield();
    for (let next: Promise<void> | undefined = failing; next !== undefined; next = this.#runner.failing(slot.lane))
      await next;
    await turn.take();
    // Looked at here: between the answer and this line the session may have ended.
    if (this.#parts.life.accepting) await this.#runner.run(slot, { turn });
    else this.#runner.abandon(slot, 'no further handler starts');
  }

  #finished(lane: Lane, turn: LaneTurn): void {
    lane.busy = false;
    lane.entries.shift();
    if (lane.entries.length === 0) this.#remove(lane);
    else this.#offer(lane);
    turn.yield();
  }

  #remove(lane: Lane): void {
    this.#lanes.delete(lane.key);
    if (this.#lanes.size === 0) this.#onIdle?.();
  }

  /** The record stays unsettled, so no checkpoint passes it. */
  #broken(slot: RecordSlot, error: unknown): void {
    const message = `The runtime failed with the record ${slot.record.id}; this is a defect of Millrace.`;
    const failure = new MillraceError('PROTOCOL_VIOLATION', message, { cause: toError(error) });
    this.#parts.report.log.error({ err: failure }, message);
    this.#parts.requestStop(failure);
  }

  /** No handler starts any more: what has not begun is given up, and those who wait for their turn are told. */
  #giveUp(): void {
    for (const lane of this.#lanes.values()) {
      const waiting = lane.entries.splice(lane.busy ? 1 : 0);
      for (const { slot } of waiting) this.#runner.abandon(slot, 'no further handler starts');
      if (!lane.busy) this.#remove(lane);
    }
    for (let next = this.#ready.pop(); next !== undefined; next = this.#ready.pop()) {
      this.#running += 1;
      next.start();
    }
  }
}

interface Places {
  readonly accepting: () => boolean;
  readonly release: () => void;
  readonly wait: (candidate: Candidate) => void;
}

/** One record's place among the handlers that run at once: given back while it waits for its next attempt. */
class LaneTurn implements Turn {
  readonly #places: Places;
  readonly #order: number;
  #held = true;

  constructor(places: Places, order: number) {
    this.#places = places;
    this.#order = order;
  }

  yield(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#places.release();
  }

  async take(): Promise<void> {
    if (this.#held || !this.#places.accepting()) return;
    await new Promise<void>((resolve) => {
      this.#places.wait({ order: this.#order, start: resolve });
    });
    this.#held = true;
  }
}
