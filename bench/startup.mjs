/**
 * How long a worker takes from the start of the program to its first log line, its first initialize and its first record,
 * with Millrace's defaults and with KCL's, on tables that are there or not. `npm run bench:startup [-- --only text]`
 */
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine } from './support/machine.mjs';
import { table } from './support/table.mjs';
import { openBench, sdk } from './support.mjs';

const { values } = parseArgs({
  options: {
    shards: { type: 'string', default: '2' },
    runs: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    json: { type: 'string', default: 'bench-startup.json' },
  },
});
const shards = Number(values.shards);

/** What KCL 3.1.3 takes where nobody says anything, for all that our defaults change and that touches a start. */
const KCL = { shardSyncIntervalMillis: 60_000, maxRecords: 10_000, callProcessRecordsEvenForEmptyRecordList: false };
const QUIET = { metricsLevel: 'NONE' };

const CASES = [
  { name: 'nothing provisioned, no archive', provision: false, archive: false },
  { name: 'provisioned, no archive', provision: true, archive: false },
  { name: 'nothing provisioned', provision: false, archive: true },
  { name: 'provisioned', provision: true, archive: true },
  { name: 'provisioned, preset fast', provision: true, archive: true, preset: 'fast' },
  { name: 'again after SIGKILL, same worker id', provision: true, archive: true, again: true },
  { name: "KCL's defaults, nothing provisioned", provision: false, archive: true, options: KCL },
  { name: "KCL's defaults, provisioned", provision: true, archive: true, options: KCL },
];

const cache =
  process.env.MILLRACE_JARS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'millrace', 'jars');

/** The jars without the archive of their classes. */
async function jarsWithoutArchive(folder) {
  const copy = join(folder, 'jars');
  await mkdir(copy);
  await cp(cache, copy, { recursive: true, preserveTimestamps: true, filter: (path) => !path.endsWith('.jsa') });
  return copy;
}

async function put(bench, name, count) {
  const Records = Array.from({ length: count }, (_, n) => ({
    PartitionKey: `key-${n}`,
    Data: Buffer.from(`{"n":${n}}`),
  }));
  await bench.client.send(new sdk.PutRecordsCommand({ StreamName: name, Records }));
}

async function measure(bench, { provision, archive, preset, again = false, options = {} }, bare) {
  const name = await bench.makeStream(shards);
  if (provision) await bench.provision(name);
  await put(bench, name, 50);
  const plan = {
    options: { ...QUIET, ...options },
    ...(preset === undefined ? {} : { preset }),
    env: archive ? {} : { MILLRACE_JARS: bare },
  };
  let worker = bench.startWorker(name, plan);
  try {
    if (again) {
      await worker.first('handled');
      // Something that is new for the second life.
      await worker.kill();
      await put(bench, name, 50);
      worker = bench.startWorker(name, plan);
    }
    const initializeMs = await worker.first('initialized', 300_000);
    const handledMs = await worker.first('handled', 300_000);
    return { firstLogMs: worker.firstLogMs, initializeMs, handledMs };
  } finally {
    await worker.stop();
  }
}

const seconds = (ms) => (ms === undefined ? '' : (ms / 1_000).toFixed(1));
const median = (numbers) => numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)];

const bench = await openBench();
const result = { machine: machine(), shards, cases: [] };
try {
  const bare = await jarsWithoutArchive(bench.folder);
  if ((await readdir(bare)).length === 0) throw new Error(`No jars in ${cache}: run \`millrace jars fetch\` first.`);
  for (const one of CASES.filter(({ name }) => name.includes(values.only))) {
    const runs = [];
    for (let run = 0; run < Number(values.runs); run += 1) runs.push(await measure(bench, one, bare));
    result.cases.push({ name: one.name, runs });
    console.error(one.name, JSON.stringify(runs));
  }
} finally {
  await bench.close();
}
const rows = result.cases.map(({ name, runs }) => [
  name,
  ...['firstLogMs', 'initializeMs', 'handledMs'].map((field) => seconds(median(runs.map((run) => run[field])))),
]);
console.log(table([`set-up (${shards} shards)`, 'first log line', 'first initialize', 'first record'], rows));
await writeFile(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
