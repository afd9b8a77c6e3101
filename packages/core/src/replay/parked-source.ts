/** What was parked somewhere, to look at and to take out. */
import type { Clock, DeadLetterEntry } from '../ports.js';

export interface ParkedItem {
  readonly entry: DeadLetterEntry;
  /** For people: a file and its line, the key of an object, the id of a message. */
  readonly place: string;
}

/** Nobody else works on it while it is taken, where the place can see to that. */
export interface TakenItem extends ParkedItem {
  /** Resolves once the entry is gone for good. */
  remove(): Promise<void>;
}

export type Wants = (entry: DeadLetterEntry) => boolean;

export interface ParkedSource {
  readonly label: string;
  /** A `sample` is not everything, and in no order. */
  readonly view: 'whole' | 'sample';
  /** Changes nothing. */
  look(signal: AbortSignal): AsyncGenerator<ParkedItem, void>;
  /** Takes the wanted entries for itself, as far as the place can; end it in any case. */
  take(wants: Wants): Promise<Taking>;
  close(): Promise<void>;
}

export interface Taking {
  /** In groups, each of one shard and in the order of its positions. Call it once. */
  groups(signal: AbortSignal): AsyncGenerator<readonly TakenItem[], void>;
  /** What was not removed by now stays parked. */
  end(): Promise<void>;
}

export interface SourcePorts {
  readonly clock: Clock;
  /** What somebody should know: something lies there that is no entry, and is left alone. */
  readonly note: (text: string) => void;
}
