import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findArchive, makeArchive } from './class-archive.js';
import { fakeJava } from './fake-java.fixture.js';
import type { Java } from './find-java.js';
import type { JarStore } from './jar-store.js';
import { inspectJars } from './jar-verify.js';
import { someJars } from './maven-server.fixture.js';

const { lock, files } = someJars();
const jars = lock.jars.filter(({ needed }) => needed);
let home: string;
let store: JarStore;
let java: Java;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'class-archive-'));
  store = { folder: join(home, 'jars'), lock, jars };
  await mkdir(store.folder);
  for (const { file, path } of jars) await writeFile(join(store.folder, file), files[path] ?? '');
  java = { path: await fakeJava(home), version: 17, build: 'Maker 17.0.15+6', from: 'option' };
});
afterEach(() => rm(home, { recursive: true }));

const make = (more: Partial<Java> = {}) =>
  makeArchive({ store, java: { ...java, ...more }, classPath: jars.map(({ file }) => join(store.folder, file)) });
const folder = () => join(store.folder, '.classes');
const runs = async () => (await readFile(join(home, 'bin', 'runs'), 'utf8')).split('\n').length - 1;

describe('the archive of classes', () => {
  it('is made once, and found from then on', async () => {
    expect(await findArchive(store, java)).toBeUndefined();
    const file = await make();
    expect(await findArchive(store, java)).toBe(file);
    expect(await make()).toBe(file);
    expect(await runs()).toBe(1);
    expect(await readdir(folder())).toHaveLength(1);
  });

  it('is no jar of the store', async () => {
    await make();
    const { jars: inspected, foreign } = await inspectJars(store);
    expect(foreign).toEqual([]);
    expect(inspected.map(({ state }) => state.kind)).toEqual(jars.map(() => 'ok'));
  });

  it('of another build of Java is replaced', async () => {
    const before = await make();
    const after = await make({ build: 'Maker 17.0.16+8' });
    expect(after).not.toBe(before);
    expect(await readdir(folder())).toHaveLength(1);
    expect(await findArchive(store, java)).toBeUndefined();
  });

  it('is stale when a jar has another time, because the JVM would pass over it', async () => {
    await make();
    const [jar] = jars;
    await utimes(join(store.folder, jar?.file ?? ''), 1_000, 1_000);
    expect(await findArchive(store, java)).toBeUndefined();
    await make();
    expect(await runs()).toBe(2);
    expect(await readdir(folder())).toHaveLength(1);
  });

  it('can be made by two at once', async () => {
    const [one, two] = await Promise.all([make(), make()]);
    expect(one).toBe(two);
    expect(await readdir(folder())).toHaveLength(1);
  });

  it('leaves what another maker writes at this moment, and removes what one left long ago', async () => {
    await mkdir(folder());
    const [young, old] = [join(folder(), 'a.jsa.1.partial'), join(folder(), 'b.jsa.2.partial')];
    await Promise.all([writeFile(young, ''), writeFile(old, '')]);
    await utimes(old, 1_000, 1_000);
    await make();
    expect((await stat(young)).isFile()).toBe(true);
    expect(await readdir(folder())).not.toContain('b.jsa.2.partial');
  });

  it('is none for a Java that has no such thing, or without jars', async () => {
    expect(await make({ version: 11 })).toBeUndefined();
    expect(await findArchive(store, { ...java, version: 8 })).toBeUndefined();
    await rm(store.folder, { recursive: true });
    expect(await findArchive(store, java)).toBeUndefined();
  });

  it('is made without lambdas where Java cannot read them', async () => {
    const classes = async (version: number) => Number(await readFile((await make({ version })) ?? '', 'utf8'));
    expect(await classes(15)).toBeLessThan(await classes(17));
  });

  it('that Java cannot make is an error with what it said, and leaves nothing', async () => {
    await fakeJava(home, { script: '#!/bin/sh\necho "Could not allocate" >&2\nexit 1\n' });
    await expect(make()).rejects.toMatchObject({
      code: 'ARCHIVE_FAILED',
      message: expect.stringMatching(/was not made in .*\.classes with .*java \(Maker.*\): Could not allocate\./),
    });
    expect(await readdir(folder())).toEqual([]);
  });

  it('that Java does not write is an error too', async () => {
    await fakeJava(home, { script: '#!/bin/sh\nexit 0\n' });
    await expect(make()).rejects.toMatchObject({ code: 'ARCHIVE_FAILED', message: expect.stringContaining('ENOENT') });
  });
});
