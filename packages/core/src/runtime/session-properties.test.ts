/**
 * Whole sessions at random: the production runner against the production daemon side, with handlers, sinks and daemons
 * that do anything, on a clock that only moves when it is told to. What must hold is checked against what the handlers
 * themselves say happened (session-truth.fixture.ts), never against what the runtime believes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { regressions } from '../../sim/regressions.js';
import { plan } from './session-plan.fixture.js';
import { World } from './session-world.fixture.js';

/** What random sessions have found once is played every time. */
const foundBefore = regressions.flatMap(({ scenario }) => (scenario.kind === 'session' ? [scenario.plan] : []));

describe('sessions at random', () => {
  it('lose nothing, settle once, say one status, and leave nothing behind', async () => {
    const seen = { checkpoints: 0, settled: 0, shardEnds: 0, healed: 0, filtered: 0, orders: 0 };
    await fc.assert(
      fc.asyncProperty(plan, async (chosen) => {
        const world = new World(chosen);
        await world.play();

        expect(world.checks.violations).toEqual([]);
        seen.checkpoints += world.checks.seen.checkpoints;
        seen.settled += world.checks.seen.settled;
        seen.shardEnds += world.checks.seen.shardEnds;
        seen.healed += world.healed;
        seen.filtered += world.checks.seen.filtered;
        seen.orders += world.checks.seen.orders;
      }),
      { numRuns: 5_000, examples: foundBefore.map((found) => [found]) },
    );
    // All of it would hold of sessions that do nothing.
    expect(seen.checkpoints).toBeGreaterThan(1_000);
    expect(seen.settled).toBeGreaterThan(2_000);
    expect(seen.shardEnds).toBeGreaterThan(300);
    expect(seen.healed).toBeGreaterThan(100);
    expect(seen.filtered).toBeGreaterThan(300);
    expect(seen.orders).toBeGreaterThan(50);
  }, 400_000);
});
