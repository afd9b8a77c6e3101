/** A host in a process of its own: the same program again, told by its environment what it is. */
import { spawn } from 'node:child_process';
import type { Environment } from '../definition/definition.js';
import { toError } from '../errors.js';
import type { Host, HostExit, HostListener } from './host-pool.js';
import { INSPECTOR_OPTIONS } from './inspector-options.js';
import type { Peer } from './link-server.js';

const LAST_WORDS_WITHIN_MS = 500;

export interface HostProcessOptions {
  /** The supervisor's socket. */
  readonly socket: string;
  readonly env: Environment;
  /** Waits for a peer of this name to connect. */
  readonly onPeer: (name: string, welcome: (peer: Peer) => void) => void;
  readonly started: (pid: number) => void;
  readonly gone: (pid: number) => void;
}

/** Options of Node that two processes cannot share, or that make the second one wait for somebody. */
const OWN_OPTIONS = /^--(inspect|watch|test)/;

/** How to run this very program again. */
export function programCommand(): readonly [command: string, ...args: string[]] {
  const options = process.execArgv.filter((option) => !OWN_OPTIONS.test(option));
  return [process.execPath, ...options, ...process.argv.slice(1)];
}

export function startHostProcess(name: string, listener: HostListener, options: HostProcessOptions): Host {
  const [command, ...args] = programCommand();
  const child = spawn(command, [...INSPECTOR_OPTIONS, ...args], {
    // A session of its own: a terminal's Ctrl-C reaches the supervisor alone, which ends everything in order.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...options.env, MILLRACE_LINK: options.socket, MILLRACE_HOST: name },
  });
  let peer: Peer | undefined;
  let linkClosed = false;
  let onLinkClosed: () => void = () => undefined;
  const queue: Parameters<Peer['send']>[0][] = [];
  options.onPeer(name, (connected) => {
    if (connected.pid !== child.pid) return;
    connected.onMessage = (message) => listener.message(message);
    peer = connected;
    peer.onClosed = () => {
      linkClosed = true;
      onLinkClosed();
    };
    listener.message({ kind: 'hello', role: connected.role, name, pid: connected.pid });
    for (const message of queue.splice(0)) peer.send(message);
  });
  const exited = new Promise<HostExit>((resolve) => {
    child.once('error', (error) =>
      resolve({ how: `could not be started: ${toError(error).message}`, code: null, signal: null }),
    );
    child.once('exit', (code, signal) => {
      if (child.pid !== undefined) options.gone(child.pid);
      const how = signal === null ? `ended with code ${code ?? 'none'}` : `was ended by ${signal}`;
      // Its last words may still be on their way, and even its first: they say why it ended.
      const heard = (): void => resolve({ how, code, signal });
      if (linkClosed) heard();
      else setTimeout(heard, LAST_WORDS_WITHIN_MS).unref();
      onLinkClosed = heard;
    });
  });
  if (child.pid !== undefined) options.started(child.pid);
  return {
    pid: child.pid ?? 0,
    exited,
    send: (message) => (peer === undefined ? void queue.push(message) : peer.send(message)),
    kill: () => killGroup(child.pid),
  };

  function killGroup(pid: number | undefined): void {
    if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It ended between the look and the signal.
    }
  }
}
