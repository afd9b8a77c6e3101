/** Plays a scenario on the production runtime, and says what was wrong, what was reached, and what happened. */
import type { SessionEvent } from '../src/events.js';
import { World } from '../src/runtime/session-world.fixture.js';
import { playMove } from '../test/support/stream-plan.js';
import { StreamWorld } from '../test/support/stream-world.js';
import type { Scenario } from './scenario.js';

export interface Played {
  readonly violations: readonly string[];
  /** What came together: a fault, and the state it met. */
  readonly situations: readonly string[];
  readonly history: readonly SessionEvent[];
}

export async function play(scenario: Scenario): Promise<Played> {
  return scenario.kind === 'session' ? playSession(scenario) : playStream(scenario);
}

async function playSession({ plan }: Extract<Scenario, { kind: 'session' }>): Promise<Played> {
  const world = new World(plan);
  await world.play();
  return { violations: world.checks.violations, situations: [...world.situations], history: world.history };
}

async function playStream({ plan, moves }: Extract<Scenario, { kind: 'stream' }>): Promise<Played> {
  const world = new StreamWorld(plan);
  for (const move of moves) await playMove(world, move);
  await world.finish();
  return { violations: world.violations, situations: [...world.situations], history: world.history };
}
