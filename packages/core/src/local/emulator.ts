/** The embedded Kinesis: the npm package `kinesis-local` in a process of its own, in memory, on free ports. */
import { join } from 'node:path';
import { MillraceError } from '../errors.js';
import type { Logger } from '../ports.js';
import { emulatorEnvironment, findPackage, startEmulatorProcess } from './emulator-process.js';
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

const PACKAGE = 'kinesis-local';
const REGION = 'us-east-1';
const LEAVE_WITH_PARENT = 'process.stdin.once("end", () => process.exit(0)).resume();';
/** The emulator's settings for somebody else. */
const FOREIGN = /^(INITIALIZE_STREAMS|SHOULD_PERSIST_DATA|PERSIST_.*)$/;

/**
 * Starts `kinesis-local` and creates the streams.
 *
 * @throws MillraceError DEPENDENCY_MISSING when the package is not installed; EMULATOR_FAILED, with the end of its
 * output, when it does not answer within 20 seconds.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const folder = packageFolder();
  const server = await startEmulatorProcess(([port, tlsPort]) => ({
    name: `The embedded Kinesis (${PACKAGE})`,
    command: process.execPath,
    args: ['--import', `data:text/javascript,${encodeURIComponent(LEAVE_WITH_PARENT)}`, join(folder, 'main.js')],
    env: { ...emulatorEnvironment(FOREIGN), ...settings(folder, { port, tlsPort }) },
    port,
    answers: isHealthy,
  }));
  const { endpoint, port, pid } = server;
  try {
    for (const stream of options.streams) await ensureStream({ endpoint, region: REGION, env: {} }, stream);
  } catch (error) {
    await server.stop();
    throw error;
  }
  options.logger?.debug({ endpoint, pid }, 'The embedded Kinesis is ready.');
  return { endpoint, region: REGION, port, pid, stop: () => server.stop() };
}

function packageFolder(): string {
  const folder = findPackage(PACKAGE);
  if (folder !== undefined) return folder;
  throw new MillraceError(
    'DEPENDENCY_MISSING',
    'The embedded Kinesis needs the package kinesis-local: run `npm install --save-dev kinesis-local`, or name a kinesisEndpoint.',
    { details: { package: PACKAGE } },
  );
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
