import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fakeJava } from '../../daemon/fake-java.fixture.js';
import { formatJarLock } from '../../daemon/jar-lock.js';
import { someJars, startMavenServer, type MavenServer } from '../../daemon/maven-server.fixture.js';
import { runCli } from '../program.js';

const { lock, files } = someJars();
let cwd: string;
let server: MavenServer;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'archive-command-'));
  await writeFile(join(cwd, 'own.json'), formatJarLock(lock));
  server = await startMavenServer(files);
});
afterEach(async () => {
  await server.close();
  await rm(cwd, { recursive: true });
});

async function jars(line: string, home = join(cwd, 'java')) {
  let out = '';
  let err = '';
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    env: {
      MILLRACE_JARS: join(cwd, 'jars'),
      MILLRACE_JARS_LOCK: join(cwd, 'own.json'),
      MILLRACE_MAVEN_URL: server.url,
      JAVA_HOME: home,
    },
    cwd,
    command: 'millrace',
  };
  const exitCode = await runCli(['jars', ...line.split(' ')], terminal);
  return { exitCode, out, err };
}

const archives = async () =>
  (await readdir(join(cwd, 'jars'), { recursive: true })).filter((name) => name.endsWith('.jsa'));

it('a fetch ends with the archive, and says where it is', async () => {
  await fakeJava(join(cwd, 'java'));
  const { exitCode, out } = await jars('fetch');
  expect(exitCode).toBe(0);
  expect(out).toMatch(/\narchive for Java 17: 0\.0 MB in .*\.jsa; made\n$/);
  expect(await archives()).toHaveLength(1);
  expect((await jars('archive')).out).toMatch(/; there already\n$/);
});

it('--no-archive leaves it out, and `archive` makes it later', async () => {
  await fakeJava(join(cwd, 'java'));
  expect((await jars('fetch --no-archive')).out).not.toContain('archive for');
  expect(await archives()).toEqual([]);
  expect(await jars('ls --json')).toMatchObject({ out: expect.stringContaining('"archive": null') });
  expect((await jars('archive')).out).toMatch(/; made\n$/);
  expect(await jars('ls --json')).toMatchObject({ out: expect.stringMatching(/"archive": ".*\.jsa"/) });
});

it('a fetch without Java succeeds with a note, `archive` fails', async () => {
  expect(await jars('fetch', join(cwd, 'none'))).toMatchObject({
    exitCode: 0,
    err: expect.stringMatching(
      /Note: no archive of classes was made.* JAVA_HOME=.*none is no Java.*`millrace jars archive`/,
    ),
  });
  expect(await jars('archive', join(cwd, 'none'))).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('error JAVA_UNUSABLE'),
  });
});

it('a fetch succeeds with a note when Java cannot make it', async () => {
  await fakeJava(join(cwd, 'java'), { script: '#!/bin/sh\necho no room >&2\nexit 1\n' });
  expect(await jars('fetch')).toMatchObject({ exitCode: 0, err: expect.stringMatching(/Note: .*no room/) });
});

it('an old Java takes none, and that is said', async () => {
  await fakeJava(join(cwd, 'java'), { version: '11.0.2+9' });
  expect((await jars('fetch')).out).toContain('Java 11 takes no archive of classes');
});

it('needs the jars', async () => {
  await fakeJava(join(cwd, 'java'));
  expect(await jars('archive')).toMatchObject({ exitCode: 2, err: expect.stringContaining('error JARS_MISSING') });
});
