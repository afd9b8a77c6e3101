/** The same sessions and streams each time, in this very process: what a mutation run can afford of the simulator. */
import { expect, it } from 'vitest';
import { play } from './play.js';
import { regressions } from './regressions.js';
import { scenarioOf } from './scenario.js';

const SEEDS = 600;
/** A change that is noticed at all is mostly noticed by the first of them. */
const PER_TEST = 100;
const parts = Array.from({ length: SEEDS / PER_TEST }, (_, part) => part * PER_TEST + 1);

it.each(regressions)('holds what was found once: $found', async ({ scenario }) => {
  expect((await play(scenario)).violations).toEqual([]);
});

it.each(parts)('loses nothing from seed %i on', async (first) => {
  const seeds = Array.from({ length: PER_TEST }, (_, index) => first + index);
  const played = await Promise.all(seeds.map(async (seed) => ({ seed, ...(await play(scenarioOf(seed))) })));
  expect(played.filter(({ violations }) => violations.length > 0)).toEqual([]);
  expect(played.flatMap(({ history }) => history).length).toBeGreaterThan(1_000);
});
