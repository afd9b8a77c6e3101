/** Random lives of a stream as data: records, splits, merges, starts, stops, kills, a lease that is lost unnoticed, a store that fails. */
import fc from 'fast-check';
import type { StreamPlan, StreamWorld } from './stream-world.js';

export type StreamMove =
  | { readonly kind: 'put'; readonly keys: readonly number[]; readonly aggregated: boolean }
  | { readonly kind: 'reshard'; readonly pick: number; readonly how: 'split' | 'merge' }
  | { readonly kind: 'advance'; readonly delayMs: number }
  | { readonly kind: 'storeFailures'; readonly count: number }
  /** `lose`: another worker takes the leases, and this one has not noticed. */
  | { readonly kind: 'start' | 'stop' | 'kill' | 'lose' };

export const streamMove: fc.Arbitrary<StreamMove> = fc.oneof(
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
      kind: fc.constantFrom('start' as const, 'start' as const, 'stop' as const, 'kill' as const, 'lose' as const),
    }),
  },
);

export const streamPlan: fc.Arbitrary<StreamPlan> = fc.record({
  checkpoint: fc.constantFrom('record' as const, 'batch' as const, 'manual' as const, { everyMs: 500 }),
  slowEvery: fc.constantFrom(0, 2, 5),
  failEvery: fc.constantFrom(0, 3),
  deferEvery: fc.constantFrom(0, 0, 4),
});

export async function playMove(world: StreamWorld, next: StreamMove): Promise<void> {
  world.meet(next.kind);
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
    case 'lose':
      return world.lose();
    default:
      return next satisfies never;
  }
}
