/** The life of a stream at random: records, splits, merges, stops, kills, a store that fails. Nothing may be lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamWorld } from './support/stream-world.js';

type Move =
  | { readonly kind: 'put'; readonly keys: readonly number[]; readonly aggregated: boolean }
  | { readonly kind: 'reshard'; readonly pick: number; readonly how: 'split' | 'merge' }
  | { readonly kind: 'advance'; readonly delayMs: number }
  | { readonly kind: 'storeFailures'; readonly count: number }
  | { readonly kind: 'start' | 'stop' | 'kill' };

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      keys: fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 6 }),
      aggregated: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('reshard' as const),
      pick: fc.nat({ max: 9 }),
      how: fc.constantFrom('split' as const, 'merge' as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      delayMs: fc.constantFrom(0, 100, 300, 1_000, 5_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('storeFailures' as const), count: fc.nat({ max: 6 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('start' as const, 'start' as const, 'stop' as const, 'kill' as const),
    }),
  },
);

const plan = fc.record({
  checkpoint: fc.constantFrom('record' as const, 'batch' as const, 'manual' as const, { everyMs: 500 }),
  slowEvery: fc.constantFrom(0, 2, 5),
  failEvery: fc.constantFrom(0, 3),
  deferEvery: fc.constantFrom(0, 0, 4),
});

async function play(world: StreamWorld, next: Move): Promise<void> {
  switch (next.kind) {
    case 'put':
      return world.put(next.keys, next.aggregated);
    case 'reshard':
      return world.reshard(next.pick, next.how);
    case 'advance':
      return world.clock.advance(next.delayMs);
    case 'storeFailures':
      world.storeFailures = next.count;
      return;
    case 'start':
      return world.start();
    case 'stop':
      return world.stop();
    case 'kill':
      return world.kill();
    default:
      return next satisfies never;
  }
}

describe('a stream at random', () => {
  it('is handled to the last record, each key in order, and no checkpoint runs ahead', async () => {
    let records = 0;
    let restarts = 0;
    await fc.assert(
      fc.asyncProperty(plan, fc.array(move, { minLength: 4, maxLength: 20 }), async (chosen, moves) => {
        const world = new StreamWorld(chosen);
        for (const next of moves) await play(world, next);
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
