/**
 * A stream in memory that behaves as Kinesis does: shards own ranges of the MD5 hash space, sequence numbers grow over
 * the whole stream, split and merged shards close and stay readable.
 */
import { createHash } from 'node:crypto';
import { MillraceError, toError } from '../errors.js';
import type { Position } from '../protocol/messages.js';
import type {
  RecordSource,
  ShardRead,
  ShardReader,
  SourceRecord,
  SourceShard,
  StartingPosition,
  StreamFacts,
} from './source.js';

/** What a producer sends; `subSequenceNumber` makes a part of a KPL aggregate without building one. */
export interface MemoryRecord {
  readonly partitionKey: string;
  readonly data: Uint8Array;
  readonly explicitHashKey?: string;
  readonly subSequenceNumber?: number;
}

/** Where a record was put. */
export interface PutResult extends Position {
  readonly shardId: string;
}

export interface MemoryStreamOptions {
  readonly stream: string;
  /** Shards at the beginning, at least 1; they share the hash space evenly. */
  readonly shards: number;
  /** Milliseconds since the epoch, for arrival times. */
  readonly now: () => number;
  /** Default 24 hours. */
  readonly retentionMs?: number;
}

interface MemoryShard extends SourceShard {
  readonly firstHashKey: bigint;
  readonly lastHashKey: bigint;
  readonly records: SourceRecord[];
  closed: boolean;
}

const HASH_SPACE = 1n << 128n;
const DAY_MS = 86_400_000;
/** Real numbers are of this size and grow by steps of this size. */
const FIRST_SEQUENCE_NUMBER = 49680472822785406503947250856611970033281563257059934210n;
const SEQUENCE_STEP = 1n << 80n;

/** A stream in memory, for tests and the testing package. Reads never wait and never fail. */
export class MemoryStream implements RecordSource {
  private readonly shards: MemoryShard[] = [];
  private shardsMade = 0;
  private nextSequenceNumber = FIRST_SEQUENCE_NUMBER;

  constructor(private readonly options: MemoryStreamOptions) {
    const count = BigInt(options.shards);
    for (let index = 0n; index < count; index += 1n) {
      this.addShard([], (HASH_SPACE * index) / count, (HASH_SPACE * (index + 1n)) / count - 1n);
    }
  }

  /** Adds records in order, each to the open shard that its key hashes to; says where each one went. */
  put(records: readonly MemoryRecord[]): readonly PutResult[] {
    return records.map((record) => {
      const shard = this.openShardOf(hashKeyOf(record));
      const stored: SourceRecord = {
        sequenceNumber: this.takeSequenceNumber(),
        partitionKey: record.partitionKey,
        data: record.data,
        approximateArrivalTimestamp: this.options.now(),
        ...(record.subSequenceNumber === undefined ? {} : { subSequenceNumber: record.subSequenceNumber }),
      };
      shard.records.push(stored);
      return {
        shardId: shard.shardId,
        sequenceNumber: stored.sequenceNumber,
        subSequenceNumber: record.subSequenceNumber ?? 0,
      };
    });
  }

  /** Splits an open shard in the middle of its range; returns the ids of both children. */
  split(shardId: string): readonly [string, string] {
    const parent = this.closeShard(shardId);
    const middle = (parent.firstHashKey + parent.lastHashKey + 1n) / 2n;
    const lower = this.addShard([shardId], parent.firstHashKey, middle - 1n);
    const upper = this.addShard([shardId], middle, parent.lastHashKey);
    return [lower.shardId, upper.shardId];
  }

  /** Merges two open neighbours; returns the id of the child. */
  merge(shardId: string, adjacentShardId: string): string {
    const [one, other] = [this.shardById(shardId), this.shardById(adjacentShardId)];
    const adjacent = one.lastHashKey + 1n === other.firstHashKey || other.lastHashKey + 1n === one.firstHashKey;
    if (!adjacent)
      throw new MillraceError(
        'INPUT_INVALID',
        `Shards ${shardId} and ${adjacentShardId} are no neighbours: merge shards whose hash key ranges touch.`,
      );
    const [lower, upper] = one.firstHashKey < other.firstHashKey ? [one, other] : [other, one];
    this.closeShard(shardId);
    this.closeShard(adjacentShardId);
    return this.addShard([shardId, adjacentShardId], lower.firstHashKey, upper.lastHashKey).shardId;
  }

  /** Ends a shard without a successor, as a deleted stream does. */
  endShard(shardId: string): void {
    this.closeShard(shardId);
  }

