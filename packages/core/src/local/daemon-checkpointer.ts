/**
 * The checkpoint rules of one lease, as KCL's ShardRecordProcessorCheckpointer has them:
 *
 * - legal is `last checkpoint <= x <= largest delivered`; outside it, and for what is no sequence number, IllegalArgumentException
 * - without a sub-sequence number it is 0; without any number it is the largest permitted value
 * - the stored value again succeeds without touching the store
 * - the last delivered position, given explicitly at shard end, is stored as SHARD_END (unless it was stored before: then
 *   nothing is written and the shard never ends)
 */
import type { CheckpointTarget, Position } from '../protocol/messages.js';
import { compareTargets, isPosition, isSequenceNumber } from '../protocol/position.js';
import type { CheckpointStore } from './checkpoint-store.js';
import { DaemonError } from './daemon-error.js';

export class DaemonCheckpointer {
  private last: CheckpointTarget;
  private largestPermitted: CheckpointTarget;
  private lastDeliveredAtShardEnd: CheckpointTarget | undefined;

  constructor(
    private readonly shardId: string,
    private readonly store: Pick<CheckpointStore, 'put'>,
    start: Position,
  ) {
    this.last = start;
    this.largestPermitted = start;
  }

  get endStored(): boolean {
    return this.last === 'SHARD_END';
  }

  /** Records up to the last checkpoint are not delivered again. */
  isDone(position: Position): boolean {
    return compareBounds(position, this.last) <= 0;
  }

  /** Called before a batch goes out: even while it is being handled, all of it may be checkpointed. */
  permitUpTo({ sequenceNumber, subSequenceNumber }: Position): void {
    const position = { sequenceNumber, subSequenceNumber };
    if (compareBounds(position, this.largestPermitted) > 0) this.largestPermitted = position;
  }

  permitShardEnd(): void {
    this.lastDeliveredAtShardEnd = this.largestPermitted;
    this.largestPermitted = 'SHARD_END';
  }

  /** Stores a checkpoint of the worker; undefined when it is stored, else the name of the Java exception. */
  async checkpoint(
    sequenceNumber: string | undefined,
    subSequenceNumber: number | undefined,
  ): Promise<string | undefined> {
    if (sequenceNumber === undefined) return this.advance(this.largestPermitted);
    const position = { sequenceNumber, subSequenceNumber: subSequenceNumber ?? 0 };
    const legal =
      isPosition(position) &&
      compareBounds(this.last, position) <= 0 &&
      compareBounds(position, this.largestPermitted) <= 0;
    return legal ? this.advance(position) : 'IllegalArgumentException';
  }

  private async advance(value: CheckpointTarget): Promise<string | undefined> {
    if (compareBounds(value, this.last) === 0) return undefined;
    const ends = this.lastDeliveredAtShardEnd !== undefined && compareBounds(value, this.lastDeliveredAtShardEnd) === 0;
    const target: CheckpointTarget = ends ? 'SHARD_END' : value;
    try {
      await this.store.put(this.shardId, target);
    } catch (error) {
      // A store that fails without a Java name of its own is trouble with a dependency, as DynamoDB would be.
      return error instanceof DaemonError ? error.javaName : 'KinesisClientLibDependencyException';
    }
    this.last = target;
    return undefined;
  }
}

/** A sentinel (`TRIM_HORIZON` and its like) lies before every sequence number. */
function compareBounds(a: CheckpointTarget, b: CheckpointTarget): number {
  if (isSentinel(a) || isSentinel(b)) return Number(isSentinel(b)) - Number(isSentinel(a));
  return compareTargets(a, b);
}

function isSentinel(bound: CheckpointTarget): boolean {
  return bound !== 'SHARD_END' && !isSequenceNumber(bound.sequenceNumber);
}
