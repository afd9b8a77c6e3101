/**
 * An emulator as a process of its own, on ports that were free, found in an npm package that the user has installed.
 *
 * It must not outlive us, however we end: its command is to leave at the end of its standard input, which the operating
 * system sends even for a killed parent. It must not die before us either: in a session of its own it does not hear the
 * terminal's Ctrl-C, so a consumer can still read and checkpoint while it shuts down.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError, toError } from '../errors.js';

export interface EmulatorCommand {
  /** For messages: `The embedded Kinesis (kinesis-local)`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly port: number;
  /** Whether it answers at its endpoint; never rejects. */
  readonly answers: (endpoint: string) => Promise<boolean>;
}

export interface EmulatorProcess {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the process is gone; safe to call twice. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 20_000;
const POLL_MS = 50;
const STOP_WITHIN_MS = 2_000;
/** Somebody else may take a free port before the emulator does. */
const ATTEMPTS = 3;
const PORT_TAKEN = /EADDRINUSE|Address already in use/;
const OUTPUT_LINES_KEPT = 20;

/**
 * Starts it, and resolves when it answers.
 *
 * @param plan - called again with new ports when somebody else was faster.
 * @throws MillraceError EMULATOR_FAILED, with the end of its output, when it does not answer within 20 seconds.
 */
export async function startEmulatorProcess(
  plan: (ports: readonly [number, number]) => EmulatorCommand,
): Promise<EmulatorProcess> {
  for (let attempt = 1; ; attempt += 1) {
    const server = launch(plan(await freePorts()));
    try {
      await untilAnswering(server);
      const { endpoint, pid, command } = server;
      return { endpoint, port: command.port, pid, stop: () => stop(server) };
    } catch (error) {
      await stop(server);
      if (!server.output.some((line) => PORT_TAKEN.test(line)) || attempt === ATTEMPTS) throw error;
    }
  }
}

/** The folder of a package: beside the framework, as a peer dependency stands, else beside the program that runs. */
export function findPackage(name: string): string | undefined {
  for (const place of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return dirname(createRequire(place).resolve(`${name}/package.json`));
    } catch {
      // Not here; the next place.
      continue;
    }
  }
  return undefined;
}

/** Our environment without what is meant for our own process: loaders and debuggers. */
export function emulatorEnvironment(foreign: RegExp): NodeJS.ProcessEnv {
  const ours = /^(NODE_OPTIONS|NODE_V8_COVERAGE)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name) && !foreign.test(name)));
}

interface Server {
  readonly command: EmulatorCommand;
  readonly child: ChildProcess;
  readonly pid: number;
  readonly endpoint: string;
  /** The last lines it printed. */
  readonly output: string[];
  readonly exited: Promise<unknown>;
}

function launch(command: EmulatorCommand): Server {
  const { args, cwd, env, port } = command;
  const child = spawn(command.command, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.push(...text.split('\n').filter((line) => line.trim() !== ''));
      output.splice(0, output.length - OUTPUT_LINES_KEPT);
    });
  }
  const exited = once(child, 'exit').catch((error: unknown) => {
    output.push(toError(error).message);
  });
  // An unread end of the pipe must not bring us down when the child is gone.
  child.stdin.on('error', () => undefined);
  letParentExit(child);
  return { command, child, pid: child.pid ?? 0, endpoint: `http://127.0.0.1:${port}`, output, exited };
}

/** The emulator never keeps our process running; it ends with us. */
function letParentExit(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    if (stream !== null && 'unref' in stream && typeof stream.unref === 'function') stream.unref();
  }
}

async function untilAnswering(server: Server): Promise<void> {
  const startedMs = performance.now();
  while (!(await server.command.answers(server.endpoint))) {
    if (hasExited(server.child)) throw failed(server, `ended at once (exit code ${server.child.exitCode ?? 'none'})`);
    if (performance.now() - startedMs > READY_WITHIN_MS)
      throw failed(server, `did not answer within ${READY_WITHIN_MS} ms`);
    await sleep(POLL_MS);
  }
}

async function stop({ child, pid, exited }: Server): Promise<void> {
  if (hasExited(child)) return;
  // Nothing else may keep our process running until it is gone.
  child.ref();
  child.kill('SIGTERM');
  // It can hang on SIGTERM for ever, for example with an open subscription.
  const gone = await Promise.race([exited.then(() => true), sleep(STOP_WITHIN_MS, false, { ref: false })]);
  if (!gone) killGroup(child, pid);
  await exited;
}

function killGroup(child: ChildProcess, pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // No process groups here (Windows), or the group went this very moment.
    child.kill('SIGKILL');
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

function failed({ command: { name, port }, output }: Server, what: string): MillraceError {
  const said = output.length === 0 ? '' : ` Its last output:\n${output.join('\n')}`;
  return new MillraceError('EMULATOR_FAILED', `${name} ${what}.${said}`, { details: { port } });
}

/** Two at once, so that they differ. */
async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()] as const;
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0);
      await once(server, 'listening');
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
  await Promise.all(
    servers.map(async (server) => {
      server.close();
      await once(server, 'close');
    }),
  );
  return [ports[0] ?? 0, ports[1] ?? 0];
}
