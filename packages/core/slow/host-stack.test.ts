import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { NO_STACK, stackOfHost } from '../src/supervisor/host-stack.js';
import { INSPECTOR_OPTIONS } from '../src/supervisor/inspector-options.js';

let host: ChildProcess | undefined;

afterEach(() => void host?.kill('SIGKILL'));

/** A program like a host, at work on a task that it has announced. */
async function startBlocked(
  task: string,
  options = INSPECTOR_OPTIONS,
): Promise<{ pid: number; exited: Promise<unknown> }> {
  const program = `process.stdout.write('begins', () => setImmediate(function handler() { ${task}; process.stdout.write('ends'); }));`;
  host = spawn(process.execPath, [...options, '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(host, 'exit');
  await once(host.stdout ?? host, 'data');
  return { pid: host.pid ?? 0, exited };
}

const COMPUTE = 'const endMs = Date.now() + 3_000; while (Date.now() < endMs);';

/** Sockets that listen, among those of the process. */
function listening(pid: number): number {
  const sockets = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
    } catch {
      return undefined;
    }
  });
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .filter((line) => / 0A /.test(line) && sockets.some((inode) => inode !== undefined && line.includes(` ${inode} `)))
    .length;
}

describe.runIf(process.platform === 'linux')('the stack of a blocked host', () => {
  it('names the line it stands at; its inspector is closed again at once, and it goes on', async () => {
    const { pid, exited } = await startBlocked(COMPUTE);
    expect(await stackOfHost(pid)).toMatch(/^ {4}at handler \(.*:\d+:\d+\)/);
    expect(listening(pid)).toBe(0);
    expect(await exited).toEqual([0, null]);
  });

  it('is not taken, and no port is opened, where it waits in the system', async () => {
    const { pid } = await startBlocked("process.getBuiltinModule('node:child_process').execFileSync('sleep', ['3'])");
    expect(await stackOfHost(pid)).toBe(NO_STACK);
    expect(listening(pid)).toBe(0);
  });

  it('is not taken from a native call, after which the inspector is closed', async () => {
    const { pid, exited } = await startBlocked(
      "process.getBuiltinModule('node:crypto').pbkdf2Sync('a', 'b', 6_000_000, 64, 'sha512')",
    );
    expect(await stackOfHost(pid)).toBe(NO_STACK);
    // It does not pause either: nobody would let it go on.
    expect(await exited).toEqual([0, null]);
  });
});
