import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const CORE = fileURLToPath(new URL('..', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'no-emulator-'));
  // Outside the workspace nothing but what the package depends on, and what a test puts there, can be found.
  await cp(join(CORE, 'dist'), join(folder, 'dist'), { recursive: true });
  await cp(join(CORE, 'package.json'), join(folder, 'package.json'));
  const { dependencies } = JSON.parse(await readFile(join(CORE, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  for (const name of Object.keys(dependencies)) {
    const place = join(folder, 'node_modules', name);
    await mkdir(dirname(place), { recursive: true });
    await symlink(join(CORE, '../../node_modules', name), place);
  }
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What startEmulator says in a program that has only this folder. */
async function startThere(): Promise<{ code: string; message: string }> {
  const program = `
    const { startEmulator } = await import('./dist/index.js');
    const silent = { debug() {}, info() {}, warn() {}, error() {} };
    const error = await startEmulator({ streams: [], logger: silent }).then(() => ({}), (error) => error);
    console.log(JSON.stringify({ code: error.code, message: error.message }));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return JSON.parse(output) as { code: string; message: string };
}

async function install(main: string): Promise<void> {
  const place = join(folder, 'node_modules', 'kinesis-local');
  await mkdir(place, { recursive: true });
  await writeFile(join(place, 'package.json'), '{"name":"kinesis-local","type":"commonjs"}');
  await writeFile(join(place, 'main.js'), main);
}

it('says how to install the emulator where it is missing', async () => {
  expect(await startThere()).toEqual({
    code: 'DEPENDENCY_MISSING',
    message: expect.stringContaining('npm install --save-dev kinesis-local') as string,
  });
});

it('shows what an emulator said that ended at once', async () => {
  await install('console.error("no certificate"); process.exit(3);');
  const { code, message } = await startThere();
  expect(code).toBe('EMULATOR_FAILED');
  expect(message).toContain('ended at once (exit code 3). Its last output:\nno certificate');
});
