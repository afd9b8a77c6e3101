/** Child processes on three pipes such as Java makes; Node's own `pipe` would give them sockets. */
import { execFileSync, spawn, type SpawnOptions } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('./echo-worker.main.ts', import.meta.url));

export interface WorkerProcess {
  readonly pid: number;
  readonly stdin: Socket;
  readonly stdout: Socket;
  readonly stderr: Socket;
  readonly exited: Promise<number | null>;
  kill(signal?: NodeJS.Signals): void;
}

/** The arguments that Node takes to run it from its source. */
export function workerCommand(args: readonly string[]): string[] {
  return ['--import', '@oxc-node/core/register', MAIN, ...args];
}

/**
 * The echo worker.
 *
 * @param pipes - `fifo` as Java does it; `socket` as Node does it, where descriptors cannot be opened a second time.
 */
export function spawnWorker(args: readonly string[], pipes: 'fifo' | 'socket' = 'fifo'): WorkerProcess {
  const command = workerCommand(args);
  if (pipes === 'socket') {
    const child = spawn(process.execPath, command, { stdio: 'pipe' });
    const exited = new Promise<number | null>((resolve) => void child.once('exit', resolve));
    // The streams of a child on sockets are sockets.
    const [stdin, stdout, stderr] = child.stdio as unknown as [Socket, Socket, Socket];
    return {
      pid: child.pid ?? 0,
      stdin,
      stdout,
      stderr,
      exited,
      kill: (signal = 'SIGKILL') => void child.kill(signal),
    };
  }
  return spawnOnPipes(command);
}

export function spawnOnPipes(
  command: readonly string[],
  { program = process.execPath, ...options }: Pick<SpawnOptions, 'cwd' | 'env'> & { readonly program?: string } = {},
): WorkerProcess {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-pipes-'));
  const [toWorker, fromWorker, errors] = ['in', 'out', 'err'].map((name) => openPipe(join(folder, name))) as [
    Pipe,
    Pipe,
    Pipe,
  ];
  const child = spawn(program, command, {
    ...options,
    stdio: [toWorker.read, fromWorker.write, errors.write],
  });
  const exited = new Promise<number | null>((resolve) => void child.once('exit', resolve));
  // With our copies of its ends closed, end of file travels both ways.
  for (const fd of [toWorker.read, fromWorker.write, errors.write]) closeSync(fd);
  rmSync(folder, { recursive: true });
  return {
    pid: child.pid ?? 0,
    stdin: new Socket({ fd: toWorker.write, readable: false, writable: true }),
    stdout: new Socket({ fd: fromWorker.read, readable: true, writable: false }),
    stderr: new Socket({ fd: errors.read, readable: true, writable: false }),
    exited,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
  };
}

interface Pipe {
  readonly read: number;
  readonly write: number;
}

function openPipe(path: string): Pipe {
  execFileSync('mkfifo', [path]);
  const both = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const read = openSync(path, constants.O_RDONLY);
  const write = openSync(path, constants.O_WRONLY);
  closeSync(both);
  return { read, write };
}
