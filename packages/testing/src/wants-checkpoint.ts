/** When a quiet shard would write a checkpoint in a heartbeat. */
import type { ConsumerDefinition } from '@millrace/core';
import type { TestShard } from './test-shard.js';

/** Records were settled after the shard's last checkpoint, and the policy is one of time. */
export function wantsCheckpoint(shard: TestShard, { checkpoint }: ConsumerDefinition): boolean {
  if (checkpoint.kind !== 'periodic' || checkpoint.everyMs === undefined || !shard.acceptsRecords) return false;
  if (shard.unanswered !== undefined) return false;
  const { entries } = shard.history;
  const settled = entries.findLastIndex(
    (entry) => entry.kind === 'event' && entry.shardId === shard.shardId && entry.event.kind === 'recordSettled',
  );
  const stored = entries.findLastIndex((entry) => entry.kind === 'stored' && entry.shardId === shard.shardId);
  return settled > stored;
}
