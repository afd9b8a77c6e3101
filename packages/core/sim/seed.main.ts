/** Plays one seed and tells everything about it: `npm run sim:seed -- 42`. */
import { play } from './play.js';
import { reportOn } from './report.js';
import { scenarioOf } from './scenario.js';
import { timelineOf } from './timeline.js';

const seed = Number(process.argv[2]);
const { violations, history } = await play(scenarioOf(seed));
const text =
  violations.length > 0
    ? await reportOn(seed, violations)
    : `${JSON.stringify(scenarioOf(seed))}\n${timelineOf(history)}\nSeed ${seed} holds.`;
process.stdout.write(`${text}\n`);
