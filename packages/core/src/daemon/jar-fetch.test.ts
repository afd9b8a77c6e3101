import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchJars, type FetchObserver } from './jar-fetch.js';
import type { JarStore } from './jar-store.js';
import {
  answer,
  breakOff,
  flipped,
  instantClock,
  send,
  someJars,
  startMavenServer,
  type MavenServer,
} from './maven-server.fixture.js';
import { openMavenRepository, type Timeouts } from './maven-repository.js';
import { readMavenSettings } from './maven-settings.js';

const { lock, files } = someJars();
const [one, two] = [lock.jars[0]!, lock.jars[1]!];
const content = files[one.path]!;

let server: MavenServer;
let store: JarStore;
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'jar-fetch-'));
  server = await startMavenServer(files);
  store = { folder: join(root, 'store'), lock, jars: lock.jars.filter(({ needed }) => needed) };
});
afterEach(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly timeouts?: Timeouts;
  readonly observer?: Partial<FetchObserver>;
  readonly signal?: AbortSignal;
}

async function fetchWith({ env = {}, timeouts, observer = {}, signal = new AbortController().signal }: Given = {}) {
  const settings = readMavenSettings({ MILLRACE_MAVEN_URL: server.url, ...env });
  const repository = openMavenRepository(settings, timeouts);
  const { clock, delaysMs } = instantClock();
  const silent = { started: () => undefined, received: () => undefined, finished: () => undefined };
  try {
    const ports = { repository, clock, random: () => 0.5, signal, observer: { ...silent, ...observer } };
    return { ...(await fetchJars(store, ports)), delaysMs };
  } finally {
    await repository.close();
  }
}

const stored = async () => (await readdir(store.folder)).filter((name) => name !== '.partial').toSorted();
const partial = () => readdir(join(store.folder, '.partial'));
const requestsOf = (path: string) => server.requests.filter((request) => request.path === path).length;

describe('a fetch', () => {
  it('stores the needed jars, whole, and leaves nothing half-written', async () => {
    expect(await fetchWith()).toMatchObject({ jars: 3, complete: true });
    expect(await stored()).toEqual(['one-1.0.jar', 'three-1.2.jar', 'two-1.1.jar']);
    expect(await readFile(join(store.folder, one.file))).toEqual(content);
    expect(await partial()).toEqual([]);
  });

  it('downloads nothing again', async () => {
    await fetchWith();
    const before = server.requests.length;
    expect(await fetchWith()).toMatchObject({ jars: 0, bytes: 0, complete: true });
    expect(server.requests).toHaveLength(before);
  });

  it('replaces what is damaged, and says so', async () => {
    await fetchWith();
    await writeFile(join(store.folder, one.file), flipped(content));
    await writeFile(join(store.folder, two.file), content.subarray(0, 10));
    const plans: unknown[] = [];
    await fetchWith({ observer: { started: (plan) => plans.push(plan) } });
    expect(plans).toEqual([{ jars: 2, bytes: one.bytes + two.bytes, mended: [one.file, two.file] }]);
    expect(await readFile(join(store.folder, one.file))).toEqual(content);
  });

  it('refuses a jar in the folder that is on no list', async () => {
    await mkdir(store.folder);
    await writeFile(join(store.folder, 'evil.jar'), 'x');
    await expect(fetchWith()).rejects.toMatchObject({
      code: 'JAR_REFUSED',
      message: expect.stringContaining('evil.jar'),
    });
  });

  it('counts bytes and jars, and takes back those of a failed attempt', async () => {
    server.on(one.path, breakOff(content, 70_000), send(content));
    let bytes = 0;
    const finished: string[] = [];
    const observer = {
      received: (count: number) => void (bytes += count),
      finished: ({ file }: { file: string }) => void finished.push(file),
    };
    await fetchWith({ observer });
    expect(bytes).toBe(store.jars.reduce((sum, jar) => sum + jar.bytes, 0));
    expect(finished.toSorted()).toEqual(await stored());
  });

  it('beside another one ends with the same store', async () => {
    await Promise.all([fetchWith(), fetchWith(), fetchWith()]);
    expect(await stored()).toHaveLength(3);
    expect(await partial()).toEqual([]);
  });

  it('clears up what a killed one left long ago, and leaves a running one alone', async () => {
    const left = join(store.folder, '.partial');
    await mkdir(left, { recursive: true });
    await writeFile(join(left, 'old'), 'x');
    await utimes(join(left, 'old'), 0, 0);
    await writeFile(join(left, 'young'), 'x');
    await fetchWith();
    expect(await partial()).toEqual(['young']);
  });

  it('says where it cannot write', async () => {
    await writeFile(store.folder, 'a file where the folder should be');
    await expect(fetchWith()).rejects.toMatchObject({ message: expect.stringContaining(store.folder) });
  });
});

