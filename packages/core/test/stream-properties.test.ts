/** The life of a stream at random: records, splits, merges, stops, kills, a store that fails. Nothing may be lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { playMove, streamMove, streamPlan } from './support/stream-plan.js';
import { StreamWorld } from './support/stream-world.js';

describe('a stream at random', () => {
  it('is handled to the last record, each key in order, and no checkpoint runs ahead', async () => {
    let records = 0;
    let restarts = 0;
    await fc.assert(
      fc.asyncProperty(streamPlan, fc.array(streamMove, { minLength: 4, maxLength: 20 }), async (chosen, moves) => {
        const world = new StreamWorld(chosen);
        for (const next of moves) await playMove(world, next);
        await world.finish();

        expect(world.violations).toEqual([]);
        records += world.sent.length;
        restarts += world.restarts;
      }),
      { numRuns: 300 },
    );
    expect(records).toBeGreaterThan(1_000);
    expect(restarts).toBeGreaterThan(150);
  }, 60_000);
});
