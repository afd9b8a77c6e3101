/** Amazon's daemon over the children of somebody else: the same jars, nothing of ours. */
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findArchive } from '../../src/daemon/class-archive.js';
import { findJava } from '../../src/daemon/find-java.js';
import { openJarStore } from '../../src/daemon/jar-store.js';
import { verifyJars } from '../../src/daemon/jar-verify.js';
import type { Worker } from './worker.js';
import type { World } from './world.js';

const PROGRAM = fileURLToPath(new URL('../fixtures/plain-daemon.sh', import.meta.url));

const LOGBACK = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%level %logger{0} %msg%n</pattern></encoder></appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
`;

export interface PlainDaemon {
  /** Its worker id. */
  readonly name: string;
  /** The command of a child. */
  readonly executableName: string;
  /** Over those that every daemon has here. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** A worker of the world's application. */
export async function startPlainDaemon(
  world: World,
  { name, executableName, properties, env }: PlainDaemon,
): Promise<Worker> {
  const { kinesis, dynamo, region } = world.endpoints;
  const all = {
    executableName,
    streamName: world.name,
    applicationName: world.name,
    workerId: name,
    AWSCredentialsProvider: 'DefaultCredentialsProvider',
    regionName: region,
    kinesisEndpoint: kinesis,
    dynamoDBEndpoint: dynamo,
    initialPositionInStream: 'TRIM_HORIZON',
    failoverTimeMillis: 2_000,
    leaseAssignmentIntervalMillis: 500,
    inMemoryWorkerMetricsCaptureFrequencyMillis: 100,
    idleTimeBetweenReadsInMillis: 250,
    metricsLevel: 'NONE',
    disableWorkerMetrics: true,
    shutdownGraceMillis: 10_000,
    retrievalMode: 'POLLING',
    ...properties,
  };
  const base = join(world.folder, name);
  const lines = Object.entries(all).map(([key, value]) => `${key} = ${value}\n`);
  await writeFile(`${base}.properties`, lines.join(''));
  await writeFile(`${base}.logback.xml`, LOGBACK);
  const store = await openJarStore(process.env);
  const archive = await findArchive(store, await findJava(process.env));
  return world.startWorker({
    name,
    node: PROGRAM,
    env: {
      E2E_DAEMON: base,
      E2E_CLASS_PATH: (await verifyJars(store)).join(delimiter),
      ...(archive === undefined ? {} : { E2E_ARCHIVE: archive }),
      ...env,
    },
  });
}
