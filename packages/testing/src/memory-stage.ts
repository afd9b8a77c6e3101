/** A scenario's shards on a test bed. */
import type { RuntimeSubject } from './runtime-scenario.js';
import type { RuntimeStage } from './runtime-stage.js';
import { testBed } from './test-bed.js';

/** @throws what `testBed` throws. */
export async function openMemoryStage(
  { consumer, env = {} }: RuntimeSubject,
  shards: readonly string[],
): Promise<RuntimeStage> {
  const bed = await testBed(consumer, { shards, env });
  return {
    checkpoints: bed.checkpoints,
    history: bed.history,
    get shards() {
      return bed.shards;
    },
    shard: (which) => bed.shard(which),
    quiet: () => bed.idle(),
    split: (which) => bed.split(which),
    async crash() {
      await bed.shard().crash();
    },
    async stop() {
      await bed.stop();
      await bed.dispose();
      return bed.history.events('recordSettled');
    },
    abandon: () => bed.dispose().catch(() => undefined),
  };
}
