/**
 * Draws what the benchmarks have written: `npm run bench:charts [-- --from docs/figures --into docs/charts]`. Without options it
 * draws the figures that docs/performance.md speaks of; every
 * benchmark draws its own into `bench-charts`.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { concurrencyCharts } from './charts/concurrency.mjs';
import { endToEndCharts } from './charts/end-to-end.mjs';
import { memoryCharts } from './charts/memory.mjs';
import { throughputCharts } from './charts/throughput.mjs';
import { writeCharts } from './support/chart.mjs';

const CHARTS = {
  'bench-throughput.json': throughputCharts,
  'bench-hosted.json': memoryCharts,
  'bench-concurrency.json': concurrencyCharts,
  'bench-end-to-end.json': endToEndCharts,
};

async function readFigures(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: 'docs/figures' },
    into: { type: 'string', default: 'docs/charts' },
  },
});
const charts = [];
for (const [file, chartsOf] of Object.entries(CHARTS)) {
  const figures = await readFigures(join(values.from, file));
  if (figures !== undefined) charts.push(...chartsOf(figures));
}
if (charts.length === 0) throw new Error(`No figures in ${values.from}: run a benchmark first, in that folder.`);
for (const file of await writeCharts(values.into, charts)) console.log(file);
