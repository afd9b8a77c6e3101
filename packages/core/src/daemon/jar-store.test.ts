import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatJarLock, lockDigest } from './jar-lock.js';
import { jarsFolder, openJarStore } from './jar-store.js';
import { someJars } from './maven-server.fixture.js';

const { lock } = someJars();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jar-store-'));
  await writeFile(join(folder, 'own.json'), formatJarLock(lock));
});
afterAll(() => rm(folder, { recursive: true }));

it.each([
  [{ MILLRACE_JARS: '/opt/jars', XDG_CACHE_HOME: '/c' }, '/opt/jars'],
  [{ MILLRACE_JARS: 'jars' }, join(process.cwd(), 'jars')],
  [{ MILLRACE_JARS: '', XDG_CACHE_HOME: '/c', HOME: '/h' }, '/c/millrace/jars'],
  [{ XDG_CACHE_HOME: 'relative', HOME: '/h' }, '/h/.cache/millrace/jars'],
  [{}, join(homedir(), '.cache/millrace/jars')],
])('with %j stands in %s', (env, expected) => {
  expect(jarsFolder(env)).toBe(expected);
});

describe('a store', () => {
  it('is that of the built-in list, needed jars alone', async () => {
    const store = await openJarStore({ MILLRACE_JARS: '/opt' });
    expect(store.folder).toMatch(/^\/opt\/kcl-3\.1\.3-[\da-f]{12}$/);
    expect(store.jars.every(({ needed }) => needed)).toBe(true);
    expect(store.jars.length).toBeLessThan(store.lock.jars.length);
  });

  it('is that of an own list', async () => {
    const store = await openJarStore({ MILLRACE_JARS: '/opt', MILLRACE_JARS_LOCK: join(folder, 'own.json') });
    expect(store).toEqual({ folder: `/opt/some-jars-${lockDigest(lock)}`, lock, jars: lock.jars.slice(0, 3) });
  });

  it('holds all jars when asked', async () => {
    const env = { MILLRACE_JARS_LOCK: join(folder, 'own.json'), MILLRACE_JARS_ALL: '1' };
    expect((await openJarStore(env)).jars).toEqual(lock.jars);
  });
});
