/** Checkpoints for tests: nothing outlives the process. */
import type { CheckpointTarget } from '../protocol/messages.js';
import type { CheckpointStore } from './checkpoint-store.js';

export class MemoryCheckpointStore implements CheckpointStore {
  private readonly checkpoints: Map<string, CheckpointTarget>;

  constructor(checkpoints: Iterable<readonly [string, CheckpointTarget]> = []) {
    this.checkpoints = new Map(checkpoints);
  }

  get empty(): boolean {
    return this.checkpoints.size === 0;
  }

  get(shardId: string): CheckpointTarget | undefined {
    return this.checkpoints.get(shardId);
  }

  put(shardId: string, target: CheckpointTarget): Promise<void> {
    this.checkpoints.set(shardId, target);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
