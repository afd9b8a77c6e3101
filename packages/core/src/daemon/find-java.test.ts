import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findJava, parseRelease, parseSettings } from './find-java.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'find-java-'));
});
afterEach(() => rm(folder, { recursive: true }));

const RELEASE = 'IMPLEMENTOR="Maker"\nJAVA_RUNTIME_VERSION="17.0.15+6"\nJAVA_VERSION="17.0.15"\nOS_ARCH="x86_64"\n';

/** A folder like JAVA_HOME, with an executable that notes when it is run. */
async function makeJava(name: string, { release = RELEASE, script = 'exit 9' } = {}): Promise<string> {
  const home = join(folder, name);
  await mkdir(join(home, 'bin'), { recursive: true });
  await writeFile(join(home, 'bin', 'java'), `#!/bin/sh\n${script}\n`);
  await chmod(join(home, 'bin', 'java'), 0o755);
  if (release !== '') await writeFile(join(home, 'release'), release);
  return home;
}

describe('where Java is looked for', () => {
  it('the option is stronger than the variables', async () => {
    const [own, other] = [await makeJava('own'), await makeJava('other')];
    const env = { MILLRACE_JAVA: other, JAVA_HOME: other, PATH: join(other, 'bin') };
    expect(await findJava(env, own)).toMatchObject({ path: join(own, 'bin', 'java'), from: 'option' });
  });

  it('MILLRACE_JAVA may be a folder or the executable, and is stronger than JAVA_HOME', async () => {
    const [own, other] = [await makeJava('own'), await makeJava('other')];
    const path = join(own, 'bin', 'java');
    for (const MILLRACE_JAVA of [own, path]) {
      expect(await findJava({ MILLRACE_JAVA, JAVA_HOME: other })).toMatchObject({ path, from: 'option' });
    }
  });

  it('JAVA_HOME is stronger than the PATH', async () => {
    const [own, other] = [await makeJava('own'), await makeJava('other')];
    const env = { JAVA_HOME: own, PATH: join(other, 'bin') };
    expect(await findJava(env)).toMatchObject({ path: join(own, 'bin', 'java'), from: 'JAVA_HOME' });
  });

  it('the first on the PATH is taken, and empty variables count as not set', async () => {
    const own = await makeJava('own');
    const env = { JAVA_HOME: '', MILLRACE_JAVA: '', PATH: `${join(folder, 'none')}::${join(own, 'bin')}` };
    expect(await findJava(env)).toMatchObject({ path: join(own, 'bin', 'java'), from: 'PATH' });
  });

  it('a JAVA_HOME that leads nowhere is an error, although the PATH has one', async () => {
    const other = await makeJava('other');
    const wrong = join(folder, 'wrong');
    await expect(findJava({ JAVA_HOME: wrong, PATH: join(other, 'bin') })).rejects.toMatchObject({
      code: 'JAVA_UNUSABLE',
      message: expect.stringContaining(
        `JAVA_HOME=${wrong} is no Java: there is no executable file at ${wrong}/bin/java`,
      ),
    });
  });

  it('where none is found every place is named, and the mend', async () => {
    const error = await findJava({ PATH: '/no/where:/nor/here' }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'JAVA_UNUSABLE' });
    for (const part of ['/no/where/java', '/nor/here/java', 'apt-get install default-jre-headless', 'MILLRACE_JAVA']) {
      expect(String(error)).toContain(part);
    }
  });
});

describe('which Java it is', () => {
  it('is read from the file beside the real executable, and Java is not started', async () => {
    const home = await makeJava('own');
    await mkdir(join(folder, 'links'));
    await symlink(join(home, 'bin', 'java'), join(folder, 'links', 'java'));
    expect(await findJava({ PATH: join(folder, 'links') })).toEqual({
      path: join(folder, 'links', 'java'),
      version: 17,
      build: 'Maker 17.0.15+6 x86_64',
      from: 'PATH',
    });
  });

  it('is asked of Java where the file does not tell', async () => {
    const script = `cat >&2 <<'TEXT'\n    java.runtime.version = 1.8.0_392-b08\n    java.vendor = Maker\n    os.arch = amd64\nTEXT`;
    const home = await makeJava('old', { release: 'JAVA_VERSION="1.8.0_392"\n', script });
    expect(await findJava({ JAVA_HOME: home })).toMatchObject({ version: 8, build: 'Maker 1.8.0_392-b08 amd64' });
  });

  it('one that cannot be run is named with the reason', async () => {
    const home = await makeJava('broken', { release: '' });
    await expect(findJava({ JAVA_HOME: home })).rejects.toMatchObject({
      code: 'JAVA_UNUSABLE',
      message: expect.stringContaining(`JAVA_HOME=${home} cannot be run`),
    });
  });

  it('one that is too old is refused', async () => {
    const home = await makeJava('ancient', { release: RELEASE.replace('17.0.15+6', '1.7.0_80-b15') });
    await expect(findJava({ JAVA_HOME: home })).rejects.toMatchObject({
      code: 'JAVA_UNUSABLE',
      message: expect.stringContaining('is Java 7; the daemon needs 8 or later'),
    });
  });

  it('builds that differ in vendor or C library differ', () => {
    const own = parseRelease(RELEASE)?.build;
    expect(parseRelease(RELEASE.replace('Maker', 'Other'))?.build).not.toBe(own);
    expect(parseRelease(`${RELEASE}LIBC="musl"\n`)?.build).not.toBe(own);
  });

  it('output that is no list of settings tells nothing', () => {
    expect(parseSettings('openjdk')).toBeUndefined();
    expect(parseRelease('JAVA_RUNTIME_VERSION="x"\nIMPLEMENTOR="y"\nOS_ARCH="z"\n')).toBeUndefined();
  });
});