describe('a failure on the way', () => {
  it('503, then the jar: it waits as long as the server asks', async () => {
    server.on(one.path, answer(503, { 'retry-after': '7' }), send(content));
    expect((await fetchWith()).delaysMs).toEqual([7_000]);
  });

  it('is tried again with a growing, jittered delay, five times in all', async () => {
    server.on(one.path, answer(500));
    await expect(fetchWith()).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/^one-1\.0\.jar was not downloaded: .*answered 500 \(attempt 5 of 5\)\.$/),
    });
    expect(requestsOf(one.path)).toBe(5);
  });

  it('backs off 250, 500, 1000 and 2000 ms when chance says one half', async () => {
    server.on(one.path, answer(500), answer(502), answer(429), answer(408), send(content));
    expect((await fetchWith()).delaysMs).toEqual([250, 500, 1_000, 2_000]);
  });

  it('a body that breaks off is not stored, and comes whole the next time', async () => {
    server.on(one.path, breakOff(content, 1_000), send(content));
    await fetchWith();
    expect(await readFile(join(store.folder, one.file))).toEqual(content);
    expect(requestsOf(one.path)).toBe(2);
  });

  it('a body that ends too early without saying so', async () => {
    server.on(one.path, send(content.subarray(0, 1_000)));
    await expect(fetchWith()).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining(`only 1000 of ${content.length} bytes came`),
    });
    expect(await stored()).not.toContain(one.file);
    expect(await partial()).toEqual([]);
  });

  it('a server that falls silent', async () => {
    server.on(one.path, (response) => void response.write(content.subarray(0, 10)), send(content));
    await fetchWith({ timeouts: { connectMs: 1_000, silenceMs: 200 } });
    expect(requestsOf(one.path)).toBe(2);
  });

  it('a slow server is waited for as long as something comes', async () => {
    server.on(one.path, (response) => {
      const pieces = [0, 1, 2, 3].map((n) =>
        content.subarray((n * content.length) / 4, ((n + 1) * content.length) / 4),
      );
      const drip = (): void => {
        const piece = pieces.shift();
        if (piece === undefined) response.end();
        else response.write(piece, () => setTimeout(drip, 100));
      };
      drip();
    });
    await fetchWith({ timeouts: { connectMs: 1_000, silenceMs: 1_000 } });
    expect(requestsOf(one.path)).toBe(1);
  });

  it('nobody listens', async () => {
    const { url } = server;
    await server.close();
    await expect(fetchWith()).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining(`${new URL(url).host} cannot be reached: `),
    });
    server = await startMavenServer();
  });
});

describe('other content than the list says', () => {
  it('once is taken for damage on the way', async () => {
    server.on(one.path, send(flipped(content)), send(content));
    expect(await fetchWith()).toMatchObject({ complete: true });
  });

  it('twice is refused by name, and nothing is stored', async () => {
    server.on(one.path, send(flipped(content)));
    await expect(fetchWith()).rejects.toMatchObject({
      code: 'JAR_REFUSED',
      message: expect.stringMatching(/^one-1\.0\.jar was not taken: its SHA-256 is \w{64}, the list says \w{64}\.$/),
    });
    expect(requestsOf(one.path)).toBe(2);
    expect(await stored()).not.toContain(one.file);
    expect(await partial()).toEqual([]);
  });

  it('another jar under this name', async () => {
    server.on(one.path, send(files[lock.jars[2]!.path]!.subarray(0, content.length)));
    await expect(fetchWith()).rejects.toMatchObject({ code: 'JAR_REFUSED' });
  });

  it('a file without end is not read to its end', async () => {
    server.on(one.path, (response) => {
      const more = (): void => {
        if (!response.destroyed) response.write(content, more);
      };
      more();
    });
    await expect(fetchWith()).rejects.toMatchObject({
      code: 'JAR_REFUSED',
      message: expect.stringContaining(`longer than ${content.length} bytes`),
    });
  });
});

