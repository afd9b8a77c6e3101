import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JarStore } from './jar-store.js';
import { inspectJars, verifyJars } from './jar-verify.js';
import { flipped, someJars } from './maven-server.fixture.js';

const { lock, files } = someJars();
const [one, two, three, spare] = lock.jars;
const content = (index: number) => files[lock.jars[index]!.path]!;

let store: JarStore;
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'jar-verify-'));
  store = { folder, lock, jars: lock.jars.filter(({ needed }) => needed) };
  for (const { path, file } of store.jars) await writeFile(join(folder, file), files[path]!);
});
afterEach(() => rm(store.folder, { recursive: true, force: true }));

const at = (file: string) => join(store.folder, file);
const refused = (fault: string) =>
  expect(verifyJars(store)).rejects.toMatchObject({
    code: 'JAR_REFUSED',
    message: expect.stringContaining(`\n  - ${fault}`),
  });

describe('verifying', () => {
  it('gives the class path in the order of the list', async () => {
    expect(await verifyJars(store)).toEqual([at('one-1.0.jar'), at('two-1.1.jar'), at('three-1.2.jar')]);
  });

  it('takes jars of the list that are not needed for what they are, and keeps them off the class path', async () => {
    await writeFile(at(spare!.file), content(3));
    expect(await verifyJars(store)).toHaveLength(3);
  });

  it('ignores what is no jar', async () => {
    await mkdir(at('.partial'));
    await writeFile(at('lock.json'), '{}');
    expect(await verifyJars(store)).toHaveLength(3);
  });

  it('refuses a truncated jar', async () => {
    await writeFile(at(one!.file), content(0).subarray(0, 99));
    await refused(`one-1.0.jar is truncated: 99 of ${one!.bytes} bytes`);
  });

  it('refuses a jar with something behind it', async () => {
    await writeFile(at(one!.file), Buffer.concat([content(0), Buffer.from('more')]));
    await refused(`one-1.0.jar is too long: ${one!.bytes + 4} instead of ${one!.bytes} bytes`);
  });

  it('refuses a single flipped bit, in the middle of a chunk and in the last byte', async () => {
    await writeFile(at(one!.file), flipped(content(0)));
    const last = Buffer.from(content(1));
    last[last.length - 1] = last.at(-1)! ^ 0x80;
    await writeFile(at(two!.file), last);
    await refused('one-1.0.jar is changed: SHA-256 ');
    await refused('two-1.1.jar is changed: SHA-256 ');
  });

  it('refuses two jars whose names were exchanged, and says which is which', async () => {
    await rename(at(one!.file), at('x'));
    await rename(at(two!.file), at(one!.file));
    await rename(at('x'), at(two!.file));
    await refused('one-1.0.jar holds what belongs into two-1.1.jar');
    await refused('two-1.1.jar holds what belongs into one-1.0.jar');
  });

  it('refuses a foreign jar', async () => {
    await writeFile(at('log4j-1.2.jar'), 'x');
    await refused('log4j-1.2.jar is on no list; remove it');
  });

  it('refuses a folder under the name of a jar', async () => {
    await rm(at(one!.file));
    await mkdir(at(one!.file));
    await refused('one-1.0.jar is not a file');
  });

  it('follows a link to the right content, as read-only stores have them', async () => {
    await rename(at(one!.file), at('elsewhere'));
    await symlink(at('elsewhere'), at(one!.file));
    expect(await verifyJars(store)).toHaveLength(3);
  });

  it('refuses a link that leads nowhere', async () => {
    await rm(at(one!.file));
    await symlink(at('nowhere'), at(one!.file));
    await refused('one-1.0.jar cannot be read: ');
  });

  it('names all faults at once', async () => {
    await rm(at(three!.file));
    await writeFile(at(one!.file), '');
    const error = verifyJars(store);
    await expect(error).rejects.toMatchObject({
      details: { folder: store.folder, refused: [expect.stringContaining('one-1.0.jar')], missing: ['three-1.2.jar'] },
    });
    await expect(error).rejects.toThrow('three-1.2.jar is missing');
  });

  it('says what to do when jars are missing', async () => {
    await rm(at(one!.file));
    await expect(verifyJars(store)).rejects.toMatchObject({
      code: 'JARS_MISSING',
      message: expect.stringMatching(
        /^1 of the daemon's 3 jars are not in .*: one-1\.0\.jar\. Run `millrace jars fetch`/,
      ),
    });
  });

  it('says so when nothing was ever fetched', async () => {
    await rm(store.folder, { recursive: true });
    await expect(verifyJars(store)).rejects.toMatchObject({
      code: 'JARS_MISSING',
      details: { missing: store.jars.map(({ file }) => file) },
    });
  });
});

it('an inspection tells the state of each', async () => {
  await rm(at(two!.file));
  await writeFile(at(three!.file), 'x');
  await writeFile(at('b.jar'), '');
  await writeFile(at('a.jar'), '');
  const { jars, foreign } = await inspectJars(store);
  expect(jars.map(({ jar, state }) => [jar.file, state.kind])).toEqual([
    ['one-1.0.jar', 'ok'],
    ['two-1.1.jar', 'missing'],
    ['three-1.2.jar', 'refused'],
  ]);
  expect(foreign).toEqual(['a.jar', 'b.jar']);
});
