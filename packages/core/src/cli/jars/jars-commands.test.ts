import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatJarLock } from '../../daemon/jar-lock.js';
import { answer, flipped, someJars, startMavenServer, type MavenServer } from '../../daemon/maven-server.fixture.js';
import { buildProgram, runCli } from '../program.js';
import { JAR_VARIABLES } from './jars-program.js';

const { lock, files } = someJars();
let cwd: string;
let server: MavenServer;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'jars-commands-'));
  await writeFile(join(cwd, 'own.json'), formatJarLock(lock));
  server = await startMavenServer(files);
});
afterEach(async () => {
  await server.close();
  await rm(cwd, { recursive: true });
});

async function jars(line: string, more: Readonly<Record<string, string>> = {}) {
  let out = '';
  let err = '';
  // The archive has tests of its own.
  const words = line.replace(/^fetch/, 'fetch --no-archive').split(' ');
  const own = { MILLRACE_JARS: cwd, MILLRACE_JARS_LOCK: join(cwd, 'own.json'), MILLRACE_MAVEN_URL: server.url };
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    env: { ...own, ...more },
    cwd,
    command: 'millrace',
  };
  const exitCode = await runCli(['jars', ...words], terminal);
  return { exitCode, out, err };
}

const store = async () => join(cwd, (await readdir(cwd)).find((name) => name.startsWith('some-jars-')) ?? 'none');

describe('millrace jars fetch', () => {
  it('tells each jar on standard error, and the sum on standard output', async () => {
    const { exitCode, out, err } = await jars('fetch');
    expect(exitCode).toBe(0);
    expect(out).toBe(`some-jars: 3 jars, 0.6 MB in ${await store()}; 3 fetched (0.6 MB)\n`);
    expect(err.split('\n').toSorted().slice(1)).toEqual([
      expect.stringMatching(/^1\/3 \w+-1\.\d\.jar 0\.\d MB$/),
      expect.stringMatching(/^2\/3 /),
      expect.stringMatching(/^3\/3 /),
    ]);
  });

  it('again says that there is nothing to do', async () => {
    await jars('fetch');
    expect(await jars('fetch')).toMatchObject({
      exitCode: 0,
      err: '',
      out: expect.stringContaining('; nothing to fetch\n'),
    });
  });

  it('--all takes the others too', async () => {
    await jars('fetch --all');
    expect(await readdir(await store())).toContain('spare-1.3.jar');
  });

  it('--offline asks nobody, and fails when something is missing', async () => {
    expect(await jars('fetch --offline')).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/^error JARS_MISSING: 3 of/),
    });
    expect(server.requests).toEqual([]);
    await jars('fetch');
    const before = server.requests.length;
    expect(await jars('fetch --offline')).toMatchObject({ exitCode: 0, err: '' });
    expect(server.requests).toHaveLength(before);
  });

  it('fails with the jar, the place and the mend, and no password', async () => {
    const [one] = lock.jars;
    server.on(one!.path, answer(401));
    const { exitCode, err } = await jars('fetch', { MILLRACE_MAVEN_URL: server.url.replace('//', '//me:hunter2@') });
    expect(err).toContain(
      `error DOWNLOAD_FAILED: one-1.0.jar was not downloaded: ${server.url}${one!.path} answered 401`,
    );
    expect(err).not.toContain('hunter2');
    expect(exitCode).toBe(1);
  });

  it('refuses a mirror without encryption before it asks anything', async () => {
    const { exitCode, err } = await jars('fetch', { MILLRACE_MAVEN_URL: 'http://mirror.example.com/' });
    expect(err).toMatch(/^error INPUT_INVALID: MILLRACE_MAVEN_URL is plain http/);
    expect(exitCode).toBe(2);
  });

  it.each(['fetch --offline --from-aws-kcl', 'fetch --all --from-aws-kcl'])('%s is a contradiction', async (line) => {
    expect(await jars(line)).toMatchObject({ exitCode: 2, err: expect.stringContaining('cannot be used with') });
  });

  it('--from-aws-kcl says that aws-kcl is missing', async () => {
    expect(await jars('fetch --from-aws-kcl')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('aws-kcl is not installed'),
    });
  });
});

describe('millrace jars verify', () => {
  it('says how long it took', async () => {
    await jars('fetch');
    expect(await jars('verify')).toMatchObject({ exitCode: 0, out: expect.stringMatching(/; verified in \d+ ms\n$/) });
  });

  it('names a jar that is not right, and fails', async () => {
    await jars('fetch');
    const [one] = lock.jars;
    await writeFile(join(await store(), one!.file), flipped(files[one!.path]!));
    expect(await jars('verify')).toMatchObject({
      exitCode: 2,
      out: '',
      err: expect.stringContaining('- one-1.0.jar is changed'),
    });
  });
});

describe('millrace jars ls', () => {
  it('prints each jar with its state, what is foreign, and the folder', async () => {
    await jars('fetch');
    await rm(join(await store(), 'two-1.1.jar'));
    await writeFile(join(await store(), 'odd.jar'), '');
    const { exitCode, out } = await jars('ls');
    expect(exitCode).toBe(0);
    expect(out).toBe(
      [
        'one-1.0.jar     0.2 MB  ok',
        'two-1.1.jar     0.2 MB  missing',
        'three-1.2.jar   0.2 MB  ok',
        'odd.jar                 on no list; remove it',
        `some-jars: 3 jars, 0.6 MB in ${await store()}`,
        '',
      ].join('\n'),
    );
  });

  it('--json is for programs', async () => {
    const { out } = await jars('ls --json');
    const listed = JSON.parse(out) as { jars: { state: string }[] };
    expect(listed).toMatchObject({ list: 'some-jars', foreign: [] });
    expect(listed.jars.map(({ state }) => state)).toEqual(['missing', 'missing', 'missing']);
  });
});

it('millrace jars lock prints the list in use, which can be used as it is', async () => {
  expect(await jars('lock')).toEqual({ exitCode: 0, err: '', out: formatJarLock(lock) });
});

it('a lock that is none is named', async () => {
  await writeFile(join(cwd, 'own.json'), '[]');
  expect(await jars('verify')).toMatchObject({ exitCode: 2, err: expect.stringContaining('own.json is no jar lock') });
});

it('millrace jars sbom prints the deployed jars', async () => {
  const components = async (line: string) =>
    (JSON.parse((await jars(line)).out) as { components: unknown[] }).components;
  expect(await components('sbom')).toHaveLength(3);
  expect(await components('sbom --all')).toHaveLength(4);
});

describe('docs/jars.md', () => {
  const guide = readFileSync(new URL('../../../../../docs/jars.md', import.meta.url), 'utf8');
  const terminal = { out: () => undefined, err: () => undefined, env: {}, cwd: '/', command: 'millrace' };
  const commands = buildProgram(terminal, () => undefined).commands.find(
    (command) => command.name() === 'jars',
  )!.commands;

  it.each(commands.map((command) => [command.name(), command.options]))(
    'tells of %s and its options',
    (name, options) => {
      expect(guide).toContain(`millrace jars ${name}`);
      expect([...options].filter(({ long }) => !guide.includes(`\`${long}`)).map(({ long }) => long)).toEqual([]);
      expect([...options].filter(({ description }) => description === '')).toEqual([]);
    },
  );

  it('tells of every variable, as the help does', async () => {
    const { out } = await jars('--help');
    for (const [names] of JAR_VARIABLES) expect(out).toContain(names);
    for (const name of JAR_VARIABLES.flatMap(([names]) => names.split(', '))) expect(guide).toContain(`\`${name}\``);
  });
});
