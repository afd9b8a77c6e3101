/** Where a scenario of `eachRuntime` is played. */
import type { SettledHow } from '@millrace/core';
import type { FakeCheckpoints } from './fake-checkpoints.js';
import type { History } from './history.js';
import type { TestShard } from './test-shard.js';

/** What the runtimes have in common: the shards of a bed. */
export interface RuntimeStage {
  readonly checkpoints: FakeCheckpoints;
  readonly history: History;
  readonly shards: readonly TestShard[];
  shard(which: string | number): TestShard;
  /** All that a move has brought about has happened. */
  quiet(): Promise<void>;
  split(which: string | number): Promise<unknown>;
  crash(): Promise<void>;
  /** Stops the worker, looks, and lets go of everything. @returns how records were settled, in order of their shards */
  stop(): Promise<readonly SettledRecord[]>;
  /** After a failure: nothing is left behind. */
  abandon(): Promise<void>;
}

export interface SettledRecord {
  readonly recordId: string;
  readonly how: SettledHow;
}
