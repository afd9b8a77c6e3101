/** When the watermark is written. */
import type { CheckpointPolicy } from '../definition/definition.js';

export interface SinceCheckpoint {
  /** Records settled since the last checkpoint that the daemon stored. */
  readonly settled: number;
  readonly elapsedMs: number;
}

export type Moment = 'recordSettled' | 'batchDone' | 'timer';

/** Whether a checkpoint is due; the caller knows whether the watermark moved at all. */
export function checkpointDue(policy: CheckpointPolicy, moment: Moment, since: SinceCheckpoint): boolean {
  switch (policy.kind) {
    case 'record':
      return since.settled > 0;
    case 'batch':
      return moment === 'batchDone';
    case 'manual':
      // Only the handler's own calls write. Shard end and shutdown do not ask here.
      return false;
    case 'periodic':
      return (
        (policy.everyMs !== undefined && since.elapsedMs >= policy.everyMs) ||
        (policy.everyRecords !== undefined && since.settled >= policy.everyRecords)
      );
    default:
      return policy satisfies never;
  }
}
