/**
 * What hosted shards cost, without Java: this process is the supervisor of one host and the daemon of its relays. How long until so
 * many shards are ready from the moment in which their relays were started at once, and what one more idle shard takes;
 * beside it so many processes of one shard each, of Millrace and of aws-kcl.
 * `npm run bench:hosted [-- --steps 1,10,50,200 --burst 50 --runs 5]`
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startTickOf } from '../packages/core/src/local/process-birth.ts';
import { openDoor } from '../packages/core/src/supervisor/door.ts';
import { openLinkServer } from '../packages/core/src/supervisor/link-server.ts';
import { makePrivateFolder } from '../packages/core/src/supervisor/private-folder.ts';
import { memoryCharts } from './charts/memory.mjs';
import { writeCharts } from './support/chart.mjs';
import { machine } from './support/machine.mjs';
import { IdleProcesses } from './support/idle-processes.mjs';
import { openPipe } from './support/pipe.mjs';
import { privateBytes } from './support/private-bytes.mjs';
import { table } from './support/table.mjs';
import { awsKcl, millrace } from './throughput/clients.mjs';
import { loadAverage } from './throughput/process-cost.mjs';
import { spread } from './throughput/statistics.mjs';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '1,10,50,200' },
    burst: { type: 'string', default: '50' },
    runs: { type: 'string', default: '5' },
    settle: { type: 'string', default: '10' },
    json: { type: 'string', default: 'bench-hosted.json' },
    charts: { type: 'string', default: 'bench-charts' },
  },
});
const PER_SHARD = { millrace: millrace('record'), 'aws-kcl': awsKcl() };
const CONSUMER = fileURLToPath(new URL('clients/millrace.mjs', import.meta.url));
const QUIET = { debug: () => undefined, info: () => undefined, warn: console.error, error: console.error };

/** One host and the relays that it serves. */
class HostUnderTest {
  relays = [];
  ringing = new Map();

  static async start() {
    const test = new HostUnderTest();
    test.folder = await makePrivateFolder();
    test.door = await openDoor(test.folder.path, (pid) => test.attach(pid));
    const connected = new Promise((resolve) => {
      test.opening = openLinkServer(test.folder.socket, { logger: QUIET, onPeer: resolve });
    });
    test.server = await test.opening;
    const env = {
      ...process.env,
      NODE_EXTRA_CA_CERTS: undefined,
      MILLRACE_LINK: test.folder.socket,
      MILLRACE_HOST: 'h',
    };
    test.host = spawn(process.execPath, [CONSUMER], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    test.peer = await connected;
    const ready = new Promise((resolve) => {
      test.peer.onMessage = ({ kind }) => kind === 'ready' && resolve();
    });
    test.peer.send({ kind: 'welcome', retentionMs: {} });
    await ready;
    return test;
  }

  attach(pid) {
    const relay = { pid, startTick: startTickOf(pid) };
    this.peer.send({ kind: 'attach', applicationName: 'bench', sessionId: `bench#${pid}`, relay });
  }

  /** Starts so many relays at once; milliseconds until each has its first status, from the first start and from the last. */
  async add(count) {
    const pipes = Array.from({ length: count }, (_, index) => this.makePipes(this.relays.length + index));
    const answered = pipes.map(({ fromRelay }) => once(fromRelay, 'data'));
    const startedAt = performance.now();
    for (const { toRelay, fromRelay, ends, name } of pipes) {
      const relay = spawn('/bin/sh', [join(this.folder.path, 'relay.sh'), this.folder.path], {
        stdio: [...ends, 'inherit'],
      });
      const shardId = `shardId-${name}`;
      writeSync(
        toRelay,
        `{"action":"initialize","shardId":"${shardId}","sequenceNumber":"TRIM_HORIZON","subSequenceNumber":0}\n`,
      );
      this.relays.push({ relay, toRelay, fromRelay });
    }
    const spawnedAt = performance.now();
    await Promise.all(answered);
    const readyAt = performance.now();
    for (const { ends } of pipes) for (const fd of ends) closeSync(fd);
    return { sinceFirstMs: readyAt - startedAt, sinceLastMs: readyAt - spawnedAt };
  }

  makePipes(name) {
    const [toRelay, fromRelay] = ['in', 'out'].map((end) => openPipe(join(this.folder.path, `${end}-${name}`)));
    return {
      name,
      ends: [toRelay.read, fromRelay.write],
      toRelay: toRelay.write,
      fromRelay: new Socket({ fd: fromRelay.read, readable: true, writable: false }),
    };
  }

  memory() {
    const relays = this.relays.map(({ relay }) => privateBytes(relay.pid));
    return { host: privateBytes(this.host.pid), relay: relays.reduce((sum, one) => sum + one, 0) / relays.length };
  }

  async close() {
    for (const { relay, toRelay, fromRelay } of this.relays) {
      relay.kill('SIGKILL');
      closeSync(toRelay);
      fromRelay.destroy();
    }
    this.host.kill('SIGKILL');
    this.server.close();
    this.door.close();
    await this.folder.remove();
  }
}

async function measureProcesses(client, steps) {
  const test = new IdleProcesses(client);
  try {
    const measured = [];
    for (const shards of steps) {
      await test.add(shards - test.children.length);
      await sleep(Number(values.settle) * 1_000);
      measured.push({ shards, bytes: test.bytes().reduce((sum, one) => sum + one, 0) });
    }
    return measured;
  } finally {
    await test.close();
  }
}

async function measureMemory(steps) {
  const test = await HostUnderTest.start();
  try {
    const measured = [];
    for (const shards of steps) {
      await test.add(shards - test.relays.length);
      await sleep(Number(values.settle) * 1_000);
      measured.push({ shards, ...test.memory() });
    }
    return measured;
  } finally {
    await test.close();
  }
}

async function measureBursts(count) {
  const bursts = [];
  for (let run = 0; run < Number(values.runs); run += 1) {
    const test = await HostUnderTest.start();
    try {
      bursts.push(await test.add(count));
    } finally {
      await test.close();
    }
  }
  return bursts;
}

const megabytes = (bytes) => (bytes / 2 ** 20).toFixed(2);
const steps = values.steps.split(',').map(Number);
const memory = await measureMemory(steps);
const perShard = {};
for (const [name, client] of Object.entries(PER_SHARD)) perShard[name] = await measureProcesses(client, steps);
const rows = memory.map(({ shards, host, relay }, index) => {
  const before = memory[index - 1];
  const more = before === undefined ? undefined : (host - before.host) / (shards - before.shards) + relay;
  const processes = Object.values(perShard).map((measured) => megabytes(measured[index].bytes));
  return [shards, megabytes(host), megabytes(relay), more === undefined ? '' : megabytes(more), ...processes];
});
const others = Object.keys(perShard).map((name) => `${name}, a process each`);
console.log(table(['idle shards', 'host, private MB', 'a relay', 'one more shard, both', ...others], rows));
const bursts = await measureBursts(Number(values.burst));
const ms = ({ median, low, high }) => `${median.toFixed(0)} [${low.toFixed(0)}-${high.toFixed(0)}] ms`;
const [sinceFirst, sinceLast] = ['sinceFirstMs', 'sinceLastMs'].map((field) => spread(bursts.map((one) => one[field])));
console.log(
  `\n${values.burst} shards ready after the first relay was started: ${ms(sinceFirst)}, after the last: ${ms(sinceLast)}`,
);
const result = { machine: machine(), load: loadAverage(), memory, perShard, bursts };
await writeFile(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
await writeCharts(values.charts, memoryCharts(result));
process.exit();
