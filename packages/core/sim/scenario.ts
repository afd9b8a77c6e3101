/** What one seed stands for: a session or a whole stream with everything that happens to it, as data. */
import fc from 'fast-check';
import { type Plan, plan } from '../src/runtime/session-plan.fixture.js';
import { type StreamMove, streamMove, streamPlan } from '../test/support/stream-plan.js';
import type { StreamPlan } from '../test/support/stream-world.js';

export type Scenario =
  | { readonly kind: 'session'; readonly plan: Plan }
  | { readonly kind: 'stream'; readonly plan: StreamPlan; readonly moves: readonly StreamMove[] };

/** A stream lives through several workers and takes as long as forty sessions. */
const STREAM_EVERY = 40;

const streams = fc.record({
  kind: fc.constant('stream' as const),
  plan: streamPlan,
  moves: fc.array(streamMove, { minLength: 4, maxLength: 20 }),
});
const sessions = fc.record({ kind: fc.constant('session' as const), plan });

export function scenarioOf(seed: number): Scenario {
  const [scenario] = fc.sample<Scenario>(seed % STREAM_EVERY === 0 ? streams : sessions, { seed, numRuns: 1 });
  if (scenario === undefined) throw new TypeError(`Seed ${seed} gives no scenario.`);
  return scenario;
}
