/**
 * An application outside this repository: it has what `npm pack` would publish, its own compiler settings and nothing of
 * ours. Needs the npm registry, for its dependencies and for other versions of Node.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator } from '../src/local/emulator.js';
import { emulatorClient } from '../test/support/emulator-client.js';

const RECORDS = 200;
const HANDLED_WITHIN_MS = 30_000;

const repository = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const run = promisify(execFile);
const children = new Set<ChildProcess>();

let app: string;
let emulator: Emulator;
/** Of the compiler. */
let complaints: string;
/** As PutRecords acknowledged them. */
let ids: readonly string[];

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'outside-app-'));
  const streams = [{ name: 'notes', shards: 2 }];
  [emulator] = await Promise.all([startEmulator({ streams, logger: silent }), install()]);
  [complaints, ids] = await Promise.all([compile(), put()]);
}, 120_000);

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await emulator.stop();
  await rm(app, { recursive: true, force: true });
});

describe('an application outside this repository', () => {
  it('compiles with plain tsc, strict, our declarations checked, too', () => {
    expect(complaints).toBe('');
  });

  it('is tested with @millrace/testing on the test runner of Node', async () => {
    const output = await outputOf(['--test', '--test-reporter', 'tap', 'dist/first-test.js']);

    expect(output).toMatch(/^# pass 2$/m);
    expect(output).toMatch(/^# fail 0$/m);
  });

  it.each([
    ['this Node', /^v(?:20|22|24)\./],
    ['node@22', /^v22\./],
    ['node@24', /^v24\./],
  ])('handles every record of a stream under %s, and stops when asked', async (version, expected) => {
    const program = await programOf(version);
    const { child, folder, output } = await start(program);

    await untilHandled(join(folder, 'notes.txt'), output);
    child.kill('SIGTERM');

    expect(await once(child, 'close'), output()).toEqual([0, null]);
    expect((await run(program, ['--version'])).stdout).toMatch(expected);
    const handled = (await readFile(join(folder, 'notes.txt'), 'utf8')).split('\n').slice(0, -1);
    expect(handled.map((line) => line.split(' ')[0] ?? '').toSorted()).toEqual([...ids].toSorted());
  });
});

/** Our environment without what `npm run` says about this repository. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
}

async function install(): Promise<void> {
  const options = { cwd: app, env: environment() };
  await cp(repository('packages/core/slow/outside-app'), app, { recursive: true });
  const packages = [repository('packages/core'), repository('packages/testing')];
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', ...packages], options);
  const tarballs = (JSON.parse(stdout) as { filename: string }[]).map(({ filename }) => `./${filename}`);
  await writeFile(join(app, 'package.json'), JSON.stringify({ name: 'outside-app', private: true, type: 'module' }));
  const { devDependencies } = JSON.parse(await readFile(repository('package.json'), 'utf8'));
  const others = ['class-validator', 'class-transformer', '@types/node'].map(
    (name) => `${name}@${devDependencies[name]}`,
  );
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...tarballs, ...others], options);
}

function compile(): Promise<string> {
  const compiler = join(dirname(createRequire(import.meta.url).resolve('@typescript/native/package.json')), 'bin/tsc');
  return outputOf([compiler, '-p', app, '--skipLibCheck', 'false']);
}

/** What a script prints; when it fails, its complaints stand there. */
function outputOf(args: readonly string[]): Promise<string> {
  return run(process.execPath, args, { cwd: app, env: environment() }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
}

/** The program of that version itself, not a chain of npx, shell and node: it has to get our signals. */
async function programOf(version: string): Promise<string> {
  if (version === 'this Node') return process.execPath;
  const options = { cwd: app, env: environment() };
  const { stdout } = await run('npx', ['--yes', '--package', version, '--call', 'node -p process.execPath'], options);
  return stdout.trim();
}

async function start(program: string) {
  const folder = await mkdtemp(join(app, 'run-'));
  const env = {
    ...environment(),
    MILLRACE_ENGINE: 'local',
    MILLRACE_KINESIS_ENDPOINT: emulator.endpoint,
    MILLRACE_REGION_NAME: emulator.region,
  };
  const child = spawn(program, [join(app, 'dist/main.js')], { cwd: folder, env });
  children.add(child);
  child.once('close', () => children.delete(child));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return { child, folder, output: () => output };
}

async function untilHandled(path: string, output: () => string): Promise<void> {
  const deadline = AbortSignal.timeout(HANDLED_WITHIN_MS);
  const lines = async () => (await readFile(path, 'utf8').catch(() => '')).split('\n').length - 1;
  while ((await lines()) < RECORDS) {
    if (deadline.aborted) throw new Error(`Not all records were handled within ${HANDLED_WITHIN_MS} ms.\n${output()}`);
    await sleep(100);
  }
}

async function put(): Promise<readonly string[]> {
  const client = emulatorClient(emulator);
  const Records = Array.from({ length: RECORDS }, (_, index) => {
    const text = `note-${index}`;
    return { PartitionKey: text, Data: Buffer.from(JSON.stringify({ text })) };
  });
  const answer = await client.send(new PutRecordsCommand({ StreamName: 'notes', Records }));
  client.destroy();
  return (answer.Records ?? []).map(({ ShardId, SequenceNumber }) => `${ShardId}:${SequenceNumber}:0`);
}
