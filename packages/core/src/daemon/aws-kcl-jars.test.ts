import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fetchAwsKclJars, readAwsKclList } from './aws-kcl-jars.js';
import { openJarStore } from './jar-store.js';
import { verifyJars } from './jar-verify.js';
import { flipped, instantClock, send, someJars, startMavenServer, type MavenServer } from './maven-server.fixture.js';
import { openMavenRepository } from './maven-repository.js';
import { readMavenSettings } from './maven-settings.js';

const { lock, files } = someJars(['one', 'two']);
const [one, two] = lock.jars;
const sha1 = (content: Buffer) => createHash('sha1').update(content).digest('hex');

let project: string;
let env: { readonly MILLRACE_JARS: string };
let server: MavenServer;
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'aws-kcl-jars-'));
  env = { MILLRACE_JARS: join(project, 'jars') };
  server = await startMavenServer({
    ...files,
    [`${one!.path}.sha256`]: Buffer.from(`${one!.sha256.toUpperCase()}  one.jar\n`),
    [`${two!.path}.sha1`]: Buffer.from(sha1(files[two!.path]!)),
  });
});
afterEach(async () => {
  await server.close();
  await rm(project, { recursive: true });
});

async function install() {
  const folder = join(project, 'node_modules', 'aws-kcl');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"name":"aws-kcl","version":"3.1.1"}');
  const dependencies = lock.jars.map(({ artifact }) => {
    const [group, name, version] = artifact.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`;
  });
  await writeFile(join(folder, 'pom.xml'), `<project><dependencies>${dependencies.join('')}</dependencies></project>`);
}

async function fetchListed() {
  await install();
  const repository = openMavenRepository(readMavenSettings({ MILLRACE_MAVEN_URL: server.url }));
  const observer = { started: () => undefined, received: () => undefined, finished: () => undefined };
  const { signal } = new AbortController();
  try {
    const list = await readAwsKclList(project);
    return await fetchAwsKclJars(list, env, {
      repository,
      clock: instantClock().clock,
      random: () => 0,
      signal,
      observer,
    });
  } finally {
    await repository.close();
  }
}

it('makes a lock and a store of what aws-kcl lists, and says how each jar was checked', async () => {
  const fetched = await fetchListed();
  expect(fetched?.checkedBy).toEqual({ sha256: 1, sha1: 1 });
  const store = await openJarStore({ ...env, MILLRACE_JARS_LOCK: fetched!.lockFile });
  expect(store.lock.jars.map(({ sha256 }) => sha256)).toEqual([one!.sha256, two!.sha256]);
  expect(await verifyJars(store)).toEqual([join(store.folder, 'one-1.0.jar'), join(store.folder, 'two-1.1.jar')]);
  expect(await readdir(env.MILLRACE_JARS)).toEqual([store.folder.split('/').at(-1)]);
});

it('twice, or at once, gives the same store', async () => {
  const [first, second] = await Promise.all([fetchListed(), fetchListed()]);
  expect(first?.store.folder).toBe(second?.store.folder);
  expect(await readdir(env.MILLRACE_JARS)).toHaveLength(1);
});

it('refuses a jar that is not what its checksum file says, and leaves nothing', async () => {
  server.on(two!.path, send(flipped(files[two!.path]!)));
  await expect(fetchListed()).rejects.toMatchObject({
    code: 'JAR_REFUSED',
    message: expect.stringMatching(
      /^two-1\.1\.jar was not taken: its SHA-1 is .* the repository's own checksum file says/,
    ),
  });
  expect(await readdir(env.MILLRACE_JARS)).toEqual([]);
});

it('refuses a checksum file without digits', async () => {
  server.on(`${one!.path}.sha256`, send(Buffer.from('<html>')));
  await expect(fetchListed()).rejects.toMatchObject({
    message: expect.stringContaining('it holds no digits of SHA256'),
  });
});

it('downloads no jar that nothing can check', async () => {
  server.on(`${two!.path}.sha1`, (response) => response.writeHead(404).end());
  await expect(fetchListed()).rejects.toMatchObject({
    code: 'DOWNLOAD_FAILED',
    message: expect.stringContaining('has neither a .sha256 nor a .sha1 file'),
  });
  expect(server.requests.map(({ path }) => path)).not.toContain(two!.path);
});

it('says how to get aws-kcl', async () => {
  await expect(readAwsKclList(project)).rejects.toMatchObject({
    code: 'DEPENDENCY_MISSING',
    message: expect.stringContaining('npm install aws-kcl'),
  });
});

it('reads the list of the aws-kcl that is installed here', async () => {
  const list = await readAwsKclList(process.cwd());
  expect(list.name).toMatch(/^aws-kcl-2\.3\./);
  expect(list.artifacts).toContain('software.amazon.kinesis:amazon-kinesis-client-multilang:2.7.2');
  expect(list.artifacts.length).toBeGreaterThan(70);
});
