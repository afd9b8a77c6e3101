/** What a worker's lives have to add up to: nothing lost, nothing covered that was not done, the keys in order. Pure. */
import type { CheckpointTarget, WireRecord } from '../src/protocol/messages.js';
import { compareTargets } from '../src/protocol/position.js';

export interface Shard {
  readonly shardId: string;
  readonly records: readonly WireRecord[];
}

/** What was to be seen when a life had ended. */
export interface Life {
  /** Ids in the order of handling, of this life alone. */
  readonly handled: readonly string[];
  /** Of all lives so far. */
  readonly parked: ReadonlySet<string>;
  readonly checkpoints: ReadonlyMap<string, CheckpointTarget>;
}

const idOf = (shardId: string, { sequenceNumber, subSequenceNumber }: WireRecord): string =>
  `${shardId}:${sequenceNumber}:${subSequenceNumber}`;

/** How often a record was handled more than once, over all lives. */
export function handledAgain(lives: readonly Life[]): number {
  const all = lives.flatMap(({ handled }) => handled);
  return all.length - new Set(all).size;
}

export function wrongIn(lives: readonly Life[], shards: readonly Shard[]): readonly string[] {
  const done = new Set<string>();
  const wrong: string[] = [];
  for (const [index, life] of lives.entries()) {
    for (const id of [...life.handled, ...life.parked]) done.add(id);
    for (const shard of shards) {
      const before = lives[index - 1]?.checkpoints.get(shard.shardId);
      wrong.push(...wrongInLife({ life, shard, before, done }).map((what) => `life ${index + 1}: ${what}`));
    }
  }
  for (const { shardId, records } of shards) {
    const lost = records.filter((record) => !done.has(idOf(shardId, record)));
    wrong.push(...lost.map((record) => `${idOf(shardId, record)} is lost`));
    if (lives.at(-1)?.checkpoints.get(shardId) !== 'SHARD_END')
      wrong.push(`${shardId} was not checkpointed at its end`);
  }
  return wrong;
}

interface LifeOfShard {
  readonly life: Life;
  readonly shard: Shard;
  /** Where the life before left the lease. */
  readonly before: CheckpointTarget | undefined;
  readonly done: ReadonlySet<string>;
}

function wrongInLife({ life, shard: { shardId, records }, before, done }: LifeOfShard): readonly string[] {
  const wrong: string[] = [];
  const checkpoint = life.checkpoints.get(shardId);
  const places = new Map(records.map((record) => [idOf(shardId, record), record]));
  for (const [id, record] of places)
    if (covers(checkpoint, record) && !done.has(id)) wrong.push(`a checkpoint covers ${id}, which was not handled`);
  const lastOfKey = new Map<string, WireRecord>();
  for (const id of life.handled.filter((one) => one.startsWith(`${shardId}:`))) {
    const record = places.get(id);
    if (record === undefined) {
      wrong.push(`${id} was handled and never sent`);
      continue;
    }
    if (covers(before, record)) wrong.push(`${id} was handled again behind a checkpoint`);
    const last = lastOfKey.get(record.partitionKey);
    if (last !== undefined && compareTargets(record, last) <= 0) wrong.push(`${id} was handled out of order`);
    lastOfKey.set(record.partitionKey, record);
  }
  return wrong;
}

function covers(checkpoint: CheckpointTarget | undefined, record: WireRecord): boolean {
  if (checkpoint === undefined) return false;
  return checkpoint === 'SHARD_END' || compareTargets(record, checkpoint) <= 0;
}
