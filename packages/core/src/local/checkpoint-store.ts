/** Where the local engine keeps checkpoints; a write resolves only when it is durable. */
import type { CheckpointTarget } from '../protocol/messages.js';

export interface CheckpointStore {
  /** True until the first put of the application's life: what is started then is started for the first time. */
  readonly empty: boolean;
  /**
   * Undefined for a shard that was never known. Before a shard's first checkpoint its sequence number is `TRIM_HORIZON`,
   * `LATEST` or `AT_TIMESTAMP`, as in KCL's lease table: a later start then knows which shards came into being meanwhile.
   */
  get(shardId: string): CheckpointTarget | undefined;
  /** Rejects with a DaemonError to answer the worker's checkpoint with that Java class name. */
  put(shardId: string, target: CheckpointTarget): Promise<void>;
  close(): Promise<void>;
}
