/**
 * How far a session may run ahead of its oldest unsettled record: the limit that lanes, deferred and undeclared records run
 * into. What is settled and waits for an older record counts, because it takes memory and is delivered again after a crash.
 */
import { MillraceError } from '../errors.js';
import type { Watermark } from '../policy/watermark.js';
import type { Clock } from '../ports.js';
import { ABORT_GRACE_MS } from './attempt.js';
import type { Holds } from './holds.js';
import type { RecordSlot } from './record-slot.js';
import type { SessionLife } from './session-life.js';

export interface WindowOptions {
  readonly limit: number;
  readonly watermark: Watermark<RecordSlot>;
  /** How long a full window may stand still before it counts as held: where deliveries are acknowledged ahead, being full is how back-pressure works. */
  readonly patienceMs: number;
  readonly life: SessionLife;
  readonly holds: Holds;
  readonly clock: Clock;
}

export class Window {
  readonly #options: WindowOptions;
  #count = 0;
  #wake: (() => void) | undefined;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  /** Whether the record may start. The oldest unsettled one always may. */
  hasRoomFor({ order }: RecordSlot): boolean {
    const { watermark, limit } = this.#options;
    return order - (watermark.oldest?.order ?? order) < limit;
  }

  /** The record is somebody's work from here on, until it is settled or abandoned; entering twice counts once. */
  enter(slot: RecordSlot): void {
    if (slot.inWindow) return;
    slot.inWindow = true;
    this.#count += 1;
  }

  leave(slot: RecordSlot): void {
    if (!slot.inWindow) return;
    slot.inWindow = false;
    this.#count -= 1;
    this.#wake?.();
  }

  /** Resolves when there is room, or when no handler may start anyway; the shard is held meanwhile, and says so. */
  whenRoomFor(slot: RecordSlot): Promise<void> {
    const { life, limit, patienceMs } = this.#options;
    return this.#until({
      reached: () => this.hasRoomFor(slot),
      giveUp: life.intake,
      patienceMs,
      why: () =>
        `${slot.record.id} would be ${limit} records ahead of the oldest that is not settled (${this.#oldest()}), and maxInFlight is ${limit}`,
    });
  }

  /** Resolves when nothing is left in the window, or when the session gives its records up. */
  whenEmpty(): Promise<void> {
    return this.#until({
      reached: () => this.#count === 0,
      giveUp: this.#options.life.over,
      patienceMs: ABORT_GRACE_MS,
      why: () => `the shard ends, and ${this.#count} of its records are started and not settled`,
    });
  }

  #oldest(): string {
    return this.#options.watermark.oldest?.record.id ?? 'none';
  }

  async #until({ reached, giveUp, patienceMs, why }: Waiting): Promise<void> {
    if (reached() || giveUp.aborted) return;
    const { holds, clock } = this.#options;
    const hold = (): void => holds.hold(undefined, why(), unsettled());
    if (patienceMs === 0) hold();
    const timer = patienceMs === 0 ? undefined : clock.setTimer(patienceMs, hold);
    while (!reached() && !giveUp.aborted) await this.#change(giveUp);
    timer?.cancel();
    holds.release();
  }

  #change(giveUp: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        giveUp.removeEventListener('abort', wake);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = wake;
      giveUp.addEventListener('abort', wake, { once: true });
    });
  }
}

interface Waiting {
  readonly reached: () => boolean;
  readonly giveUp: AbortSignal;
  readonly patienceMs: number;
  readonly why: () => string;
}

function unsettled(): MillraceError {
  return new MillraceError(
    'HANDLER_FAILED',
    'Records are started and not settled; they settle when their handlers complete, with context.checkpoint() under manual, or with deferred.done().',
  );
}
