/**
 * The daemon as a process: in a session of its own, so that neither the terminal's signals nor the group's reach it, and
 * so that everything it started can be found and ended.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Environment } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import { sessionOf } from '../local/process-birth.js';
import type { Logger } from '../ports.js';
import { readDaemonLog } from './daemon-log.js';
import { hasCode } from './file-error.js';
import type { LaunchPlan } from './launch-plan.js';

export interface JavaProcess {
  readonly pid: number;
  /** Never rejects. */
  readonly exited: Promise<JavaExit>;
  /** SIGTERM to Java alone; its children hear of it by the protocol. */
  terminate(): void;
  /** SIGKILL to Java and to all that it started; also after Java's end, to what it left. */
  killSession(): void;
  /** The last warnings and errors of the daemon, for messages. */
  lastLines(): readonly string[];
}

export interface JavaExit {
  readonly code?: number;
  readonly signal?: string;
}

export interface JavaSurroundings {
  readonly env: Environment;
  readonly cwd: string;
  readonly logger: Logger;
}

type Child = ChildProcessByStdio<null, Readable, null>;

/**
 * Starts Java; resolves when it runs.
 *
 * @throws MillraceError JAVA_UNUSABLE when the executable cannot be run, DAEMON_FAILED when the system starts nothing.
 */
export async function startJava(plan: LaunchPlan, { env, cwd, logger }: JavaSurroundings): Promise<JavaProcess> {
  const child = spawn(plan.command, plan.args, {
    cwd,
    env: childEnvironment(env),
    detached: true,
    // What children write to standard error comes out of Java's as it is, and goes on as it is.
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // What keeps it from being started is heard by `spawned`; without a descriptor left it has no output either.
  child.on('error', () => undefined);
  const exit = exitOf(child);
  const pid = await spawned(child, plan, cwd);
  const log = readDaemonLog(child.stdout, logger);
  let endedTicks: number | undefined;
  const exited = exit.then((ended) => {
    endedTicks = uptimeTicks();
    return ended;
  });
  return {
    pid,
    exited,
    terminate: () => void child.kill('SIGTERM'),
    killSession() {
      // Until Node has reaped it, nobody else can have its id.
      const running = child.exitCode === null && child.signalCode === null;
      if (running) kill(-pid);
      // What left the group stays in the session; what began after Java's end has only inherited its number.
      for (const member of sessionMembers(pid, endedTicks)) kill(member);
    },
    lastLines: () => log.lastLines(),
  };
}

/** What belongs to this process alone: two cannot share an inspector's port, a channel or a file of coverage. */
export function childEnvironment(env: Environment): Record<string, string | undefined> {
  const own = /^(?:NODE_(?:CHANNEL_FD|CHANNEL_SERIALIZATION_MODE|UNIQUE_ID|V8_COVERAGE)$|VSCODE_INSPECTOR)/;
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !own.test(name)));
  const options = kept['NODE_OPTIONS']?.split(' ').filter((option) => !/^--(?:inspect|watch)/.test(option));
  return options === undefined ? kept : { ...kept, NODE_OPTIONS: options.join(' ') };
}

async function spawned(child: Child, plan: LaunchPlan, cwd: string): Promise<number> {
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw notStarted(toError(error), plan, cwd);
  }
  if (child.pid === undefined) throw notStarted(new Error('it has no process id'), plan, cwd);
  return child.pid;
}

function notStarted(cause: Error, { command }: LaunchPlan, cwd: string): MillraceError {
  const unusable = hasCode(cause, 'ENOENT') || hasCode(cause, 'EACCES') || hasCode(cause, 'ENOEXEC');
  return new MillraceError(
    unusable ? 'JAVA_UNUSABLE' : 'DAEMON_FAILED',
    `The daemon was not started: ${command} in ${cwd}: ${cause.message}. Is it an executable, and is the folder there?`,
    { details: { command, cwd }, cause },
  );
}

async function exitOf(child: Child): Promise<JavaExit> {
  return new Promise((resolve) => {
    // `close` rather than `exit`: then the last lines have been read. A child of Java may hold the pipe, so not for ever.
    child.once('exit', (code, signal) => {
      const ended = { ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) };
      const wait = setTimeout(() => resolve(ended), LAST_LINES_WITHIN_MS);
      child.once('close', () => {
        clearTimeout(wait);
        resolve(ended);
      });
    });
  });
}

const LAST_LINES_WITHIN_MS = 500;

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It ended by itself a moment ago, or has become somebody else's; the others are to be ended all the same.
    if (!hasCode(error, 'ESRCH') && !hasCode(error, 'EPERM')) throw error;
  }
}

function sessionMembers(session: number, endedTicks = Infinity): readonly number[] {
  return processes().filter((pid) => {
    const found = sessionOf(pid);
    return found?.session === session && found.startTick <= endedTicks;
  });
}

function processes(): readonly number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0);
  } catch {
    // Not Linux: the group is all that can be ended.
    return [];
  }
}

/** The kernel counts hundredths of a second for /proc on every platform that Linux runs on. */
const TICKS_PER_SECOND = 100;

function uptimeTicks(): number | undefined {
  try {
    return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}
