/** A worker was killed together with its guard: the next one ends and removes what it left, and touches nothing else. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startTickOf } from '../src/local/process-birth.js';
import { clearLeftFolders } from '../src/supervisor/left-folders.js';
import { makePrivateFolder, type PrivateFolder } from '../src/supervisor/private-folder.js';

const LISTEN = "require('net').createServer().listen(process.argv[1], () => console.log('listening'))";

let place: string;
let own: PrivateFolder;
let daemon: ChildProcess;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'left-'));
  vi.stubEnv('TMPDIR', place);
  own = await makePrivateFolder();
  daemon = spawn('sleep', ['60'], { detached: true });
  await once(daemon, 'spawn');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  daemon.kill('SIGKILL');
  await rm(place, { recursive: true, force: true });
});

it('ends what a killed worker left, and removes its folder', async () => {
  await makeLeft('millrace-left');

  await clearLeftFolders(own);

  expect(await readdir(place)).toEqual([own.path.slice(place.length + 1)]);
  if (daemon.signalCode === null) await once(daemon, 'exit');
  expect(daemon.signalCode).toBe('SIGKILL');
});

it('leaves the folders of workers that live, that start, and that others may write to', async () => {
  const left = await makeLeft('millrace-open-to-all');
  await chmod(left, 0o755);
  const living = join(place, 'millrace-living');
  await mkdir(living, { mode: 0o700 });
  const server = createServer((socket) => socket.end()).listen(join(living, 'supervisor'));
  await once(server, 'listening');
  await mkdir(join(place, 'millrace-starting'), { mode: 0o700 });
  const before = await readdir(place);

  await clearLeftFolders(own);

  expect(await readdir(place)).toEqual(before);
  expect(startTickOf(daemon.pid ?? 0)).toBeDefined();
  server.close();
});

/** As a worker leaves it that was killed together with its guard; its daemon lives on. */
async function makeLeft(name: string): Promise<string> {
  const folder = join(place, name);
  await mkdir(folder, { mode: 0o700 });
  const supervisor = spawn(process.execPath, ['-e', LISTEN, join(folder, 'supervisor')]);
  await once(supervisor.stdout, 'data');
  supervisor.kill('SIGKILL');
  await once(supervisor, 'exit');
  await writeFile(join(folder, 'door'), `${supervisor.pid ?? 0} 20 21\n`);
  await writeFile(join(folder, 'wards'), `${daemon.pid ?? 0} ${startTickOf(daemon.pid ?? 0) ?? ''}\n`);
  return folder;
}
