/**
 * Lets records gather across deliveries: the batch handler is called with `maxItems`, or `maxWaitMs` after the first of them
 * was taken, whichever comes first. A delivery is done here as soon as its records have entered the window, so the daemon
 * may fetch the next one meanwhile (ack-ahead); a full window is what holds the daemon back, and what has gathered then runs
 * at once, because waiting would not add to it.
 *
 * Calls come strictly one after the other. What was taken before the session drains is still called once, within the drain
 * budget and as long as everything before it has settled; after lease doubt nothing is.
 */
import { MillraceError, toError } from '../errors.js';
import type { Timer } from '../ports.js';
import type { Entry } from './batch-runner.js';
import type { BatchSource } from './delivered-batches.js';
import { untilAborted } from './race.js';
import type { RecordSlot } from './record-slot.js';
import type { LastBatch } from './session-parts.js';

export interface Gathering {
  readonly maxItems: number | undefined;
  readonly maxWaitMs: number;
}

interface Waiting extends Entry {
  readonly takenAtMs: number;
}

export class GatheredBatches {
  readonly #source: BatchSource;
  readonly #maxItems: number;
  readonly #maxWaitMs: number;
  /** In order; what a call gets is taken from the front. */
  readonly #waiting: Waiting[] = [];
  #items = 0;
  #batch: LastBatch = { millisBehindLatest: undefined };
  #running = false;
  /** A record is held back by the window, or none comes any more: there is nothing to wait for. */
  #hurries = false;
  #timer: Timer | undefined;
  #onIdle: (() => void) | undefined;

  constructor(source: BatchSource, { maxItems, maxWaitMs }: Gathering) {
    this.#source = source;
    this.#maxItems = maxItems ?? Number.POSITIVE_INFINITY;
    this.#maxWaitMs = maxWaitMs;
    source.parts.life.intake.addEventListener('abort', () => this.#pump(), { once: true });
  }

  /** Resolves when every slot has been taken, or was abandoned because no handler starts any more. */
  async run(slots: readonly RecordSlot[], batch: LastBatch): Promise<void> {
    const { parts, runner } = this.#source;
    this.#batch = batch;
    for (const slot of slots) {
      await this.#whenRoomFor(slot);
      const preparing = parts.life.accepting ? runner.prepare(slot) : undefined;
      const entry = preparing instanceof Promise ? await preparing : preparing;
      if (entry === undefined) runner.abandon(slot);
      else if (entry.prepared.kind === 'filtered') runner.filter(slot);
      else this.#take(entry);
    }
  }

  /** Calls the handler with what has gathered; resolves when nothing runs or waits any more, or when it is all given up. */
  async whenIdle(): Promise<void> {
    this.#hurries = true;
    this.#pump();
    if (!this.#running) return;
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    await untilAborted(idle, this.#source.parts.life.over);
  }

  async #whenRoomFor(slot: RecordSlot): Promise<void> {
    const { parts, window } = this.#source;
    if (window.hasRoomFor(slot) || !parts.life.accepting) return;
    this.#hurries = true;
    this.#pump();
    await window.whenRoomFor(slot);
    this.#hurries = false;
  }

  #take(entry: Entry): void {
    const { parts, window } = this.#source;
    window.enter(entry.slot);
    this.#waiting.push({ ...entry, takenAtMs: parts.ports.clock.monotonicMs() });
    if (entry.prepared.kind === 'ready') this.#items += 1;
    this.#pump();
  }

  /** Starts the next call if one is due, or sees to it that somebody looks again in time. */
  #pump(): void {
    if (this.#running) return;
    this.#timer?.cancel();
    const [first] = this.#waiting;
    if (first === undefined) return;
    const { clock } = this.#source.parts.ports;
    const leftMs = first.takenAtMs + this.#maxWaitMs - clock.monotonicMs();
    if (leftMs > 0 && !this.#isDue()) {
      this.#timer = clock.setTimer(leftMs, () => this.#pump(), 'pause');
      return;
    }
    this.#running = true;
    this.#runNext().then(
      () => this.#finished(),
      (error: unknown) => this.#broken(error),
    );
  }

  #isDue(): boolean {
    return this.#hurries || this.#items >= this.#maxItems || !this.#source.parts.life.accepting;
  }

  async #runNext(): Promise<void> {
    const { parts, runner } = this.#source;
    const { life } = parts;
    const entries = this.#cut();
    const mayStart = (): boolean => life.mayFinish;
    const ended = await runner.run(entries, { batch: this.#batch, mayStart });
    // Nothing may run behind a record that was given up: its next owner runs both, in order.
    if (!ended && !life.accepting) this.#giveUp();
  }

  #finished(): void {
    this.#running = false;
    this.#pump();
    if (!this.#running && this.#waiting.length === 0) this.#onIdle?.();
  }

  /** What cannot be decoded is no item, so it goes with those before it. */
  #cut(): readonly Waiting[] {
    let items = 0;
    let length = 0;
    for (const { prepared } of this.#waiting) {
      if (items === this.#maxItems && prepared.kind === 'ready') break;
      length += 1;
      if (prepared.kind === 'ready') items += 1;
    }
    this.#items -= items;
    return this.#waiting.splice(0, length);
  }

  #giveUp(): void {
    for (const { slot } of this.#waiting.splice(0)) this.#source.runner.abandon(slot);
    this.#items = 0;
  }

  /** The records stay unsettled, so no checkpoint passes them. */
  #broken(error: unknown): void {
    const { report, requestStop } = this.#source.parts;
    const message = 'The runtime failed with a batch; this is a defect of Millrace.';
    const failure = new MillraceError('PROTOCOL_VIOLATION', message, { cause: toError(error) });
    report.log.error({ err: failure }, message);
    requestStop(failure);
  }
}
