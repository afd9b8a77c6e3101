/** Amazon's own client for Python beside our workers: the same application, the same jars, nothing of ours. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startPlainDaemon } from './plain-daemon.js';
import type { Worker } from './worker.js';
import type { World } from './world.js';

const run = promisify(execFile);
const VERSION = '3.2.0';
const CHILD = fileURLToPath(new URL('../fixtures/kclpy_child.py', import.meta.url));

/**
 * The package's source, as it is: its wheel would want all jars of its own.
 *
 * @returns the folder for PYTHONPATH; it is kept for later runs.
 */
export async function fetchKclpy(): Promise<string> {
  const folder = join(homedir(), '.cache', 'millrace', 'e2e', `amazon_kclpy-${VERSION}`);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(`${folder}-`);
  try {
    const options = ['--no-deps', '--no-binary', 'amazon_kclpy', '--dest', draft];
    await run('python3', ['-m', 'pip', 'download', ...options, `amazon_kclpy==${VERSION}`]);
    const archive = (await readdir(draft)).find((name) => name.endsWith('.tar.gz'));
    if (archive === undefined) throw new Error('pip has downloaded no archive.');
    await run('tar', ['-xzf', join(draft, archive), '-C', draft]);
    await rename(join(draft, archive.replace('.tar.gz', '')), folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}

/** A worker of the world's application whose child is written in Python. Its id is its name. */
export function startKclpy(world: World, { name, path }: { name: string; path: string }): Promise<Worker> {
  return startPlainDaemon(world, {
    name,
    executableName: `python3 ${CHILD}`,
    properties: { processingLanguage: 'python/3', leaseAssignmentIntervalMillis: 2_000 },
    env: { PYTHONPATH: path },
  });
}
