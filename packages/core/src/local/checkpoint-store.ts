/** Where the local engine keeps checkpoints; a write resolves only when it is durable. */
import type { CheckpointTarget } from '../protocol/messages.js';

export interface CheckpointStore {
  get(shardId: string): CheckpointTarget | undefined;
  /** Rejects with a DaemonError to answer the worker's checkpoint with that Java class name. */
  put(shardId: string, target: CheckpointTarget): Promise<void>;
  close(): Promise<void>;
}
