/** A held record, from the outside: a worker on the local engine, and the built command in another process. */
import { PutRecordCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEmulator, type Emulator } from '../src/local/emulator.js';
import { emulatorClient } from '../test/support/emulator-client.js';

const core = fileURLToPath(new URL('..', import.meta.url));
const logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Cannot mail to `late` before there is an address, and never to `never` or `nowhere`. */
const MAILER_JS = `
import { appendFileSync, existsSync } from 'node:fs';
import { defineConsumer, file, NonRetryableError, recordHandler } from '@millrace/core';
const handle = ({ to }) => {
  if (to === 'late' && existsSync('address.txt')) return appendFileSync('sent.txt', 'late\\n');
  if (to !== 'bob') throw new NonRetryableError('no address of ' + to);
  appendFileSync('sent.txt', 'bob\\n');
};
export const mailer = defineConsumer({
  name: 'mailer',
  stream: 'orders',
  applicationName: 'held-mailer',
  checkpoint: 'batch',
  retry: { then: 'hold' },
  deadLetter: { sink: file({ directory: 'parked' }) },
  handlers: [recordHandler({ name: 'mail', handle })],
});
`;

let project: string;
let emulator: Emulator;
let client: KinesisClient;
let worker: ChildProcess | undefined;

beforeAll(async () => {
  // Short: the address of a socket has room for about a hundred bytes.
  project = await mkdtemp('/tmp/mop-');
  await mkdir(join(project, 'node_modules/@millrace'), { recursive: true });
  await mkdir(join(project, 'run'), { mode: 0o700 });
  await symlink(core, join(project, 'node_modules/@millrace/core'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'shop', type: 'module' }));
  await writeFile(join(project, 'mailer.js'), MAILER_JS);
  emulator = await startEmulator({ streams: [{ name: 'orders', shards: 1 }], logger });
  client = emulatorClient(emulator);
});
afterAll(async () => {
  worker?.kill('SIGKILL');
  client.destroy();
  await emulator.stop();
  await rm(project, { recursive: true, force: true });
});

function start(...words: readonly string[]): ChildProcess {
  const env = {
    ...process.env,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    MILLRACE_ENGINE: 'local',
    MILLRACE_KINESIS_ENDPOINT: emulator.endpoint,
    XDG_RUNTIME_DIR: join(project, 'run'),
  };
  return spawn(process.execPath, [join(core, 'dist/cli.js'), ...words], {
    cwd: project,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function millrace(...words: readonly string[]) {
  const child = start(...words, '--application', 'held-mailer');
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => (out += String(chunk)));
  child.stderr?.on('data', (chunk) => (err += String(chunk)));
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, out, err };
}

const sockets = async () => (existsSync(join(project, 'run')) ? readdir(join(project, 'run')) : []);

async function held(): Promise<string> {
  let recordId: string | undefined;
  await expect
    .poll(
      async () => {
        const { out } = await millrace('status', '--json');
        const [consumer] = JSON.parse(out) as [
          { shards: { heldRecords: { recordId: string; error: { message: string } }[] }[] },
        ];
        const [record] = consumer.shards.flatMap(({ heldRecords }) => heldRecords);
        recordId = record?.recordId;
        return record?.error.message;
      },
      { timeout: 30_000, interval: 300 },
    )
    .toBeDefined();
  return recordId ?? '';
}

it('is shown, runs again, is parked or is skipped as the operator says', async () => {
  const run = start('run', 'mailer.js');
  worker = run;
  let log = '';
  run.stderr?.on('data', (chunk) => (log += String(chunk)));
  for (const to of ['late', 'never', 'nowhere', 'bob']) {
    const Data = Buffer.from(JSON.stringify({ to }));
    await client.send(new PutRecordCommand({ StreamName: 'orders', PartitionKey: 'k', Data }));
  }
  await expect.poll(sockets, { timeout: 30_000 }).not.toEqual([]);

  const late = await held();
  expect((await millrace('status')).out).toMatch(/held for .*\n +running it again cannot help \(no address of late\)/);
  expect(await millrace('skip', 'other')).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining(late) as string,
  });
  await writeFile(join(project, 'address.txt'), '');
  expect(await millrace('retry', late)).toMatchObject({
    exitCode: 0,
    out: expect.stringContaining('runs again') as string,
  });
  const never = await held();
  expect(await millrace('park', never)).toMatchObject({
    exitCode: 0,
    out: expect.stringContaining('It is parked.') as string,
  });
  expect((await readdir(join(project, 'parked'))).length).toBeGreaterThan(0);
  const nowhere = await held();
  expect(await millrace('skip', nowhere)).toMatchObject({ exitCode: 0 });
  await expect.poll(() => readFile(join(project, 'sent.txt'), 'utf8'), { timeout: 20_000 }).toBe('late\nbob\n');

  run.kill('SIGTERM');
  await once(run, 'exit');
  expect(run.exitCode).toBe(0);
  expect(log.match(/An operator has ordered: (?:retry|park|skip)/g)).toHaveLength(3);
  expect(await sockets()).toEqual([]);
  expect(await millrace('status')).toMatchObject({ exitCode: 1 });
});
