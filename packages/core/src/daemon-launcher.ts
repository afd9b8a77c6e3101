/** Java with its jars and flags: looked up and verified once, started as often as the supervisor says. */
import { writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import type { ResolvedConsumer } from './config/resolved.js';
import { readDaemonLevels } from './daemon/daemon-levels.js';
import { propertyOf } from './daemon/effective-property.js';
import { heapMegabytes } from './daemon/heap-size.js';
import { startJava } from './daemon/java-process.js';
import { planLaunch, type LaunchPreset } from './daemon/launch-plan.js';
import { logbackXml } from './daemon/logback.js';
import type { Environment } from './definition/definition.js';
import type { Logger } from './ports.js';
import type { ErrandRunner } from './supervisor/errand-process.js';
import type { DaemonLauncher } from './supervisor/start-daemon.js';
import type { JavaOptions } from './worker-options.js';

export interface LauncherRequest {
  readonly env: Environment;
  readonly java: JavaOptions;
  readonly logger: Logger;
  readonly errands: ErrandRunner;
}

/** What the size of the heap depends on. */
export interface LaunchedConsumer {
  readonly consumer: ResolvedConsumer;
  /** Open shards of the stream; undefined when they could not be counted. */
  readonly shards: number | undefined;
}

/** As many as a stream has by default quota in most regions' first accounts; only for who may not count them. */
const SHARDS_UNKNOWN = 50;

/**
 * Finds Java and the jars, and says what is missing before anything is started.
 *
 * @throws MillraceError JAVA_UNUSABLE, JARS_MISSING, JAR_REFUSED, JAR_LOCK_INVALID; ConfigurationError for MILLRACE_DAEMON_LOG.
 */
export async function prepareLaunch({
  env,
  java: options,
  logger,
  errands,
}: LauncherRequest): Promise<(launched: LaunchedConsumer) => DaemonLauncher> {
  const levels = readDaemonLevels(env);
  const { java, classPath, archive } = await errands.run({ kind: 'findLaunch', env, java: options.path });
  if (archive === undefined)
    logger.info(
      { java: java.version },
      'No class archive is there for this Java: `millrace jars archive` makes one, and starts take half the time.',
    );
  const preset: LaunchPreset = options.preset ?? 'server';
  const javaFlags = options.flags ?? (env['MILLRACE_JAVA_FLAGS'] ?? '').split(/\s+/).filter((flag) => flag !== '');
  return ({ consumer, shards }) => ({
    async launch({ properties, logback }) {
      await writeFile(logback, logbackXml(levels), { mode: 0o600 });
      const heap = heapOf(consumer, shards);
      const plan = planLaunch({
        java,
        classPath,
        properties,
        logback,
        heapMegabytes: heap,
        preset,
        archive,
        javaFlags,
      });
      const started = await startJava(plan, { env, cwd: process.cwd(), logger });
      logger.info(
        { applicationName: consumer.applicationName, pid: started.pid, java: java.version, heapMegabytes: heap },
        'The daemon is starting.',
      );
      return started;
    },
  });
}

function heapOf(consumer: ResolvedConsumer, shards: number | undefined): number {
  const maxLeases = propertyOf(consumer, 'maxLeasesForWorker');
  return heapMegabytes({
    shards: shards ?? SHARDS_UNKNOWN,
    maxLeases: maxLeases === undefined ? undefined : Number(maxLeases),
    maxRecords: consumer.settings.maxRecords,
    requested: consumer.daemon.heapMegabytes,
    memoryLimitBytes: memoryLimitBytes(),
  });
}

/** The container's limit where there is one. */
function memoryLimitBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}
