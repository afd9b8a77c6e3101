/** A scenario's shards on a test bed. */
import { kitMoves, seenOf } from './kit-moves.js';
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
    ...kitMoves(bed),
    quiet: () => bed.idle(),
    async split(shard) {
      await bed.split(shard ?? 0);
    },
    async crash() {
      await bed.shard().crash();
    },
    async stop() {
      await bed.stop();
      await bed.dispose();
      return seenOf(bed, bed.history.events('recordSettled'));
    },
    abandon: () => bed.dispose().catch(() => undefined),
  };
}
