import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogLines } from '../runtime/session.fixture.js';
import type { WorkerHealth } from '../runtime/worker-health.js';
import { findWorkers } from './control-client.js';
import { controlFolders, socketName } from './control-folder.js';
import { openControl, type ControlServer, type ControlSource } from './control-server.js';
import { readJsonLine } from './read-line.js';

let place: string;
let health: WorkerHealth;
const open: ControlServer[] = [];
beforeEach(async () => {
  // Short: the address of a socket has room for about a hundred bytes.
  place = await mkdtemp('/tmp/mc-');
  // The stream tells the workers of this test from others on the machine.
  const consumer = { consumer: 'Mailer', applicationName: 'mailer', stream: place, daemon: undefined, shards: [] };
  health = { phase: 'running', healthy: true, consumers: [consumer], hosts: [] };
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
  await rm(place, { recursive: true });
});

const env = () => ({ XDG_RUNTIME_DIR: place });
const folder = () => controlFolders(env())[0] ?? '';

async function control(source: Partial<ControlSource> = {}, more: { applicationName?: string } = {}) {
  const { applicationName = 'mailer' } = more;
  const whole = { health: () => health, operate: async () => undefined, ...source };
  const server = await openControl({ source: whole, applicationName, env: env(), logger: new LogLines() });
  open.push(server);
  return server;
}

async function found() {
  const { workers } = await findWorkers(env());
  return workers.filter(({ health: { consumers } }) => consumers.some(({ stream }) => stream === place));
}

/** What the worker answers to this text. */
async function ask(path: string, text: string): Promise<unknown> {
  const socket = connect(path);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const answer = readJsonLine(socket, { maxBytes: 65_536, withinMs: 5_000 });
  socket.write(text);
  return answer.finally(() => socket.destroy());
}

describe('a control socket', () => {
  it('is named after application and process, where only its user may enter', async () => {
    const { path } = await control();

    expect(path).toBe(join(folder(), `mailer-${process.pid}.sock`));
    expect((await stat(folder())).mode & 0o777).toBe(0o700);
    expect(socketName('orders/mail er with a very long name indeed', 7)).toBe('orders-mail-er-with-a-ve-7');
  });

  it('tells where the worker stands', async () => {
    await control();

    expect(await found()).toMatchObject([{ pid: process.pid, health: JSON.parse(JSON.stringify(health)) as object }]);
  });

  it('passes orders on, and their answers back', async () => {
    const heard: unknown[] = [];
    await control({
      operate: async (...order) => {
        heard.push(order);
        return order[1] === 'held' ? { kind: 'done', text: 'It is skipped.' } : undefined;
      },
    });
    const [worker] = await found();

    expect(await worker?.operate('mailer', 'held', 'skip')).toEqual({ kind: 'done', text: 'It is skipped.' });
    expect(await worker?.operate('mailer', 'other', 'find')).toBeUndefined();
    expect(heard).toEqual([
      ['mailer', 'held', 'skip'],
      ['mailer', 'other', 'find'],
    ]);
  });

  it('says what went wrong in the worker', async () => {
    await control({ operate: () => Promise.reject(new Error('no host')) });
    const [worker] = await found();

    await expect(worker?.operate('mailer', 'held', 'skip')).rejects.toMatchObject({
      code: 'TRANSPORT_FAILED',
      message: 'no host',
    });
  });

  it('is gone when the worker has ended, and the folder with the last one', async () => {
    const first = await control();
    const second = await control({}, { applicationName: 'billing' });

    await first.close();
    expect(await readdir(folder())).toEqual([`billing-${process.pid}.sock`]);
    await second.close();
    expect(await readdir(place)).toEqual([]);
  });

  it('does not take the name of one that is listened on', async () => {
    const first = await control();
    const second = await control();

    expect(second.path).not.toBe(first.path);
    expect(await found()).toHaveLength(2);
  });

  it('takes away what killed workers left, and nothing else', async () => {
    await mkdir(folder(), { mode: 0o700 });
    const left = join(folder(), 'mailer-999999999.sock');
    const server = createServer().listen(left);
    await once(server, 'listening');
    const listened = join(folder(), 'billing-999999999.sock');
    const living = createServer().listen(listened);
    await once(living, 'listening');
    // A socket whose process was killed stays; closed by hand it would be removed.
    await rm(left);
    await new Promise((resolve) => server.close(resolve));
    await writeFile(left, '');

    await control();

    expect((await readdir(folder())).toSorted()).toEqual(['billing-999999999.sock', `mailer-${process.pid}.sock`]);
    await new Promise((resolve) => living.close(resolve));
  });
});

describe('a folder that others may enter', () => {
  it('is neither used nor asked in', async () => {
    await mkdir(folder());
    await chmod(folder(), 0o755);
    const elsewhere = await control();
    expect(dirname(elsewhere.path)).not.toBe(folder());
    expect(await found()).toHaveLength(1);
    await elsewhere.close();

    await chmod(folder(), 0o700);
    const here = await control();
    expect(dirname(here.path)).toBe(folder());
    await chmod(folder(), 0o770);
    expect(await found()).toEqual([]);
  });

  it('is told of when there is no other place', async () => {
    const long = join(place, 'x'.repeat(60), 'y'.repeat(60));
    await mkdir(long, { recursive: true });
    const name = 'z'.repeat(100);
    const { makeControlFolder } = await import('./control-folder.js');

    await expect(makeControlFolder({ XDG_RUNTIME_DIR: long }, name)).rejects.toMatchObject({
      code: 'TRANSPORT_FAILED',
      message: expect.stringContaining('is too long for a socket') as string,
    });
  });
});

describe('a request', () => {
  it.each([
    '{"kind":"stop"}',
    '7',
    'null',
    '{"kind":"operate","recordId":"a"}',
    '{"kind":"operate","applicationName":"mailer","recordId":"a","wish":"drop"}',
  ])('that is none is answered so: %s', async (text) => {
    const { path } = await control();

    expect(await ask(path, `${text}\n`)).toEqual({
      kind: 'error',
      text: expect.stringContaining('does not understand') as string,
    });
  });

  it('that is no JSON, or longer than any request, is refused', async () => {
    const { path } = await control();

    expect(await ask(path, 'hello\n')).toMatchObject({ kind: 'error' });
    expect(await ask(path, 'x'.repeat(100_000))).toMatchObject({ kind: 'error', text: expect.any(String) as string });
  });
});

describe('a line that is waited for', () => {
  it('has to come in time', async () => {
    const path = join(place, 'silent.sock');
    const server = createServer().listen(path);
    await once(server, 'listening');
    const socket = connect(path);

    await expect(readJsonLine(socket, { maxBytes: 10, withinMs: 1 })).rejects.toThrow('did not come within 1 ms');

    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it('is not waited for when the other end is gone', async () => {
    const path = join(place, 'gone.sock');
    const server = createServer((socket) => socket.destroy()).listen(path);
    await once(server, 'listening');

    await expect(readJsonLine(connect(path), { maxBytes: 10, withinMs: 5_000 })).rejects.toThrow('was cut off');
    await new Promise((resolve) => server.close(resolve));
  });
});
