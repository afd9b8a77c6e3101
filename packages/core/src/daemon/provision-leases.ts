/**
 * The first leases of an application, as KCL 3.1.3 would write them into its empty table. Pure.
 *
 * L1 The shards are those of the initial position: KCL asks ListShards for exactly them, and finds their children by reading
 *    them to their end. A child that had a lease from the start would be read from the initial position, not its beginning.
 * L2 The shards cover every hash key exactly once, or nothing is written: what no shard covers would not be read.
 * L3 All leases in one transaction or none: with some leases a table is no longer new to KCL, and shards without a lease
 *    would begin elsewhere.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { ShardFilter } from '@aws-sdk/client-kinesis';
import type { InitialPosition } from '../config/resolved.js';

/** A shard as ListShards tells it. */
export interface ListedShard {
  readonly shardId: string;
  /** None, one (split) or two (merge), listed or forgotten. */
  readonly parentShardIds: readonly string[];
  readonly closed: boolean;
  /** Decimal, from 0 to 2^128 - 1. */
  readonly startingHashKey: string;
  readonly endingHashKey: string;
}

export type LeaseRow = Readonly<Record<string, AttributeValue>>;

export type LeasePlan =
  | { readonly kind: 'leases'; readonly rows: readonly LeaseRow[]; readonly shardIds: readonly string[] }
  /** The list may have been made while the stream changed: another list can be complete. */
  | { readonly kind: 'incomplete'; readonly reason: string }
  | { readonly kind: 'tooMany'; readonly shards: number };

/** What DynamoDB takes in one transaction. */
export const LEASES_MAX = 100;

/** The list of shards that belongs to an initial position (L1). */
export function shardFilterOf(position: InitialPosition): ShardFilter {
  switch (position.kind) {
    case 'TRIM_HORIZON':
      return { Type: 'AT_TRIM_HORIZON' };
    case 'LATEST':
      return { Type: 'AT_LATEST' };
    case 'AT_TIMESTAMP':
      return { Type: 'AT_TIMESTAMP', Timestamp: new Date(position.timestampMs) };
    default:
      return position satisfies never;
  }
}

/** @param owner - the id of a worker that is about to start alone: it takes its leases up at once. */
export function planLeases(listed: readonly ListedShard[], position: InitialPosition, owner?: string): LeasePlan {
  const shards = shardsAt(listed, position).toSorted((left, right) =>
    BigInt(left.startingHashKey) < BigInt(right.startingHashKey) ? -1 : 1,
  );
  const gap = findGap(shards);
  if (gap !== undefined) return { kind: 'incomplete', reason: gap };
  if (shards.length > LEASES_MAX) return { kind: 'tooMany', shards: shards.length };
  const owned = owner === undefined ? {} : { leaseOwner: { S: owner } };
  const rows = shards.map((shard) => ({ ...leaseRow(shard, position), ...owned }));
  return { kind: 'leases', rows, shardIds: shards.map(({ shardId }) => shardId) };
}

/** Emulators answer a filter with more than was asked for: with children beside parents, or with closed shards. */
function shardsAt(listed: readonly ListedShard[], { kind }: InitialPosition): readonly ListedShard[] {
  if (kind === 'LATEST') return listed.filter(({ closed }) => !closed);
  const ids = new Set(listed.map(({ shardId }) => shardId));
  return listed.filter(({ parentShardIds }) => !parentShardIds.some((parent) => ids.has(parent)));
}

const HASH_KEY_MAX = 2n ** 128n - 1n;

/** What is wrong with the cover of the hash keys (L2); the shards come in order. */
function findGap(shards: readonly ListedShard[]): string | undefined {
  if (shards.length === 0) return 'the stream lists no shards';
  let next = 0n;
  let before = 'the first hash key';
  for (const { shardId, startingHashKey, endingHashKey } of shards) {
    const start = BigInt(startingHashKey);
    if (start !== next) return `there is ${start > next ? 'a gap' : 'an overlap'} between ${before} and ${shardId}`;
    next = BigInt(endingHashKey) + 1n;
    before = shardId;
  }
  return next === HASH_KEY_MAX + 1n ? undefined : `there is a gap between ${before} and the last hash key`;
}

function leaseRow({ shardId, parentShardIds, ...range }: ListedShard, position: InitialPosition): LeaseRow {
  return {
    leaseKey: { S: shardId },
    checkpoint: { S: position.kind },
    checkpointSubSequenceNumber: { N: '0' },
    leaseCounter: { N: '0' },
    ownerSwitchesSinceCheckpoint: { N: '0' },
    startingHashKey: { S: range.startingHashKey },
    endingHashKey: { S: range.endingHashKey },
    // A shard keeps the names of its parents after the stream has forgotten them; KCL does not wait for those.
    ...(parentShardIds.length === 0 ? {} : { parentShardId: { SS: [...parentShardIds] } }),
  };
}
