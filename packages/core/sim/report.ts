/** What somebody needs who is to mend what a seed has found. */
import { play } from './play.js';
import { scenarioOf } from './scenario.js';
import { shrink } from './shrink.js';
import { timelineOf } from './timeline.js';

export async function reportOn(seed: number, violations: readonly string[]): Promise<string> {
  const smallest = await shrink(scenarioOf(seed), async (smaller) => (await play(smaller)).violations.length > 0);
  const { history, violations: left } = await play(smallest);
  return [
    `Seed ${seed}: ${violations.join('; ')}`,
    `Again: npm run sim:seed -- ${seed}`,
    `The least that shows it (for packages/core/sim/regressions.json): ${JSON.stringify(smallest)}`,
    `It says: ${left.join('; ')}`,
    timelineOf(history),
  ].join('\n');
}
