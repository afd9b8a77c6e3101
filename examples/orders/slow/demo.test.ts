/** `npm start` as a process: its report, its exit code, and what it leaves behind. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const example = fileURLToPath(new URL('..', import.meta.url));
/** Temporary folders of the program are made in here, so that a forgotten one is seen. */
let temporary: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  const compiler = join(dirname(createRequire(import.meta.url).resolve('@typescript/native/package.json')), 'bin/tsc');
  const built = spawnSync(process.execPath, [compiler, '-b', example], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`The example does not compile:\n${built.stdout}${built.stderr}`);
  temporary = await mkdtemp(join(tmpdir(), 'start-test-'));
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(temporary, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function start(...args: string[]) {
  const child = spawn(process.execPath, ['dist/demo.js', ...args], {
    cwd: example,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  child.once('close', () => children.delete(child));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = once(child, 'close').then(([code]): Ended => ({ code, output }));
  return { child, ended, output: () => output };
}

/** Printed as `(process 4711)`. */
function emulatorOf(output: string): number {
  return Number(/\(process (\d+)\)/.exec(output)?.[1]);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function expectNothingLeft(output: string): Promise<void> {
  expect(isAlive(emulatorOf(output))).toBe(false);
  expect(await readdir(temporary)).toEqual([]);
}

describe('npm start', () => {
  it('handles or parks every order over a split, and says so', async () => {
    const { code, output } = await start().ended;

    expect(output).toContain('Every record was handled or parked.');
    expect(code).toBe(0);
    expect(output).toMatch(/in the stream 400\n\s+handled\s+398\n\s+parked\s+2\n/);
    expect(output).toMatch(/DECODE_FAILED/);
    expect(output).toMatch(/VALIDATION_FAILED/);
    expect(output).toMatch(/shardId-000000000000 .* SHARD_END .* ended, @OnShardEnd ran/);
    expect(output.match(/child of shardId-000000000000/g)).toHaveLength(2);
    await expectNothingLeft(output);
  });

  it('fails and names the record when one is lost on purpose', async () => {
    const { code, output } = await start('--orders', '60', '--drop-one').ended;

    expect(output).toMatch(/missing\s+1\n\s+shardId-\d+:\d+:0\n/);
    expect(output).toContain('1 of 60 records are neither handled nor parked.');
    expect(code).toBe(1);
    await expectNothingLeft(output);
  });

  it('fails when nothing was put', async () => {
    const { code, output } = await start('--orders', '0').ended;

    expect(output).toContain('Nothing was put into the stream');
    expect(code).toBe(1);
    await expectNothingLeft(output);
  });

  it('goes on with --endless until Ctrl-C, and closes the books then', async () => {
    const { child, ended, output } = start('--endless');
    while (!output().includes('is split')) await sleep(50);

    child.kill('SIGINT');
    const { code } = await ended;

    expect(output()).toContain('Every record was handled or parked.');
    expect(code).toBe(0);
    await expectNothingLeft(output());
  });

  it('explains an option that it does not know', async () => {
    const { code, output } = await start('--order', '3').ended;

    expect(output).toMatch(/Unknown option '--order'[\s\S]*Usage: npm start/);
    expect(code).toBe(2);
  });
});
