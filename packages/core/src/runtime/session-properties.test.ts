/**
 * Whole sessions at random: the production runner against the production daemon side, with handlers, sinks and daemons
 * that do anything, on a clock that only moves when it is told to. What must hold is checked against what the handlers
 * themselves say happened (session-truth.fixture.ts), never against what the runtime believes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Plan, plan } from './session-plan.fixture.js';
import { World } from './session-world.fixture.js';

const UNGROUPED = { maxItems: undefined, maxWaitMs: undefined, bisect: false, alike: false } as const;

/** What random sessions have found once is played every time. */
const foundBefore: readonly Plan[] = [
  // The lease was lost between the answer that a lane may go on and its next handler.
  {
    ...UNGROUPED,
    shape: 'record',
    perShard: 4,
    checkpoint: 'record',
    then: 'deadLetter',
    sameKey: 'continue',
    maxInFlight: 3,
    filterEvery: undefined,
    past: undefined,
    breaker: undefined,
    behaviours: [{ kind: 'defer', delayMs: 0, end: 'twice' }],
    moves: [
      { kind: 'checkpointErrors', names: ['InvalidStateException', 'ShutdownException', 'ThrottlingException'] },
      { kind: 'deliver', count: 1, again: 0 },
      { kind: 'deliver', count: 0, again: 0 },
      { kind: 'deliver', count: 4, again: 0 },
      { kind: 'order', pick: 0, order: 'retry' },
    ],
    end: 'heal',
  },
  // A batch's run ended in the very moment in which the session gave it up.
  {
    ...UNGROUPED,
    shape: 'batch',
    perShard: undefined,
    maxWaitMs: 200,
    checkpoint: 'record',
    then: 'deadLetter',
    sameKey: 'continue',
    maxInFlight: 1,
    filterEvery: undefined,
    past: undefined,
    breaker: undefined,
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
  },
];

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
      { numRuns: 2_500, examples: foundBefore.map((found) => [found]) },
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
