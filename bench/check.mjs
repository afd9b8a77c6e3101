/**
 * A short run of the throughput benchmark, which fails when a ratio has fallen behind its goal by more than the noise:
 * `npm run bench:check`. Some three minutes on two cores; milliseconds are told and never judged.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { machine } from './support/machine.mjs';
import { table } from './support/table.mjs';
import { awsKcl, kclpy, limit, millrace } from './throughput/clients.mjs';
import { GOALS, judge } from './throughput/goals.mjs';
import { SIZES } from './throughput/messages.mjs';
import { loadAverage } from './throughput/process-cost.mjs';
import { runRounds } from './throughput/rounds.mjs';
import { ratios } from './throughput/statistics.mjs';
import { startWatchdog } from './throughput/watchdog.mjs';

const { values } = parseArgs({
  options: {
    passes: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '8' },
    json: { type: 'string', default: 'bench-check.json' },
  },
});
const python = kclpy();
const clients = [limit(), awsKcl(), millrace('record'), ...(python === undefined ? [] : [python])];
const watchdog = startWatchdog();
const measured = [];
for (const size of new Set(GOALS.map((goal) => goal.size))) {
  const options = { size: SIZES[size], passes: Number(values.passes), rounds: Number(values.rounds), watchdog };
  const rows = await runRounds(clients, options);
  const own = rows.get('millrace').ms;
  for (const goal of GOALS.filter((one) => one.size === size && rows.has(one.over))) {
    const ratio = ratios(own, rows.get(goal.over).ms);
    measured.push({ ...goal, ratio, verdict: judge(goal, ratio) });
  }
}
const number = (value) => value.toFixed(2);
const cells = measured.map(({ size, over, atMost, ratio, verdict }) => [
  `${size}, over ${over}`,
  number(atMost),
  `${number(ratio.median)} [${number(ratio.low)}-${number(ratio.high)}]`,
  verdict,
]);
console.log(table(['time of Millrace', 'at most', 'measured', ''], cells));
const missed = measured.filter(({ verdict }) => verdict === 'missed');
const result = { machine: machine(), load: loadAverage(), measured };
await writeFile(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
if (missed.length > 0) {
  console.error(
    `\n${missed.length} of ${measured.length} ratios have fallen behind their goals (load ${result.load}).`,
  );
  process.exitCode = 1;
}
