/** What the shards of a bed share. */
import type { PositionData } from '@millrace/core';
import type { ByteChannel, MessageTimeout, ShardRunner, WireRecord } from '@millrace/core/internal';
import type { DeliveredWires } from './delivered-wires.js';
import type { History } from './history.js';
import type { TestRecord } from './record-builders.js';
import type { VirtualClock } from './virtual-clock.js';

/** What serves the sessions of a shard: the production runner. */
export type ShardServer = Pick<ShardRunner, 'run' | 'drain' | 'status'>;

export interface BedParts {
  readonly clock: VirtualClock;
  readonly history: History;
  /** Where a lease without a checkpoint begins: the sentinel of the consumer's initial position. */
  readonly start: PositionData;
  /** Empty batches are delivered (callProcessRecordsEvenForEmptyRecordList). */
  readonly heartbeat: boolean;
  /** The daemon halts when a message takes longer (timeoutInSeconds). */
  readonly messageTimeout: MessageTimeout | undefined;
  /** Gives a record its place in the stream: the next sequence number, and sub-sequence numbers to KPL records. */
  place(record: TestRecord): readonly WireRecord[];
  readonly wires: DeliveredWires;
  openRunner(sessionId: string, channel: ByteChannel): ShardServer;
  /** The Java class name that the next checkpoint is answered with; undefined stores it. */
  nextCheckpointError(): string | undefined;
  /** A session broke: the test fails with this, whatever else it finds. */
  failed(error: Error): void;
  /** The process dies and another one starts. */
  crash(): Promise<void>;
  /** Lets everything that can go on go on, without moving the clock. */
  settle(): Promise<void>;
  /** Moves the clock on until the promise settles. */
  advanceUntil(promise: Promise<unknown>): Promise<void>;
}
