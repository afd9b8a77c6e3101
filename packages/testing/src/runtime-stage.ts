/** Where a scenario of `eachRuntime` is played. */
import type { PositionData, SettledHow } from '@millrace/core';
import type { CheckpointFailure } from './fake-checkpoints.js';
import type { DeliveredRecord } from './history.js';
import type { TestRecord } from './record-builders.js';

/** What the runtimes have in common. Without a name, it is the first shard. */
export interface RuntimeStage {
  /** All that a move has brought about has happened. */
  quiet(): Promise<void>;
  deliver(shard: string | undefined, batch: readonly TestRecord[]): Promise<readonly PlacedRecord[]>;
  /** @param times - all until `recover` without it. */
  refuse(error: CheckpointFailure, times: number | undefined): void;
  recover(): void;
  loseLease(shard: string | undefined): Promise<void>;
  requestShutdown(shard: string | undefined): Promise<void>;
  split(shard: string | undefined): Promise<void>;
  crash(): Promise<void>;
  /** Stops the worker, looks, and lets go of everything. */
  stop(): Promise<StageSeen>;
  /** After a failure: nothing is left behind. */
  abandon(): Promise<void>;
}

/** One user record, where the stream has it. */
export type PlacedRecord = Pick<DeliveredRecord, 'id' | 'sequenceNumber' | 'subSequenceNumber'>;

export interface StageSeen {
  readonly shards: readonly StageShard[];
  /** In the order in which each shard's were settled. */
  readonly settled: readonly SettledRecord[];
}

export interface StageShard {
  readonly name: string;
  readonly shardId: string;
  /** Ids, of every delivery. */
  readonly delivered: readonly string[];
  /** Every checkpoint that was stored. */
  readonly stored: readonly (PositionData | 'SHARD_END')[];
}

export interface SettledRecord {
  readonly recordId: string;
  readonly how: SettledHow;
}
