/** The archive of classes with the real Java and the real jars: made once, used by the JVM, replaced when it is stale. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findArchive } from '../src/daemon/class-archive.js';
import { findJava, type Java } from '../src/daemon/find-java.js';
import { openJarStore, type JarStore } from '../src/daemon/jar-store.js';
import { verifyJars } from '../src/daemon/jar-verify.js';
import { planLaunch } from '../src/daemon/launch-plan.js';
import { logbackXml } from '../src/daemon/logback.js';

const run = promisify(execFile);
const millrace = fileURLToPath(new URL('../bin/millrace.js', import.meta.url));
const MADE_WITHIN_MS = 120_000;

let folder: string;
let env: NodeJS.ProcessEnv;
let store: JarStore;
let java: Java;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-archive-'));
  env = { ...process.env, MILLRACE_JARS: join(folder, 'jars') };
  await jars('fetch', '--no-archive');
  store = await openJarStore(env);
  java = await findJava(env);
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const jars = (...words: string[]) => run(process.execPath, [millrace, 'jars', ...words], { env });

/** The daemon as it is started, up to its refusal of a properties file that is not there; where each class came from. */
async function loadedClasses(archive: string | undefined): Promise<readonly string[]> {
  const logback = join(folder, 'logback.xml');
  await writeFile(logback, logbackXml(new Map()));
  const plan = planLaunch({
    java,
    classPath: await verifyJars(store),
    properties: join(folder, 'none.properties'),
    logback,
    heapMegabytes: 256,
    preset: 'server',
    archive,
    javaFlags: ['-Xlog:class+load'],
  });
  const ended = await run(plan.command, plan.args, { maxBuffer: 100_000_000 }).catch((error: unknown) => error);
  const output = ended instanceof Error && 'stdout' in ended ? String(ended.stdout) : '';
  return output.split('\n').filter((line) => line.includes(' software.amazon.kinesis.') && line.includes(' source: '));
}

const fromArchive = (lines: readonly string[]) => lines.filter((line) => line.includes('shared objects file'));

describe('the archive of classes', () => {
  it('is made once', { timeout: MADE_WITHIN_MS }, async () => {
    expect(await findArchive(store, java)).toBeUndefined();
    expect((await jars('archive')).stdout).toMatch(/; made\n$/);
    expect((await jars('archive')).stdout).toMatch(/; there already\n$/);
    expect(await findArchive(store, java)).toBeDefined();
  });

  it("is where the daemon's classes come from", async () => {
    const [without, through] = [await loadedClasses(undefined), await loadedClasses(await findArchive(store, java))];
    expect(without.length).toBeGreaterThan(10);
    expect(fromArchive(without)).toEqual([]);
    expect(through.length).toBeGreaterThan(10);
    expect(fromArchive(through)).toEqual(through);
  });

  it('that has become stale is not found, and is replaced', { timeout: MADE_WITHIN_MS }, async () => {
    const before = (await findArchive(store, java)) ?? '';
    const [jar] = store.jars;
    await utimes(join(store.folder, jar?.file ?? ''), 1_000_000, 1_000_000);
    expect(await findArchive(store, java)).toBeUndefined();
    // This is why: the JVM passes it over.
    expect(fromArchive(await loadedClasses(before))).toEqual([]);
    await jars('archive');
    const after = await findArchive(store, java);
    expect(await readdir(dirname(before))).toEqual([after?.split('/').at(-1)]);
    expect(fromArchive(await loadedClasses(after)).length).toBeGreaterThan(10);
  });
});
