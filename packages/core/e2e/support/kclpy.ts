/** Amazon's own client for Python beside our workers: the same application, the same jars, nothing of ours. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openJarStore } from '../../src/daemon/jar-store.js';
import type { Worker } from './worker.js';
import type { World } from './world.js';

const run = promisify(execFile);
const VERSION = '3.2.0';
const CHILD = fileURLToPath(new URL('../fixtures/kclpy_child.py', import.meta.url));
const DAEMON = fileURLToPath(new URL('../fixtures/kclpy-daemon.sh', import.meta.url));

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

const LOGBACK = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%level %logger{0} %msg%n</pattern></encoder></appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
`;

/** A worker of the world's application whose child is written in Python. Its id is its name. */
export async function startKclpy(world: World, { name, path }: { name: string; path: string }): Promise<Worker> {
  const { kinesis, dynamo, region } = world.endpoints;
  const properties = {
    executableName: `python3 ${CHILD}`,
    processingLanguage: 'python/3',
    streamName: world.name,
    applicationName: world.name,
    workerId: name,
    AWSCredentialsProvider: 'DefaultCredentialsProvider',
    regionName: region,
    kinesisEndpoint: kinesis,
    dynamoDBEndpoint: dynamo,
    initialPositionInStream: 'TRIM_HORIZON',
    failoverTimeMillis: 2_000,
    leaseAssignmentIntervalMillis: 2_000,
    inMemoryWorkerMetricsCaptureFrequencyMillis: 100,
    idleTimeBetweenReadsInMillis: 250,
    metricsLevel: 'NONE',
    disableWorkerMetrics: true,
    shutdownGraceMillis: 10_000,
    retrievalMode: 'POLLING',
  };
  const lines = Object.entries(properties).map(([key, value]) => `${key} = ${value}\n`);
  await writeFile(join(world.folder, 'kclpy.properties'), lines.join(''));
  await writeFile(join(world.folder, 'kclpy.logback.xml'), LOGBACK);
  const { folder: jars } = await openJarStore(process.env);
  return world.startWorker({ name, node: DAEMON, env: { E2E_JARS: jars, PYTHONPATH: path } });
}
