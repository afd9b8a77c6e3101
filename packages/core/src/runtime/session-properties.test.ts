/**
 * Whole sessions at random: the production runner against the production daemon side, with handlers, sinks and daemons
 * that do anything, on a clock that only moves when it is told to. What must hold is checked against what the handlers
 * themselves say happened (session-truth.fixture.ts), never against what the runtime believes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Plan, plan } from './session-plan.fixture.js';
import { World } from './session-world.fixture.js';

const QUIET = {
  perShard: undefined,
  maxItems: undefined,
  maxWaitMs: undefined,
  bisect: false,
  alike: false,
  checkpoint: 'record',
  then: 'deadLetter',
  sameKey: 'continue',
  filterEvery: undefined,
} as const;

/** Once found, played every time: a lane whose turn came just as a checkpoint told of the lost lease. */
const TURN_IN_DOUBT: Plan = {
  ...QUIET,
  shape: 'record',
  perShard: 4,
  maxInFlight: 3,
  behaviours: [
    { kind: 'defer', delayMs: 0, end: 'twice' },
    { kind: 'defer', delayMs: 0, end: 'done' },
  ],
  moves: [
    { kind: 'sinkFailures', failures: 1 },
    { kind: 'deliver', count: 1, again: 0 },
    { kind: 'checkpointErrors', names: ['ShutdownException', 'ThrottlingException'] },
    { kind: 'deliver', count: 3, again: 0 },
    { kind: 'advance', delayMs: 0 },
  ],
  end: 'shardEnd',
};

/** The same of a batch whose run ended in the moment in which the session gave it up. */
const ENDED_IN_DOUBT: Plan = {
  ...QUIET,
  shape: 'batch',
  maxWaitMs: 200,
  maxInFlight: 1,
  behaviours: [
    { kind: 'return' },
    { kind: 'throw', times: 1, final: false, delayMs: 0 },
    { kind: 'checkpoint', awaited: false, thenThrow: false },
  ],
  moves: [
    { kind: 'deliver', count: 2, again: 0 },
    { kind: 'drain' },
    { kind: 'staleContext', pick: 0, defers: false },
    { kind: 'drain' },
  ],
  end: 'endOfInput',
};

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
      { numRuns: 2_500, examples: [[TURN_IN_DOUBT], [ENDED_IN_DOUBT]] },
    );
    // All of it would hold of sessions that do nothing.
    expect(seen.checkpoints).toBeGreaterThan(1_000);
    expect(seen.settled).toBeGreaterThan(2_000);
    expect(seen.shardEnds).toBeGreaterThan(300);
    expect(seen.healed).toBeGreaterThan(100);
    expect(seen.filtered).toBeGreaterThan(300);
    expect(seen.orders).toBeGreaterThan(50);
  }, 60_000);
});