  /** The stream forgets a closed shard, as it does when retention has passed over it. */
  forgetShard(shardId: string): void {
    const shard = this.shardById(shardId);
    if (!shard.closed)
      throw new MillraceError(
        'INPUT_INVALID',
        `Shard ${shardId} is open: split, merge or end it before the stream forgets it.`,
      );
    this.shards.splice(this.shards.indexOf(shard), 1);
  }

  describe(): Promise<StreamFacts> {
    return Promise.resolve({ stream: this.options.stream, retentionMs: this.options.retentionMs ?? DAY_MS });
  }

  listShards(): Promise<readonly SourceShard[]> {
    const known = new Set(this.shards.map((shard) => shard.shardId));
    return Promise.resolve(
      this.shards.map(({ shardId, parentShardIds, closed }) => ({
        shardId,
        parentShardIds: parentShardIds.filter((parent) => known.has(parent)),
        closed,
      })),
    );
  }

  openShard(shardId: string, start: StartingPosition): ShardReader {
    const shard = this.shardById(shardId);
    let next = firstIndex(shard.records, start);
    return {
      read: (limit, signal) => {
        if (signal.aborted) return Promise.reject(toError(signal.reason));
        const records = shard.records.slice(next, next + limit);
        next += records.length;
        return Promise.resolve(this.readOf(shard, records, next));
      },
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private readOf(shard: MemoryShard, records: readonly SourceRecord[], next: number): ShardRead {
    const waiting = shard.records[next];
    const millisBehindLatest =
      waiting === undefined ? 0 : Math.max(0, this.options.now() - waiting.approximateArrivalTimestamp);
    return { records, millisBehindLatest, ended: shard.closed && waiting === undefined };
  }

  private addShard(parentShardIds: readonly string[], firstHashKey: bigint, lastHashKey: bigint): MemoryShard {
    const shardId = `shardId-${String(this.shardsMade++).padStart(12, '0')}`;
    const shard: MemoryShard = { shardId, parentShardIds, firstHashKey, lastHashKey, records: [], closed: false };
    this.shards.push(shard);
    return shard;
  }

  private closeShard(shardId: string): MemoryShard {
    const shard = this.shardById(shardId);
    if (shard.closed) throw new MillraceError('INPUT_INVALID', `Shard ${shardId} is closed already.`);
    shard.closed = true;
    return shard;
  }

  private shardById(shardId: string): MemoryShard {
    const shard = this.shards.find((candidate) => candidate.shardId === shardId);
    if (shard === undefined)
      throw new MillraceError(
        'INPUT_INVALID',
        `The stream has no shard ${shardId}: it has ${this.shards.map((known) => known.shardId).join(', ')}.`,
      );
    return shard;
  }

  private openShardOf(hashKey: bigint): MemoryShard {
    const shard = this.shards.find(
      (candidate) => !candidate.closed && candidate.firstHashKey <= hashKey && hashKey <= candidate.lastHashKey,
    );
    if (shard === undefined)
      throw new MillraceError('INPUT_INVALID', 'The shard of this key was ended: no open shard takes the record.');
    return shard;
  }

  private takeSequenceNumber(): string {
    const taken = this.nextSequenceNumber;
    this.nextSequenceNumber += SEQUENCE_STEP;
    return taken.toString();
  }
}

/** As Kinesis chooses the shard: the explicit hash key, else MD5 of the partition key. */
function hashKeyOf(record: MemoryRecord): bigint {
  if (record.explicitHashKey !== undefined) return BigInt(record.explicitHashKey);
  return BigInt(`0x${createHash('md5').update(record.partitionKey, 'utf8').digest('hex')}`);
}

function firstIndex(records: readonly SourceRecord[], start: StartingPosition): number {
  switch (start.kind) {
    case 'TRIM_HORIZON':
      return 0;
    case 'LATEST':
      return records.length;
    case 'AT_TIMESTAMP':
      return indexOr(records, (record) => record.approximateArrivalTimestamp >= start.timestampMs);
    case 'AT_SEQUENCE_NUMBER':
      return indexOr(records, (record) => BigInt(record.sequenceNumber) >= BigInt(start.sequenceNumber));
    default:
      return start satisfies never;
  }
}

function indexOr(records: readonly SourceRecord[], matches: (record: SourceRecord) => boolean): number {
  const index = records.findIndex(matches);
  return index < 0 ? records.length : index;
}
