/** A scenario's moves on shards whose daemon is the kit's own: in memory, or with the program at their other end. */
import type { FakeCheckpoints } from './fake-checkpoints.js';
import type { History } from './history.js';
import { recordIdOf } from './history-names.js';
import type { RuntimeStage, SettledRecord, StageSeen } from './runtime-stage.js';
import type { TestShard } from './test-shard.js';

export interface KitShards {
  readonly checkpoints: FakeCheckpoints;
  readonly history: History;
  readonly shards: readonly TestShard[];
  shard(which: string | number): TestShard;
}

type KitMoves = Pick<RuntimeStage, 'deliver' | 'refuse' | 'recover' | 'loseLease' | 'requestShutdown'>;

export function kitMoves(kit: KitShards): KitMoves {
  return {
    async deliver(shard, batch) {
      return kit.shard(shard ?? 0).deliver(...batch);
    },
    refuse: (error, times) => kit.checkpoints.fail(error, times === undefined ? {} : { times }),
    recover: () => kit.checkpoints.recover(),
    async loseLease(shard) {
      kit.shard(shard ?? 0).loseLease();
    },
    async requestShutdown(shard) {
      kit.shard(shard ?? 0).requestShutdown();
    },
  };
}

export function seenOf({ shards, history }: KitShards, settled: readonly SettledRecord[]): StageSeen {
  return {
    shards: shards.map(({ name, shardId }) => ({
      name,
      shardId,
      delivered: deliveriesTo(history, shardId),
      stored: history.stored(shardId),
    })),
    settled,
  };
}

function deliveriesTo(history: History, shardId: string): readonly string[] {
  return history.entries.flatMap((entry) => {
    if (entry.kind !== 'daemonSent' || entry.shardId !== shardId || entry.message.kind !== 'processRecords') return [];
    return entry.message.records.map((record) => recordIdOf(shardId, record));
  });
}
