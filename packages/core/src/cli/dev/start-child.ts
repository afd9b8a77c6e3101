/** Starts the worker of `millrace dev` as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DevRequest, FromWorker, ToWorker } from './dev-events.js';
import type { ChildExit, DevChild } from './dev-session.js';
import { programFile } from '../../package-files.js';

export interface ChildListener {
  message(message: FromWorker): void;
  /** A line of its standard output or standard error. */
  line(line: string): void;
}

/** What a grandchild holds open is not waited for. */
const LAST_WORDS_MS = 500;

/**
 * The worker is in a process group of its own, so a terminal's Ctrl-C reaches only its parent, which asks it to end; it
 * notices by the closed channel when the parent is killed.
 */
export function startChild(request: DevRequest, listener: ChildListener): DevChild {
  const child = spawn(process.execPath, ['--enable-source-maps', fileURLToPath(programFile('worker.main'))], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
    cwd: request.cwd,
  });
  child.on('message', (message) => listener.message(message as FromWorker));
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null)
      createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => listener.line(line));
  }
  const send = (message: ToWorker): void => {
    // A child that is just ending takes no more messages; its exit is what counts then.
    if (child.connected) child.send(message, () => undefined);
  };
  const exited = whenExited(child);
  send({ kind: 'start', request });
  return { pid: child.pid ?? 0, send, exited, kill: () => killGroup(child) };
}

async function whenExited(child: ChildProcess): Promise<ChildExit> {
  const closed = once(child, 'close').catch(() => undefined);
  const exit = await once(child, 'exit').catch((): [null, null] => [null, null]);
  await Promise.race([closed, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
  const [exitCode, signal] = exit as [number | null, string | null];
  return { exitCode: exitCode ?? undefined, signal: signal ?? undefined };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // No process groups here (Windows), or the group went this very moment.
    child.kill('SIGKILL');
  }
}
