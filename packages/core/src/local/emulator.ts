/**
 * The embedded Kinesis: the npm package `kinesis-local` in a process of its own, in memory, on free ports.
 *
 * It must not outlive us, however we end: it reads its standard input and leaves at end of file, which the operating
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
import type { Logger } from '../ports.js';
import { ensureStream, type StreamPlan } from './ensure-stream.js';

export interface EmulatorOptions {
  /** Created before `startEmulator` resolves. */
  readonly streams: readonly StreamPlan[];
  /** Says at debug level that it is ready. @defaultValue nothing is logged */
  readonly logger?: Logger;
}

export interface Emulator {
  /** `http://127.0.0.1:<port>`; no credentials are needed. */
  readonly endpoint: string;
  readonly region: string;
  readonly port: number;
  /** The emulator's own process. */
  readonly pid: number;
  /** Resolves when the process is gone; safe to call twice. */
  stop(): Promise<void>;
}

const REGION = 'us-east-1';
const READY_WITHIN_MS = 20_000;
const POLL_MS = 50;
const STOP_WITHIN_MS = 2_000;
/** Somebody else may take a free port before the emulator does. */
const ATTEMPTS = 3;
const OUTPUT_LINES_KEPT = 20;
const LEAVE_WITH_PARENT = 'process.stdin.once("end", () => process.exit(0)).resume();';

/**
 * Starts `kinesis-local` and creates the streams.
 *
 * @throws MillraceError DEPENDENCY_MISSING when the package is not installed; EMULATOR_FAILED, with the end of its
 * output, when it does not answer within 20 seconds.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const folder = packageFolder();
  for (let attempt = 1; ; attempt += 1) {
    const server = await launch(folder);
    try {
      await untilHealthy(server);
      const { endpoint } = server;
      for (const stream of options.streams) await ensureStream({ endpoint, region: REGION, env: {} }, stream);
      options.logger?.debug({ endpoint, pid: server.pid }, 'The embedded Kinesis is ready.');
      return { endpoint, region: REGION, port: server.port, pid: server.pid, stop: () => stop(server) };
    } catch (error) {
      await stop(server);
      const portTaken = server.output.some((line) => line.includes('EADDRINUSE'));
      if (!portTaken || attempt === ATTEMPTS) throw error;
    }
  }
}

interface Server {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
  readonly endpoint: string;
  /** The last lines it printed. */
  readonly output: string[];
  readonly exited: Promise<unknown>;
}

/** Beside the framework, as a peer dependency stands; else beside the program that runs. */
function packageFolder(): string {
  const from = [import.meta.url, join(process.cwd(), 'package.json')];
  for (const place of from) {
    try {
      return dirname(createRequire(place).resolve('kinesis-local/package.json'));
    } catch {
      // Not here; the next place, or the error below.
      continue;
    }
  }
  throw new MillraceError(
    'DEPENDENCY_MISSING',
    'The embedded Kinesis needs the package kinesis-local: run `npm install --save-dev kinesis-local`, or name a kinesisEndpoint.',
    { details: { package: 'kinesis-local' } },
  );
}

async function launch(folder: string): Promise<Server> {
  const [port, tlsPort] = await freePorts();
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(LEAVE_WITH_PARENT)}`, join(folder, 'main.js')],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...environment(), ...settings(folder, { port, tlsPort }) },
    },
  );
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
  return { child, pid: child.pid ?? 0, port, endpoint: `http://127.0.0.1:${port}`, output, exited };
}

function settings(folder: string, { port, tlsPort }: { port: number; tlsPort: number }): Record<string, string> {
  const stateChange = '20ms';
  return {
    // Otherwise it is looked for in the working directory, and the process dies.
    KINESIS_MOCK_CERT_PATH: join(folder, 'server.json'),
    KINESIS_MOCK_PLAIN_PORT: String(port),
    KINESIS_MOCK_TLS_PORT: String(tlsPort),
    SHARD_LIMIT: '10000',
    LOG_LEVEL: 'ERROR',
    CREATE_STREAM_DURATION: stateChange,
    DELETE_STREAM_DURATION: stateChange,
    SPLIT_SHARD_DURATION: stateChange,
    MERGE_SHARDS_DURATION: stateChange,
    UPDATE_SHARD_COUNT_DURATION: stateChange,
    REGISTER_STREAM_CONSUMER_DURATION: stateChange,
    DEREGISTER_STREAM_CONSUMER_DURATION: stateChange,
  };
}

/** Our environment without what is meant for our own process: loaders, debuggers, and the emulator's settings for somebody else. */
function environment(): NodeJS.ProcessEnv {
  const foreign = /^(NODE_OPTIONS|NODE_V8_COVERAGE|INITIALIZE_STREAMS|SHOULD_PERSIST_DATA|PERSIST_.*)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

/** The emulator never keeps our process running; it ends with us. */
function letParentExit(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    if (stream !== null && 'unref' in stream && typeof stream.unref === 'function') stream.unref();
  }
}

async function untilHealthy(server: Server): Promise<void> {
  const startedMs = performance.now();
  while (!(await isHealthy(server.endpoint))) {
    if (hasExited(server.child)) throw failed(server, `ended at once (exit code ${server.child.exitCode ?? 'none'})`);
    if (performance.now() - startedMs > READY_WITHIN_MS)
      throw failed(server, `did not answer within ${READY_WITHIN_MS} ms`);
    await sleep(POLL_MS);
  }
}

async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    const answer = await fetch(`${endpoint}/healthcheck`, { signal: AbortSignal.timeout(1_000) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    // Not listening yet; the caller has the deadline.
    return false;
  }
}

async function stop(server: Server): Promise<void> {
  if (hasExited(server.child)) return;
  // Nothing else may keep our process running until it is gone.
  server.child.ref();
  server.child.kill('SIGTERM');
  // It can hang on SIGTERM for ever, for example with an open subscription.
  const gone = await Promise.race([server.exited.then(() => true), sleep(STOP_WITHIN_MS, false, { ref: false })]);
  if (!gone) server.child.kill('SIGKILL');
  await server.exited;
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

function failed(server: Server, what: string): MillraceError {
  const output = server.output.join('\n');
  return new MillraceError(
    'EMULATOR_FAILED',
    `The embedded Kinesis (kinesis-local) ${what}.${output === '' ? '' : ` Its last output:\n${output}`}`,
    {
      details: { port: server.port },
    },
  );
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
