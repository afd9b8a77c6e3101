/**
 * A whole worker with Java, on a Kinesis and a DynamoDB of this machine, with 1, 4 and 16 shards: how fast it works off what lies in
 * the stream, what that costs in its processes, and how long a record takes from its put to its handler when little comes.
 * `npm run bench:end-to-end [-- --shards 1,4,16 --records 4000]`
 */
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { endToEndCharts } from './charts/end-to-end.mjs';
import { writeCharts } from './support/chart.mjs';
import { machine } from './support/machine.mjs';
import { table } from './support/table.mjs';
import { openBench, sdk, until } from './support.mjs';
import { cpuNs, loadAverage } from './throughput/process-cost.mjs';
import { spread } from './throughput/statistics.mjs';

const { values } = parseArgs({
  options: {
    shards: { type: 'string', default: '1,4,16' },
    /** In each shard. */
    records: { type: 'string', default: '4000' },
    bytes: { type: 'string', default: '1024' },
    trickle: { type: 'string', default: '40' },
    /** KCL's own interval between two reads; its default is a second. */
    idle: { type: 'string', default: '250' },
    json: { type: 'string', default: 'bench-end-to-end.json' },
    charts: { type: 'string', default: 'bench-charts' },
  },
});
const program = fileURLToPath(new URL('counting-consumer.mjs', import.meta.url));
const recordBytes = Number(values.bytes);
const PUT_AT_ONCE = 250;
const PUT_PAUSE_MS = 250;

async function put(bench, name, { count, first }) {
  for (let done = 0; done < count; done += PUT_AT_ONCE) {
    const length = Math.min(PUT_AT_ONCE, count - done);
    let records = Array.from({ length }, (_, index) => ({
      PartitionKey: `key-${first + done + index}`,
      Data: Buffer.from(`${Date.now()}`.padEnd(recordBytes, 'x')),
    }));
    // A stream takes so much a second and no more: what it refused is put again.
    while (records.length > 0) {
      const { Records } = await bench.client.send(new sdk.PutRecordsCommand({ StreamName: name, Records: records }));
      records = records.filter((_, index) => Records[index].ErrorCode !== undefined);
      if (records.length > 0) await sleep(PUT_PAUSE_MS);
    }
  }
}

/** CPU milliseconds so far, by role. */
function cost(worker) {
  const sum = {};
  for (const { pid, role } of worker.processes()) {
    try {
      sum[role] = (sum[role] ?? 0) + cpuNs(pid) / 1e6;
    } catch {
      // It has ended since.
    }
  }
  return sum;
}

const handled = (worker) => worker.told().filter(({ what }) => what === 'handled');
const counted = (worker) => handled(worker).at(-1)?.records ?? 0;
const waitFor = (worker, records) =>
  until(`${records} records`, () => counted(worker) >= records, {
    withinMs: 300_000,
    pollMs: 50,
    last: () => `${counted(worker)} were handled.\n${worker.logs.slice(-3_000)}`,
  });

async function measure(bench, shards) {
  const name = await bench.makeStream(shards);
  await bench.provision(name);
  const backlog = Number(values.records) * shards;
  await put(bench, name, { count: backlog, first: 0 });
  const options = { metricsLevel: 'NONE', idleTimeBetweenReadsInMillis: Number(values.idle) };
  const worker = bench.startWorker(name, { program, options });
  try {
    await until(`${shards} shards`, () => worker.told().filter(({ what }) => what === 'initialized').length >= shards, {
      withinMs: 300_000,
      last: () => worker.logs.slice(-3_000),
    });
    const before = cost(worker);
    const since = Date.now();
    await waitFor(worker, backlog);
    const after = cost(worker);
    const tookMs = handled(worker).at(-1).at - since;
    const trickled = Number(values.trickle);
    for (let index = 0; index < trickled; index += 1) {
      await put(bench, name, { count: 1, first: backlog + index });
      await sleep(PUT_PAUSE_MS);
    }
    await waitFor(worker, backlog + trickled);
    const latencies = handled(worker)
      .flatMap((event) => event.latencies)
      .slice(-trickled);
    const cpuUs = (role) => (((after[role] ?? 0) - (before[role] ?? 0)) * 1_000) / backlog;
    return {
      shards,
      records: backlog,
      load: loadAverage(),
      perSecond: (backlog * 1_000) / tookMs,
      hostCpuUsPerRecord: cpuUs('host'),
      javaCpuUsPerRecord: cpuUs('java'),
      supervisorCpuUsPerRecord: cpuUs('supervisor'),
      latencyMs: spread(latencies),
    };
  } finally {
    await worker.stop();
  }
}

const bench = await openBench();
const measured = [];
try {
  for (const shards of values.shards.split(',').map(Number)) measured.push(await measure(bench, shards));
} finally {
  await bench.close();
}
const range = ({ median, low, high }) => `${median.toFixed(0)} [${low.toFixed(0)}-${high.toFixed(0)}]`;
console.log(
  table(
    ['shards', 'records', 'records a second', 'CPU of the host, us/record', 'of Java', 'put to handler, ms'],
    measured.map((row) => [
      row.shards,
      row.records,
      row.perSecond.toFixed(0),
      row.hostCpuUsPerRecord.toFixed(1),
      row.javaCpuUsPerRecord.toFixed(0),
      range(row.latencyMs),
    ]),
  ),
);
const result = { machine: machine(), idleMs: Number(values.idle), recordBytes, measured };
await writeFile(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
await writeCharts(values.charts, endToEndCharts(result));
