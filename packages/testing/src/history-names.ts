/** Short names that do not change from run to run: records by their order of delivery, shards and sessions as the bed calls them. */
import type { PositionData } from '@millrace/core';
import type { HistoryEntry } from './history.js';

/** `shardId:sequenceNumber:subSequenceNumber`, as everywhere. */
export function recordIdOf(shardId: string, { sequenceNumber, subSequenceNumber }: PositionData): string {
  return `${shardId}:${sequenceNumber}:${subSequenceNumber}`;
}

export class HistoryNames {
  readonly #records = new Map<string, number>();
  readonly #shards = new Map<string, string>();
  readonly #sessions = new Map<string, string>();

  constructor(entries: readonly HistoryEntry[]) {
    for (const entry of entries) this.#read(entry);
  }

  /** `#3`; the id itself for a record that nobody delivered. */
  record(recordId: string): string {
    const number = this.#records.get(recordId);
    return number === undefined ? recordId : `#${number}`;
  }

  /** `#1..#3, #7`, in the order given. */
  records(recordIds: readonly string[]): string {
    const runs: [first: string, last: string][] = [];
    let before: number | undefined;
    for (const id of recordIds) {
      const number = this.#records.get(id);
      const run = runs.at(-1);
      if (run !== undefined && number !== undefined && before === number - 1) run[1] = this.record(id);
      else runs.push([this.record(id), this.record(id)]);
      before = number;
    }
    return runs.map(([first, last]) => (first === last ? first : `${first}..${last}`)).join(', ');
  }

  /** The record at a position, else the position itself. */
  position(shardId: string, { sequenceNumber, subSequenceNumber }: PositionData): string {
    const id = recordIdOf(shardId, { sequenceNumber, subSequenceNumber });
    if (this.#records.has(id)) return this.record(id);
    return subSequenceNumber === 0 ? sequenceNumber : `${sequenceNumber}/${subSequenceNumber}`;
  }

  target(shardId: string, target: PositionData | 'SHARD_END'): string {
    return target === 'SHARD_END' ? target : this.position(shardId, target);
  }

  /** `A`, or what is special in the shard's id. */
  shard(shardId: string): string {
    return this.#shards.get(shardId) ?? shardId.replace(/^shardId-0*(?=.)/, '');
  }

  /** `A/1`: the shard and which session of it. */
  session(sessionId: string): string {
    return this.#sessions.get(sessionId) ?? sessionId;
  }

  /** The same text with these names in the place of ids. */
  within(text: string): string {
    const named = text.replaceAll(/[\w.-]+:\d+:\d+/g, (id) => this.record(id));
    return [...this.#shards].reduce((left, [id, name]) => left.replaceAll(id, name), named);
  }

  #read(entry: HistoryEntry): void {
    if ('sessionId' in entry) this.#meet(entry.sessionId, entry.shardId);
    if (entry.kind !== 'daemonSent' || entry.message.kind !== 'processRecords') return;
    for (const record of entry.message.records) {
      const id = recordIdOf(entry.shardId, record);
      if (!this.#records.has(id)) this.#records.set(id, this.#records.size + 1);
    }
  }

  /** Beds call sessions `A/1`; any other id is replaced, because it may be a new one in every run. */
  #meet(sessionId: string, shardId: string): void {
    if (this.#sessions.has(sessionId) || shardId === '') return;
    const ofBed = /^(.+)\/\d+$/.exec(sessionId)?.[1];
    if (ofBed !== undefined) this.#shards.set(shardId, ofBed);
    const shard = this.shard(shardId);
    const before = [...this.#sessions.values()].filter((name) => name.startsWith(`${shard}/`)).length;
    this.#sessions.set(sessionId, ofBed === undefined ? `${shard}/${before + 1}` : sessionId);
  }
}
