/**
 * What is in flight in one session, written where it outlives the process; which records a session is careful with, runs
 * alone or does not run is decided in policy/suspects.ts.
 *
 * F1 What a session writes stays in the page cache when its process dies, and nothing here waits for a disk.
 * F2 A session that follows no death writes once for each delivered batch, and nothing for a record.
 * F3 Each session has a file of its own: two sessions of one shard do not mix.
 */
import { MillraceError } from '../errors.js';
import type { FlightEntry } from '../policy/flight-lines.js';
import { type Life, type Past, pastOf, verdictOn } from '../policy/suspects.js';
import type { Position } from '../protocol/messages.js';
import { comparePositions } from '../protocol/position.js';
import type { Crew } from './crew.js';
import type { RecordSlot } from './record-slot.js';
import type { Reporter } from './reporter.js';
import type { SessionLife } from './session-life.js';

/** Where the sessions of a consumer in this process write. */
export interface FlightRecorder {
  readonly crew: Crew;
  /** What sessions of the shard have left whose process is dead; it is kept until `log` has been written to. */
  open(shardId: string): { readonly lives: readonly Life[]; readonly log: FlightLog };
}

/** The file of one session; nothing that fails here is anybody else's failure. */
export interface FlightLog {
  write(line: number, entry: FlightEntry): void;
  /** The lives before are taken over: what they have left can go. */
  takenOver(): void;
  /** @param keep - whether the next session is to read it. */
  close(keep: boolean): void;
}

export interface FlightsOptions {
  readonly recorder: FlightRecorder;
  readonly shardId: string;
  /** The checkpoint that the session starts from; undefined for none. */
  readonly startsAfter: Position | undefined;
  readonly life: SessionLife;
  readonly report: Reporter;
}

const DELIVERED_LINE = 0;

export class Flights {
  readonly #crew: Crew;
  readonly #life: SessionLife;
  readonly #log: FlightLog;
  readonly #suspects: Past['suspects'];
  /** Undefined: nothing is written for single records. */
  #carefulUpTo: Position | undefined;
  readonly #lines = new Map<RecordSlot, number>();
  readonly #freeLines: number[] = [];
  #linesUsed: number;
  #alone: RecordSlot | undefined;
  readonly #stuck = new Set<RecordSlot>();
  /** They ran, and the process is alive. */
  readonly #survivors = new WeakSet<RecordSlot>();

  constructor({ recorder, shardId, startsAfter, life, report }: FlightsOptions) {
    const { lives, log } = recorder.open(shardId);
    const past = pastOf(lives);
    const lies = (position: Position): boolean =>
      startsAfter === undefined || comparePositions(position, startsAfter) > 0;
    this.#crew = recorder.crew;
    this.#life = life;
    this.#log = log;
    this.#suspects = past.suspects.filter(({ to }) => lies(to));
    this.#carefulUpTo = past.carefulUpTo !== undefined && lies(past.carefulUpTo) ? past.carefulUpTo : undefined;
    this.#linesUsed = this.#suspects.length + 1;
    this.#suspects.forEach((suspect, index) => log.write(index + 1, { ...suspect, kind: 'suspect' }));
    log.takenOver();
    if (this.#carefulUpTo === undefined) return;
    report.log.warn(
      { suspects: this.#suspects.length, carefulUpTo: this.#carefulUpTo.sequenceNumber },
      'The process that served this shard before has died; what runs is written down until the records that it had are done.',
    );
  }

  /** A batch has come, and nothing of it has run. */
  delivered(last: RecordSlot, oldest: Position | undefined): void {
    this.#log.write(DELIVERED_LINE, { kind: 'delivered', upTo: last });
    const upTo = this.#carefulUpTo;
    if (upTo !== undefined && oldest !== undefined && comparePositions(oldest, upTo) > 0) this.#carefulUpTo = undefined;
  }

  /** A death has named nothing behind this position, so nothing is written for records there. */
  isCareful(slot: RecordSlot): boolean {
    return this.#carefulUpTo !== undefined && comparePositions(slot, this.#carefulUpTo) <= 0;
  }

  /** What keeps the record from running: it has ended the process too often. */
  refusal(slot: RecordSlot): MillraceError | undefined {
    if (!this.isCareful(slot) || verdictOn(slot, this.#suspects) !== 'guilty') return undefined;
    return new MillraceError(
      'SUSPECT_RECORD',
      `The process died again and again while the record ${slot.record.id} ran, the last time with nothing else beside it, so it is not run any more. Look at what its handler does with it: native code, memory, process.abort().`,
      { details: { recordId: slot.record.id } },
    );
  }

  runsAlone(slot: RecordSlot): boolean {
    return this.isCareful(slot) && !this.#survivors.has(slot) && verdictOn(slot, this.#suspects) === 'suspect';
  }

  /**
   * User code of the records from `slot` to `last` is about to run; undefined when it may at once. Resolves to false when
   * nothing starts any more.
   */
  enter(slot: RecordSlot, last: RecordSlot = slot): Promise<boolean> | undefined {
    if (this.#crew.closed || this.runsAlone(slot)) return this.#enterLater(slot, last);
    this.#takeOff(slot, last);
    return undefined;
  }

  left(slot: RecordSlot, how: 'survived' | 'abandoned'): void {
    if (how === 'survived' && this.#suspects.length > 0) this.#survivors.add(slot);
    this.#land(slot);
    if (!this.#stuck.delete(slot)) this.#crew.leave();
  }

  /** Nobody knows when it ends: whoever wants to be alone does not wait for it. It stays in flight. */
  stuck(slot: RecordSlot): void {
    if (this.#stuck.has(slot)) return;
    this.#stuck.add(slot);
    this.#releaseCrew(slot);
    this.#crew.leave();
  }

  /** @param settledUpTo - the watermark of the session. */
  end(settledUpTo: Position | undefined): void {
    const waits = ({ to }: Pick<Past['suspects'][number], 'to'>): boolean =>
      settledUpTo === undefined || comparePositions(to, settledUpTo) > 0;
    const keep = this.#suspects.some(waits);
    if (keep) this.#log.write(DELIVERED_LINE, { kind: 'ended' });
    this.#log.close(keep);
  }

  async #enterLater(slot: RecordSlot, last: RecordSlot): Promise<boolean> {
    const { intake } = this.#life;
    if (this.runsAlone(slot)) {
      if (!(await this.#crew.claim(intake))) return false;
      this.#alone = slot;
    } else while (this.#crew.closed) if (!(await this.#crew.whenOpen(intake))) return false;
    this.#takeOff(slot, last);
    return true;
  }

  #takeOff(slot: RecordSlot, last: RecordSlot): void {
    this.#crew.enter();
    if (!this.isCareful(slot)) return;
    const line = this.#freeLines.pop() ?? this.#linesUsed++;
    this.#lines.set(slot, line);
    this.#log.write(line, { kind: 'flying', from: slot, to: last, alone: this.#alone === slot });
  }

  #land(slot: RecordSlot): void {
    this.#releaseCrew(slot);
    const line = this.#lines.get(slot);
    if (line === undefined) return;
    this.#lines.delete(slot);
    this.#freeLines.push(line);
    this.#log.write(line, { kind: 'landed' });
  }

  #releaseCrew(slot: RecordSlot): void {
    if (this.#alone !== slot) return;
    this.#alone = undefined;
    this.#crew.release();
  }
}
