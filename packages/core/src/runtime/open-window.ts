/** A window that takes records: its bounds, its state, and of its records only the first and the last position. */
import type { WindowBounds, WindowContext } from '../definition/context.js';
import type { Position } from '../protocol/messages.js';
import type { RecordSlot } from './record-slot.js';

/** The state of an open window, made when it is first asked for: a factory that throws fails the record that asked. */
export interface WindowState extends WindowBounds {
  state: unknown;
}

/** A record as its events name it. */
export interface RecordName {
  readonly recordId: string;
  readonly partitionKey: string;
}

export class OpenWindow implements WindowState {
  readonly startMs: number;
  readonly endMs: number;
  records = 0;
  first: Position | undefined;
  last: Position | undefined;
  /** When its first record arrived at Kinesis. */
  arrivedAt: number | undefined;
  /** Its records by name, where somebody watches single records; tests do. */
  readonly watched: (RecordName & { readonly attempts: number })[] = [];
  readonly #make: () => unknown;
  #state: { value: unknown } | undefined;

  constructor({ startMs, endMs }: WindowBounds, make: () => unknown) {
    this.startMs = startMs;
    this.endMs = endMs;
    this.#make = make;
  }

  get state(): unknown {
    this.#state ??= { value: this.#make() };
    return this.#state.value;
  }
  set state(value: unknown) {
    this.#state = { value };
  }

  take(slot: RecordSlot, watched: boolean): void {
    const { sequenceNumber, subSequenceNumber } = slot;
    this.records += 1;
    this.last = { sequenceNumber, subSequenceNumber };
    this.first ??= this.last;
    this.arrivedAt ??= slot.arrivedAt;
    if (watched)
      this.watched.push({ recordId: slot.record.id, partitionKey: slot.record.partitionKey, attempts: slot.attempts });
  }

  facts(shardId: string): Omit<WindowFacts, 'closedBy'> {
    const { startMs, endMs, records, first, last } = this;
    if (first === undefined || last === undefined) throw new TypeError('An empty window is not emitted.');
    const id = `${shardId}:${startMs}:${first.sequenceNumber}:${first.subSequenceNumber}`;
    return { id, startMs, endMs, records, last };
  }
}

export type WindowFacts = Pick<WindowContext, 'id' | 'startMs' | 'endMs' | 'records' | 'last' | 'closedBy'>;
