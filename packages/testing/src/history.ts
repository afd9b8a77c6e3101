/** Everything that happened in a bed, in order, as plain data: what matchers, invariants and timelines read. */
import type { DeadLetterEntry, PositionData, SessionEvent } from '@millrace/core';
import type { DaemonMessage, WorkerLine } from '@millrace/core/internal';

interface Common {
  /** Virtual milliseconds since the bed opened. */
  readonly atMs: number;
}

interface InSession extends Common {
  readonly shardId: string;
  readonly sessionId: string;
}

export type HistoryEntry =
  /** What the runtime told its observer. */
  | (InSession & { readonly kind: 'event'; readonly event: SessionEvent })
  | (InSession & { readonly kind: 'daemonSent'; readonly message: DaemonMessage })
  | (InSession & { readonly kind: 'workerSent'; readonly line: WorkerLine })
  /** What no worker may do; see ShardDaemon. */
  | (InSession & { readonly kind: 'misbehaved'; readonly what: string; readonly detail: string })
  /** A handler was called with this record: what it was given, before it could change anything. */
  | (Common & { readonly kind: 'handed'; readonly shardId: string; readonly record: HandedRecord })
  /** The checkpoint store has it. */
  | (Common & { readonly kind: 'stored'; readonly shardId: string; readonly target: PositionData | 'SHARD_END' })
  /** The sink has it. */
  | (Common & { readonly kind: 'parked'; readonly entry: DeadLetterEntry });

/** A record in the hands of a handler; its bytes as a digest, because handlers may write into them. */
export interface HandedRecord {
  readonly id: string;
  readonly partitionKey: string;
  readonly digest: string;
}

/** A record as a bed delivered it. */
export interface DeliveredRecord {
  /** `shardId:sequenceNumber:subSequenceNumber` */
  readonly id: string;
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  readonly partitionKey: string;
  readonly data: Uint8Array;
}

export class History {
  readonly entries: HistoryEntry[] = [];
  readonly #watchers = new Set<(entry: HistoryEntry) => void>();

  add(entry: HistoryEntry): void {
    this.entries.push(entry);
    for (const watcher of this.#watchers) watcher(entry);
  }

  /** Hears of each entry as it is added, inside of what it tells of, until the function that it gives is called. */
  watch(watcher: (entry: HistoryEntry) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** The runtime's events of one kind, in order. */
  events<K extends SessionEvent['kind']>(kind: K): readonly Extract<SessionEvent, { kind: K }>[] {
    return this.entries.flatMap((entry) =>
      entry.kind === 'event' && entry.event.kind === kind ? [entry.event as Extract<SessionEvent, { kind: K }>] : [],
    );
  }

  /** What became of a record: undefined while it is not settled. */
  settled(recordId: string): Extract<SessionEvent, { kind: 'recordSettled' }> | undefined {
    return this.events('recordSettled').find((event) => event.recordId === recordId);
  }

  /** The checkpoints that the store has taken, oldest first; of one shard or of all. */
  stored(shardId?: string): readonly (PositionData | 'SHARD_END')[] {
    return this.entries.flatMap((entry) =>
      entry.kind === 'stored' && (shardId === undefined || entry.shardId === shardId) ? [entry.target] : [],
    );
  }
}
