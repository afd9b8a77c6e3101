/**
 * What lanes are worth to a handler that waits for something else, a database say: records a second of one shard with 1 to 64 lanes,
 * beside a loop on aws-kcl that awaits each record in turn. `npm run bench:concurrency [-- --wait 5 --lanes 1,4,16,64 --rounds 5]`
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { concurrencyCharts } from './charts/concurrency.mjs';
import { writeCharts } from './support/chart.mjs';
import { machine } from './support/machine.mjs';
import { table } from './support/table.mjs';
import { waitingAwsKcl, waitingMillrace } from './throughput/clients.mjs';
import { DrivenClient } from './throughput/driven-client.mjs';
import { loadAverage } from './throughput/process-cost.mjs';
import { ratios, shuffled, spread } from './throughput/statistics.mjs';
import { startWatchdog } from './throughput/watchdog.mjs';

const { values } = parseArgs({
  options: {
    wait: { type: 'string', default: '5' },
    lanes: { type: 'string', default: '1,4,16,64' },
    records: { type: 'string', default: '200' },
    deliveries: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'string', default: 'bench-concurrency.json' },
    charts: { type: 'string', default: 'bench-charts' },
  },
});
const waitMs = Number(values.wait);
const deliveries = Number(values.deliveries);
const size = { records: Number(values.records), bytes: 1_024 };
const handled = deliveries * size.records;
const watchdog = startWatchdog();
const inTurn = waitingAwsKcl(waitMs);
const clients = [inTurn, ...values.lanes.split(',').map((lanes) => waitingMillrace(Number(lanes), waitMs))];

/** A life for each round, because what runs ahead is waited for at the end of a life. */
const rows = new Map(clients.map(({ name }) => [name, { ms: [], cpuMs: [] }]));
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const client of shuffled(clients)) {
    const driven = new DrivenClient(client, { size, watchdog });
    driven.initialize();
    const { tookMs, cpuMs } = driven.deliverAndEnd(deliveries);
    await driven.end();
    const row = rows.get(client.name);
    row.ms.push(tookMs);
    row.cpuMs.push(cpuMs);
  }
}
const base = rows.get(inTurn.name);
const measured = clients.map(({ name }) => {
  const { ms, cpuMs } = rows.get(name);
  return {
    client: name,
    perSecond: spread(ms.map((one) => (handled * 1_000) / one)),
    faster: ratios(base.ms, ms),
    cpuUsPerRecord: spread(cpuMs.map((one) => (one * 1_000) / handled)),
  };
});
const range = ({ median, low, high }, digits = 0) =>
  `${median.toFixed(digits)} [${low.toFixed(digits)}-${high.toFixed(digits)}]`;
console.log(
  `\nA handler that waits ${waitMs} ms, ${deliveries} deliveries of ${size.records} records of as many keys, load ${loadAverage()}\n`,
);
console.log(
  table(
    ['client', 'records a second', 'times as fast as aws-kcl in turn', 'CPU us/record'],
    measured.map((row) => [row.client, range(row.perSecond), range(row.faster, 1), range(row.cpuUsPerRecord)]),
  ),
);
const result = { machine: machine(), load: loadAverage(), waitMs, deliveries, records: size.records, measured };
await writeFile(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
await writeCharts(values.charts, concurrencyCharts(result));
