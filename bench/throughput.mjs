/**
 * Throughput beside peers: `npm run bench [-- --sizes 1000x100B,10x1MB --passes 3 --rounds 8 --nodes 20,24 --json file]`.
 * Prints tables, writes JSON and draws charts.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { table } from './support/table.mjs';
import { throughputCharts } from './charts/throughput.mjs';
import { writeCharts } from './support/chart.mjs';
import { machine } from './support/machine.mjs';
import { awsKcl, countingGc, findNode, kclpy, limit, millrace } from './throughput/clients.mjs';
import { SIZES } from './throughput/messages.mjs';
import { loadAverage } from './throughput/process-cost.mjs';
import { gcShare, runRounds } from './throughput/rounds.mjs';
import { median, ratios, spread } from './throughput/statistics.mjs';
import { startWatchdog } from './throughput/watchdog.mjs';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: Object.keys(SIZES).join(',') },
    nodes: { type: 'string', default: process.versions.node.split('.')[0] },
    modes: { type: 'string', default: 'record,batch,lanes' },
    passes: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '8' },
    json: { type: 'string', default: 'bench-throughput.json' },
    charts: { type: 'string', default: 'bench-charts' },
    gc: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const watchdog = startWatchdog();
const python = kclpy();
const result = { machine: machine(), measured: [] };

function clientsOn(node) {
  const modes = values.modes.split(',').map((mode) => millrace(mode, node));
  return [limit(node), awsKcl(node), ...modes, ...(python === undefined ? [] : [python])];
}

async function measure(release, node, name) {
  const size = SIZES[name];
  if (size === undefined) throw new Error(`There is no size ${name}; there are ${Object.keys(SIZES).join(', ')}.`);
  const options = { size, passes: Number(values.passes), rounds: Number(values.rounds), watchdog };
  const clients = clientsOn(node);
  const rows = await runRounds(clients, options);
  for (const client of clients) {
    const { ms, cpuMs, peakBytes } = rows.get(client.name);
    const counting = values.gc ? countingGc(client) : undefined;
    result.measured.push({
      node: release,
      size: name,
      client: client.name,
      load: loadAverage(),
      ms: spread(ms),
      cpuUsPerRecord: spread(cpuMs.map((one) => (one * 1_000) / size.records)),
      megabytesPerSecond: (size.records * size.bytes) / 1_000 / median(ms),
      peakMegabytes: median(peakBytes) / 2 ** 20,
      gcShare: counting === undefined ? undefined : await gcShare(counting, options),
      over: Object.fromEntries(clients.map((other) => [other.name, ratios(ms, rows.get(other.name).ms)])),
    });
  }
}

const range = ({ median: middle, low, high }, digits = 2) =>
  `${middle.toFixed(digits)} [${low.toFixed(digits)}-${high.toFixed(digits)}]`;

function print(release, name) {
  const rows = result.measured.filter((row) => row.node === release && row.size === name);
  console.log(`\n### Node ${release}, ${name}, load ${rows[0].load}\n`);
  const head = ['client', 'ms', 'over limit', 'over aws-kcl', 'over kclpy', 'CPU us/record', 'MB/s', 'peak MB', 'GC'];
  const cells = rows.map((row) => [
    row.client,
    range(row.ms),
    range(row.over.limit),
    range(row.over['aws-kcl']),
    row.over.amazon_kclpy === undefined ? '' : range(row.over.amazon_kclpy),
    range(row.cpuUsPerRecord),
    row.megabytesPerSecond.toFixed(0),
    row.peakMegabytes.toFixed(0),
    row.gcShare === undefined ? '' : `${(row.gcShare * 100).toFixed(0)} %`,
  ]);
  console.log(table(head, cells));
}

for (const release of values.nodes.split(',')) {
  const node = findNode(release);
  if (node === undefined) continue;
  for (const name of values.sizes.split(',')) {
    await measure(release, node, name);
    print(release, name);
    await writeFile(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  }
}
await writeCharts(values.charts, throughputCharts(result));
