/**
 * What workers of KCL tell each other in DynamoDB, as far as a supervisor has to know it: who owns which shard, and who leads.
 * It reads; the two rows that it may delete are the lock of a leader that is dead, and the sign of life of a worker that is.
 */
import type { LeaderRow } from './provision-ports.js';

/** One row of the lease table. */
export interface LeaseFacts {
  readonly shardId: string;
  /** The worker that is to run the shard. */
  readonly owner: string | undefined;
  /** Set while the lease is handed over: the worker that still runs the shard and may write its checkpoint. */
  readonly checkpointOwner: string | undefined;
  /** Its owner adds one to it every third of `failoverTimeMillis`; whoever assigns or drops it does as well. */
  readonly counter: number;
  /** A sequence number, or TRIM_HORIZON, LATEST, AT_TIMESTAMP, SHARD_END. */
  readonly checkpoint: string;
  readonly subSequenceNumber: number;
}

/** Every call ends within seconds. Each throws ACCESS_DENIED, ENDPOINT_UNREACHABLE, CREDENTIALS_MISSING or COORDINATION_FAILED. */
export interface Coordination {
  /** Every lease, consistently read; none when the table does not exist. */
  leases(signal?: AbortSignal): Promise<readonly LeaseFacts[]>;
  /** Undefined when there is no such lease, or no table. */
  lease(shardId: string, signal?: AbortSignal): Promise<LeaseFacts | undefined>;
  /** Undefined when nobody has led yet, or the lock was deleted. */
  leader(signal?: AbortSignal): Promise<LeaderRow | undefined>;
  /** Deletes the leader's row only if owner and version are still these. */
  deleteLeader(
    expected: { readonly owner: string; readonly version: string },
    signal?: AbortSignal,
  ): Promise<'deleted' | 'changed' | 'absent'>;
  /** When a worker last wrote its row of metrics, in milliseconds since the epoch; undefined for one that is on no list. */
  lastSeenMs(workerId: string, signal?: AbortSignal): Promise<number | undefined>;
  /**
   * Deletes a worker's row of metrics. KCL 3.1.3 takes whoever has written one within the last minute for alive, and assigns
   * shards to it: also to a worker that has ended in order.
   */
  forgetWorker(workerId: string, signal?: AbortSignal): Promise<void>;
  close(): void;
}
