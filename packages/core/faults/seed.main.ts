/** Plays one scenario of the fault matrix, or a few from there on: `npm run faults:seed -- 17 [count]`. */
import { play } from './play.js';
import { scenarioOf } from './scenario.js';

const [first = 1, count = 1] = process.argv.slice(2).map(Number);
for (let seed = first; seed < first + count; seed += 1) {
  const scenario = scenarioOf(seed);
  const startedAt = performance.now();
  const { wrong, ...played } = await play(scenario);
  const ms = Math.round(performance.now() - startedAt);
  console.log(seed, scenario.cell, JSON.stringify({ ...played, ms }));
  if (wrong.length > 0) console.log(JSON.stringify(scenario), `\n  ${wrong.join('\n  ')}`);
}
