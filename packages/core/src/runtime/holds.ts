/**
 * What is held and since when. A held record stops its shard's progress on purpose; this file makes sure that nobody has
 * to guess it: an event, a log line, the status, and warnings as the record's age comes near the stream's retention.
 */
import type { Clock, Timer } from '../ports.js';
import type { RecordSlot } from './record-slot.js';
import type { Reporter } from './reporter.js';
import type { HeldRecord } from './shard-status.js';

export interface Held {
  readonly recordId: string | undefined;
  readonly why: string;
  readonly error: Error;
  readonly sinceMs: number;
  /** Undefined when the shard is held as a whole. */
  readonly slot: RecordSlot | undefined;
}

const WARN_AT_PERCENT: readonly number[] = [75, 50, 25];
const AGE_CHECK_MS = 60_000;

export interface HoldsOptions {
  readonly clock: Clock;
  readonly report: Reporter;
  /** The stream's retention; undefined when it is not known here. */
  readonly retentionMs: number | undefined;
}

export class Holds {
  readonly #options: HoldsOptions;
  /** By record id; the window of a whole shard is held under the empty id. */
  readonly #held = new Map<string, Held>();
  #ageTimer: Timer | undefined;
  #warnedPercent = 0;

  constructor(options: HoldsOptions) {
    this.#options = options;
  }

  /** What has been held longest. */
  get current(): Held | undefined {
    return this.#held.values().next().value;
  }

  get count(): number {
    return this.#held.size;
  }

  of(recordId: string): Held | undefined {
    return this.#held.get(recordId);
  }

  /** The first so many, the longest held first. */
  list(limit: number): readonly HeldRecord[] {
    const { clock } = this.#options;
    return [...this.#held.values()].slice(0, limit).map(({ recordId, why, error, sinceMs, slot }) => ({
      recordId,
      why,
      heldMs: clock.monotonicMs() - sinceMs,
      ageMs: slot?.arrivedAt === undefined ? undefined : Math.max(0, clock.now() - slot.arrivedAt),
      attempts: slot?.attempts ?? 0,
      error: { name: error.name, message: error.message },
    }));
  }

  /** Notes a hold; noting the same record again changes nothing. A batch that is held as a whole is one log line. */
  hold(slot: RecordSlot | undefined, why: string, error: Error): void {
    const recordId = slot?.record.id;
    this.#hold(recordId ?? '', slot, { recordId, why, error, slot });
  }

  /** Holds the whole shard for a reason that no record gives; `oldest` is the one whose age is watched meanwhile. */
  holdShard(reason: 'breaker', oldest: RecordSlot | undefined, { why, error }: Pick<Held, 'why' | 'error'>): void {
    this.#hold(reason, oldest, { recordId: undefined, why, error, slot: undefined });
  }

  /** As `release`; asked for every record that settles, and nearly always nothing is held. */
  releaseRecord({ record }: RecordSlot): void {
    if (this.#held.size > 0) this.release(record.id);
  }

  release(recordId?: string): void {
    this.#release(recordId ?? '', recordId);
  }

  releaseShard(reason: 'breaker'): void {
    this.#release(reason, undefined);
  }

  #hold(key: string, watched: RecordSlot | undefined, held: Omit<Held, 'sinceMs'>): void {
    if (this.#held.has(key)) return;
    const { clock, report } = this.#options;
    const first = this.#held.size === 0;
    this.#held.set(key, { ...held, sinceMs: clock.monotonicMs() });
    const { recordId, why, error } = held;
    report.emit({ kind: 'held', recordId, why, error });
    if (!first) return;
    report.log.error({ recordId, err: error }, `The shard is held: ${why}`);
    if (watched !== undefined) this.#watchAge(watched);
  }

  #release(key: string, recordId: string | undefined): void {
    if (!this.#held.delete(key)) return;
    const { report } = this.#options;
    report.emit({ kind: 'released', recordId });
    if (this.#held.size > 0) return;
    this.#ageTimer?.cancel();
    this.#warnedPercent = 0;
    report.log.info({ recordId }, 'The shard goes on.');
  }

  /** Stops watching when the session ends. */
  end(): void {
    this.#ageTimer?.cancel();
  }

  #watchAge(slot: RecordSlot): void {
    const { clock, report, retentionMs } = this.#options;
    this.#ageTimer?.cancel();
    if (slot.arrivedAt === undefined || retentionMs === undefined) return;
    const ageMs = clock.now() - slot.arrivedAt;
    const percent = (ageMs / retentionMs) * 100;
    const passed = WARN_AT_PERCENT.find((limit) => percent >= limit) ?? 0;
    if (passed > this.#warnedPercent) {
      this.#warnedPercent = passed;
      report.log.warn(
        { recordId: slot.record.id, ageMs, retentionMs },
        `The held record has used ${passed} % of the stream's retention; after that Kinesis forgets it.`,
      );
    }
    this.#ageTimer = clock.setTimer(AGE_CHECK_MS, () => this.#watchAge(slot));
  }
}
