/**
 * From the start of a process to its first status, for the child of one shard: `npm run bench:first-status`. Every client starts in
 * every round, in random order; what class-validator takes by itself is measured in the same rounds.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { machine } from './support/machine.mjs';
import { table } from './support/table.mjs';
import { awsKcl, bareValidator, findNode, kclpy, limit, millrace, millraceApp } from './throughput/clients.mjs';
import { DrivenClient } from './throughput/driven-client.mjs';
import { loadAverage } from './throughput/process-cost.mjs';
import { shuffled, spread } from './throughput/statistics.mjs';
import { startWatchdog } from './throughput/watchdog.mjs';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: process.versions.node.split('.')[0] },
    rounds: { type: 'string', default: '15' },
    json: { type: 'string', default: 'bench-first-status.json' },
  },
});
const watchdog = startWatchdog();
const python = kclpy();
const NOTHING = { records: 1, bytes: 1 };
const range = ({ median, low, high }) => `${median.toFixed(0)} [${low.toFixed(0)}-${high.toFixed(0)}]`;

async function measure(release, node) {
  const app = millraceApp(node);
  const bare = bareValidator(node);
  const clients = [limit(node), awsKcl(node), millrace('record', node), app, bare];
  if (python !== undefined) clients.push(python);
  const starts = new Map(clients.map(({ name }) => [name, []]));
  const imports = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const client of shuffled(clients)) {
      const driven = new DrivenClient(client, { size: NOTHING, watchdog });
      starts.get(client.name).push(driven.initialize());
      const { importMs } = await driven.end();
      if (importMs !== undefined) imports.push(importMs);
    }
  }
  const overImport = spread(starts.get(app.name).map((ms, round) => ms - imports[round]));
  const rows = [...starts].map(([name, ms]) => ({ client: name, ms: spread(ms) }));
  console.log(`\n### Node ${release}, load ${loadAverage()}\n`);
  console.log(
    table(
      ['client', 'start to first status, ms'],
      rows.map(({ client, ms }) => [client, range(ms)]),
    ),
  );
  console.log(
    `\nThe import of class-validator alone: ${range(spread(imports))} ms; ${app.name} over it: ${range(overImport)} ms`,
  );
  return { node: release, load: loadAverage(), rows, importMs: spread(imports), overImport };
}

const result = { machine: machine(), measured: [] };
for (const release of values.nodes.split(',')) {
  const node = findNode(release);
  if (node !== undefined) result.measured.push(await measure(release, node));
}
await writeFile(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
