/**
 * A worker as a hardened container runs it, without a container engine: namespaces of the kernel make the program process
 * 1, under a user who owns nothing, with a root that cannot be written. What the kernel forbids fails with its reason.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { jarsFolder } from '../src/daemon/jar-store.js';
import { startEmulator, type Emulator } from '../src/local/emulator.js';
import { parentOf } from '../src/local/process-birth.js';
import { startDynamoDb, type DynamoDbLocal } from '../test/support/dynamo-db-local.js';
import { markedProcesses } from '../test/support/marked-processes.js';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const millrace = fileURLToPath(new URL('../bin/millrace.js', import.meta.url));
const enter = fileURLToPath(new URL('./container/enter.sh', import.meta.url));
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const NOBODY = 65_534;
const RECORDS = 20;

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

let image: string;
let kinesis: Emulator;
let dynamo: DynamoDbLocal;

beforeAll(async () => {
  // Not below /tmp, which is another one in the container.
  image = await mkdtemp('/var/tmp/millrace-image-');
  await chmod(image, 0o755);
  for (const folder of ['repo', 'jars', 'data']) await mkdir(join(image, folder));
  await chmod(join(image, 'data'), 0o777);
  await run(process.execPath, [millrace, 'jars', 'fetch']);
  const streams = [{ name: 'orders', shards: 2 }];
  [kinesis, dynamo] = await Promise.all([startEmulator({ streams, logger: silent }), startDynamoDb()]);
}, 300_000);
afterAll(async () => {
  await Promise.all([kinesis.stop(), dynamo.stop()]);
  await rm(image, { recursive: true, force: true });
});

interface Container {
  readonly child: ChildProcess;
  readonly mark: string;
  readonly said: { text: string };
  readonly exited: Promise<number | null>;
}

const placeInside = (path: string) => join(image, 'repo', path.slice(repository.length));

function startContainer(variables: Readonly<Record<string, string>>): Container {
  const mark = randomUUID();
  const all = {
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    MILLRACE_TEST_MARK: mark,
    MILLRACE_JARS: join(image, 'jars'),
    HANDLED: join(image, 'data/handled.txt'),
    ...variables,
  };
  const namespaces = ['--mount', '--pid', '--fork', '--mount-proc', ...(isRoot ? [] : ['--user', '--map-root-user'])];
  const words = [image, repository, jarsFolder(process.env), isRoot ? String(NOBODY) : 'same'];
  const assignments = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  const program = [process.execPath, placeInside(fileURLToPath(new URL('./container/main.mjs', import.meta.url)))];
  const child = spawn('unshare', [...namespaces, '/bin/sh', enter, ...words, ...assignments, ...program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { text: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said.text += text));
  const exited = once(child, 'close').then(([exitCode]) => exitCode as number | null);
  return { child, mark, said, exited };
}

async function until<T>(what: string, container: Container, found: () => Promise<T | undefined>): Promise<T> {
  const deadline = AbortSignal.timeout(90_000);
  for (;;) {
    const value = await found();
    if (value !== undefined) return value;
    const { exitCode } = container.child;
    // Where the kernel gives no namespaces, unshare says why.
    if (exitCode !== null) throw new Error(`The container ended with ${exitCode}: ${container.said.text}`);
    if (deadline.aborted) throw new Error(`${what} did not happen: ${container.said.text}`);
    await sleep(50);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Undefined while nobody listens, too. */
async function isOk(url: string): Promise<true | undefined> {
  return fetch(url).then(
    ({ ok }) => (ok ? true : undefined),
    () => undefined,
  );
}

/** Dead children that process 1 has not waited for. */
async function zombies(container: Container, first: number): Promise<number> {
  const { stdout } = await run('ps', ['-o', 'stat=', '--ppid', String(first)]).catch(() => ({ stdout: '' }));
  return stdout.split('\n').filter((state) => state.startsWith('Z')).length;
}

it(
  'serves, survives its daemon and ends in order as process 1, as nobody, on a read-only root',
  { timeout: 300_000 },
  async () => {
    const port = await freePort();
    const container = startContainer({
      AWS_ACCESS_KEY_ID: 'AKIALOCAL',
      AWS_SECRET_ACCESS_KEY: 'local',
      MILLRACE_KINESIS_ENDPOINT: kinesis.endpoint,
      MILLRACE_DYNAMO_DB_ENDPOINT: dynamo.endpoint,
      MILLRACE_REGION_NAME: kinesis.region,
      MILLRACE_METRICS_LEVEL: 'NONE',
      MILLRACE_SHARD_SYNC_INTERVAL_MILLIS: '100',
      MILLRACE_FAILOVER_TIME_MILLIS: '2000',
      MILLRACE_LEASE_ASSIGNMENT_INTERVAL_MILLIS: '2000',
      MILLRACE_HEALTH_PORT: String(port),
    });
    try {
      await until('/live', container, () => isOk(`http://127.0.0.1:${port}/live`));
      const first = firstProcess(container);
      expect(await statusOf(first)).toMatchObject({ NSpid: '1', Uid: isRoot ? String(NOBODY) : expect.any(String) });
      await put('a');
      await handled(container, RECORDS);
      await until('/ready', container, () => isOk(`http://127.0.0.1:${port}/ready`));
      const before = await zombies(container, first);

      // A daemon that dies leaves its relays to process 1.
      process.kill(javaOf(container), 'SIGKILL');
      await put('b');
      await handled(container, 2 * RECORDS);
      process.stderr.write(
        `container: ${before} zombies after the start, ${await zombies(container, first)} after a daemon died\n`,
      );

      process.kill(first, 'SIGTERM');
      expect(await container.exited, container.said.text).toBe(0);
      expect(markedProcesses(container.mark)).toEqual([]);
    } finally {
      container.child.kill('SIGKILL');
      for (const { pid } of markedProcesses(container.mark)) process.kill(pid, 'SIGKILL');
    }
  },
);

function firstProcess({ child, mark, said }: Container): number {
  const found = markedProcesses(mark).find(({ pid }) => parentOf(pid) === child.pid);
  if (found === undefined) throw new Error(`No process 1: ${said.text}`);
  return found.pid;
}

function javaOf({ mark, said }: Container): number {
  const found = markedProcesses(mark).find(({ command }) => command.includes('java -Xmx'));
  if (found === undefined) throw new Error(`No daemon: ${said.text}`);
  return found.pid;
}

/** Of lines with several numbers the last one: as the process itself sees it. */
async function statusOf(pid: number): Promise<Readonly<Record<string, string>>> {
  const lines = (await readFile(`/proc/${pid}/status`, 'utf8')).split('\n');
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', value = ''] = line.split(':');
      return [name, value.trim().split(/\s+/).at(-1) ?? ''];
    }),
  );
}

async function put(prefix: string): Promise<void> {
  const words = ['put', 'orders', '--endpoint', kinesis.endpoint, '--region', kinesis.region];
  const pattern = ['--pattern', `{"id":"${prefix}{{n}}"}`, '--count', String(RECORDS)];
  await run(process.execPath, [millrace, ...words, ...pattern]);
}

async function handled(container: Container, count: number): Promise<void> {
  await until(`${count} records`, container, async () => {
    const text = await readFile(join(image, 'data/handled.txt'), 'utf8').catch(() => '');
    return new Set(text.split('\n').filter(Boolean)).size >= count ? true : undefined;
  });
}
