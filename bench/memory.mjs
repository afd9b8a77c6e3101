/**
 * What a worker of fifty idle shards takes for itself: private memory (USS) of the supervisor, the hosts and the relays; the
 * same with a process for each shard, and with children of aws-kcl. `npm run bench:memory [-- --shards 50 --json file]`
 */
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { IdleProcesses } from './support/idle-processes.mjs';
import { machine } from './support/machine.mjs';
import { privateBytes } from './support/private-bytes.mjs';
import { table } from './support/table.mjs';
import { openBench, until } from './support.mjs';
import { awsKcl } from './throughput/clients.mjs';

const { values } = parseArgs({
  options: {
    shards: { type: 'string', default: '50' },
    settle: { type: 'string', default: '30' },
    mode: { type: 'string', default: 'shared,process,aws-kcl' },
    json: { type: 'string', default: 'bench-memory.json' },
  },
});
const shards = Number(values.shards);
const settleMs = Number(values.settle) * 1_000;
const modes = values.mode.split(',');
const AWS_KCL_CHILDREN = 5;

/** Private bytes and number of processes by role. */
async function measureWorker(bench, isolation) {
  const name = await bench.makeStream(shards);
  await bench.provision(name);
  const options = { metricsLevel: 'NONE', isolation };
  const worker = bench.startWorker(name, { options });
  try {
    await until(`${shards} shards`, () => worker.told().filter(({ what }) => what === 'initialized').length >= shards, {
      withinMs: 300_000,
      pollMs: 200,
      last: () => worker.logs.slice(-3_000),
    });
    await sleep(settleMs);
    return tally(worker.processes().map(({ pid, role }) => ({ role, bytes: privateBytes(pid) })));
  } finally {
    await worker.stop();
  }
}

function tally(processes) {
  const roles = {};
  for (const { role, bytes } of processes) {
    roles[role] ??= { processes: 0, bytes: 0 };
    roles[role].processes += 1;
    roles[role].bytes += bytes;
  }
  return roles;
}

/** Five children of aws-kcl, initialized and idle, and from them what fifty would take. */
async function measureAwsKcl() {
  const children = new IdleProcesses(awsKcl());
  try {
    await children.add(AWS_KCL_CHILDREN);
    await sleep(settleMs);
    return tally(children.bytes().map((bytes) => ({ role: 'child', bytes })));
  } finally {
    await children.close();
  }
}

const megabytes = (bytes) => (bytes / 2 ** 20).toFixed(1);
const OURS = ['supervisor', 'host', 'child', 'relay', 'guard'];

const bench = await openBench();
const result = { machine: machine(), shards };
try {
  if (modes.includes('shared')) result.shared = await measureWorker(bench, 'shared');
  if (modes.includes('process')) result.process = await measureWorker(bench, 'process');
  if (modes.includes('aws-kcl')) result.awsKcl = await measureAwsKcl();
} finally {
  await bench.close();
}
const rows = [];
for (const mode of ['shared', 'process'].filter((one) => result[one] !== undefined)) {
  const ours = OURS.filter((role) => result[mode][role] !== undefined);
  for (const role of [...ours, 'java'])
    rows.push([mode, role, result[mode][role].processes, megabytes(result[mode][role].bytes)]);
  const sum = ours.reduce((bytes, role) => bytes + result[mode][role].bytes, 0);
  rows.push([mode, '**all but Java**', '', `**${megabytes(sum)}**`]);
}
if (result.awsKcl !== undefined) {
  const { processes, bytes } = result.awsKcl.child;
  rows.push(['aws-kcl', 'child', processes, megabytes(bytes)]);
  rows.push(['aws-kcl', `**extrapolated to ${shards}**`, shards, `**${megabytes((bytes / processes) * shards)}**`]);
}
console.log(table(['mode', 'role', 'processes', 'private MB'], rows));
await writeFile(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