describe('a repository that does not give the jar', () => {
  it('404 is final', async () => {
    server.on(one.path, answer(404));
    await expect(fetchWith()).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: `one-1.0.jar was not downloaded: ${server.url}${one.path} answered 404; MILLRACE_MAVEN_URL must name a repository that has it.`,
    });
    expect(requestsOf(one.path)).toBe(1);
  });

  it('401 without credentials says how to give them', async () => {
    server.on(one.path, answer(401));
    await expect(fetchWith()).rejects.toMatchObject({
      message: expect.stringContaining('set MILLRACE_MAVEN_USER and'),
    });
    expect(requestsOf(one.path)).toBe(1);
  });

  it.each([
    ['in the URL', (url: string) => ({ MILLRACE_MAVEN_URL: url.replace('//', '//me:s%40cret@') })],
    ['in variables', () => ({ MILLRACE_MAVEN_USER: 'me', MILLRACE_MAVEN_PASSWORD: 's@cret' })],
  ])('credentials %s are sent, and never told', async (_, env) => {
    const guarded = (response: any, request: any) =>
      request.headers.authorization === `Basic ${Buffer.from('me:s@cret').toString('base64')}`
        ? send(content)(response, request)
        : answer(401)(response, request);
    server.on(one.path, guarded);
    expect(await fetchWith({ env: env(server.url) })).toMatchObject({ complete: true });
    server.on(two.path, answer(403));
    await rm(join(store.folder, two.file));
    const error: unknown = await fetchWith({ env: env(server.url) }).catch((failure: unknown) => failure);
    expect(String(error)).toContain('does not take the credentials');
    expect(JSON.stringify(error) + String(error)).not.toMatch(/s@cret|s%40cret|bWU6/);
  });
});

describe('a redirect', () => {
  it('is followed, and the other server gets no credentials', async () => {
    const other = await startMavenServer(files);
    server.on(one.path, answer(302, { location: `${other.url}${one.path}` }));
    await fetchWith({ env: { MILLRACE_MAVEN_USER: 'me', MILLRACE_MAVEN_PASSWORD: 'x' } });
    await other.close();
    expect(server.requests[0]?.authorization).toMatch(/^Basic /);
    expect(other.requests).toEqual([{ path: one.path, authorization: undefined }]);
  });

  it('to plain http elsewhere is refused, and its query is not told', async () => {
    server.on(one.path, answer(301, { location: 'http://jars.example.com/one.jar?signature=secret' }));
    await expect(fetchWith()).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/redirects to http:\/\/jars\.example\.com\/one\.jar, which is not https/),
    });
    expect(requestsOf(one.path)).toBe(1);
  });

  it('without end is given up', async () => {
    server.on(one.path, answer(307, { location: `/${one.path}` }));
    await expect(fetchWith()).rejects.toMatchObject({
      message: expect.stringContaining('redirects more than 5 times'),
    });
  });
});

it('an interrupted fetch keeps what is whole and leaves nothing half-written', async () => {
  const interrupt = new AbortController();
  server.on(one.path, (response) => {
    response.writeHead(200, { 'content-length': String(content.length) });
    response.write(content.subarray(0, 1_000), () => setTimeout(() => interrupt.abort(), 50));
  });
  expect(await fetchWith({ signal: interrupt.signal })).toMatchObject({ complete: false });
  expect(await stored()).not.toContain(one.file);
  expect(await partial()).toEqual([]);
});
