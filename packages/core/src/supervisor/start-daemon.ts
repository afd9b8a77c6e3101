/** One consumer's daemon: looked after before it starts, named, launched, followed, and cleaned up after. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeProperties } from '../config/properties-text.js';
import type { ResolvedConsumer } from '../config/resolved.js';
import { openCoordination } from '../daemon/coordination-aws.js';
import type { Coordination } from '../daemon/coordination.js';
import { propertyOf } from '../daemon/effective-property.js';
import type { JavaProcess } from '../daemon/java-process.js';
import { LeaseWatch } from '../daemon/lease-watch.js';
import { releaseLeader } from '../daemon/release-leader.js';
import { findIdentity } from '../daemon/worker-identity.js';
import type { Environment } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import type { Clock, Logger } from '../ports.js';
import { childCommand, relayCommand } from './child-command.js';
import { ChildServers } from './child-servers.js';
import { DaemonSupervisor, type SessionServers } from './daemon-supervisor.js';
import type { Admission, Fleet } from './fleet.js';
import type { HostPool } from './host-pool.js';
import { freeSlots, lockName, type SlotLock } from './slot-lock.js';

/** What is written for one life of the daemon: absolute paths in the private folder. */
export interface LaunchFiles {
  readonly properties: string;
  readonly logback: string;
}

/** Java, its jars and its flags, looked up and checked once. */
export interface DaemonLauncher {
  launch(files: LaunchFiles): Promise<JavaProcess>;
}

export interface StartDaemonOptions {
  readonly consumer: ResolvedConsumer;
  /** Tells files of several daemons apart. */
  readonly index: number;
  readonly fleet: Fleet;
  readonly launcher: DaemonLauncher;
  readonly env: Environment;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The supervisor reads the tables with the credentials of the daemon. */
  readonly sameCredentials: boolean;
  readonly signal: AbortSignal;
  readonly requestStop: (cause: Error) => void;
  readonly onChange: (supervisor: DaemonSupervisor) => void;
}

export interface RunningDaemon {
  readonly workerId: string;
  readonly supervisor: DaemonSupervisor;
  readonly servers: DaemonServers;
}

/** Sessions of a daemon, with where they stand. */
export type DaemonServers = SessionServers & { all(): ReturnType<HostPool['statusOf']> };

/** @throws MillraceError when no id can be used, or Java cannot be started. */
export async function startDaemon(options: StartDaemonOptions): Promise<RunningDaemon> {
  const { consumer, fleet, logger, clock, env } = options;
  const { applicationName, settings } = consumer;
  const lock = await takeIdentity(options);
  fleet.keepLocked(lock.descriptor);
  const { servers, admission, setSupervisor } = serversOf(options);
  const launch = launcherOf(options, lock.workerId);
  let java: JavaProcess | undefined;
  const supervisor: DaemonSupervisor = new DaemonSupervisor({
    applicationName,
    shutdownGraceMs: settings.shutdownGraceMs,
    clock,
    logger,
    servers,
    requestStop: options.requestStop,
    watchLeases: (onVerdict) =>
      new LeaseWatch({
        workerId: lock.workerId,
        everyMs: settings.failoverTimeMs,
        open: () => openCoordination(consumer, env),
        sameCredentials: options.sameCredentials,
        onVerdict,
        clock,
        logger,
      }),
    launch: async () => {
      java = await launch();
      await fleet.protect(java.pid);
      return java;
    },
    reaped: async () => {
      if (java !== undefined) await fleet.unprotect(java.pid).catch(() => undefined);
      await takeLeave(options, lock.workerId);
    },
    onChange: () => options.onChange(supervisor),
  });
  setSupervisor(supervisor);
  fleet.admissions.add(admission);
  void supervisor.closed.then(() => {
    fleet.admissions.delete(admission);
    lock.release();
  });
  try {
    await supervisor.start();
  } catch (error) {
    supervisor.requestEnd(toError(error));
    await supervisor.closed;
    throw error;
  }
  return { workerId: lock.workerId, supervisor, servers };
}

/** The name under which this worker owns leases: its own of last time, if nobody else has it. */
async function takeIdentity(options: StartDaemonOptions): Promise<SlotLock> {
  const { consumer, env, clock, logger, signal } = options;
  const scope = [
    propertyOf(consumer, 'dynamoDBEndpoint') ?? 'aws',
    consumer.settings.regionName ?? '',
    propertyOf(consumer, 'tableName') ?? consumer.applicationName,
  ].join('\0');
  const given = consumer.settings.workerId;
  if (given !== undefined) {
    const lock = await lockName(given, scope);
    if (lock !== undefined) return lock;
    throw new MillraceError(
      'DAEMON_FAILED',
      `Another process on this machine is the worker "${given}" of this application, and two workers of one id run the same shards. Leave workerId out: Millrace makes one of the host name and a free slot.`,
      { details: { workerId: given } },
    );
  }
  const taken = new Map<string, SlotLock>();
  async function* candidates(): AsyncGenerator<string> {
    for await (const lock of freeSlots(scope)) {
      taken.set(lock.workerId, lock);
      yield lock.workerId;
    }
  }
  const coordination = await openCoordination(consumer, env);
  let chosen: string | undefined;
  let inherited: readonly string[] = [];
  try {
    const renewEveryMs = consumer.settings.failoverTimeMs / 3;
    const found = await findIdentity({ candidates: candidates(), coordination, clock, renewEveryMs, signal });
    for (const { message } of found.rejected) logger.warn({}, message);
    if (found.inherited.length > 0)
      logger.info(
        { workerId: found.workerId, shards: found.inherited },
        'Taking up the leases that this worker had before.',
      );
    ({ workerId: chosen, inherited } = found);
  } finally {
    coordination.close();
    for (const [workerId, lock] of taken) if (workerId !== chosen) lock.release();
  }
  const lock = chosen === undefined ? undefined : taken.get(chosen);
  if (lock === undefined) throw new RangeError('The id that was found was no candidate.');
  // Its leases stood still while they were watched, so no twin lives that could lead: the lead is a dead predecessor's.
  if (inherited.length > 0) await takeLeave(options, lock.workerId);
  return lock;
}

/**
 * Takes the worker off the list: until the lead of a dead one is given back, nobody assigns leases (KCL waits two minutes
 * for it), and until its metrics are gone, leases are assigned to it.
 */
async function takeLeave({ consumer, env, clock, logger }: StartDaemonOptions, workerId: string): Promise<void> {
  const signal = AbortSignal.timeout(RELEASE_WITHIN_MS);
  let coordination: Coordination | undefined;
  try {
    coordination = await openCoordination(consumer, env);
    await releaseLeader({ coordination, workerId, twinsRuledOut: true, clock, signal });
  } catch (error) {
    logger.warn(
      { err: toError(error) },
      'The lead could not be given back; until it expires (120 s) no lease is assigned.',
    );
  }
  try {
    await coordination?.forgetWorker(workerId, signal);
  } catch (error) {
    logger.warn(
      { err: toError(error) },
      'The metrics of this worker could not be deleted; for a minute other workers take it for alive.',
    );
  } finally {
    coordination?.close();
  }
}

const RELEASE_WITHIN_MS = 5_000;

function launcherOf(
  { consumer, fleet, index, launcher }: StartDaemonOptions,
  workerId: string,
): () => Promise<JavaProcess> {
  const folder = fleet.folder.path;
  const properties = join(folder, `daemon-${index}.properties`);
  return async () => {
    const executableName =
      fleet.pool === undefined
        ? await childCommand({
            folder,
            name: `child-${index}`,
            variables: {
              MILLRACE_ENGINE: 'stdio',
              MILLRACE_LINK: fleet.folder.socket,
              MILLRACE_CHILD_OF: consumer.applicationName,
            },
          })
        : relayCommand(folder);
    const ours = { executableName, workerId };
    const given = consumer.properties.filter(({ name }) => !Object.hasOwn(ours, name));
    const entries = [...Object.entries(ours).map(([name, value]) => ({ name, value })), ...given];
    await writeFile(properties, writeProperties(entries), { mode: 0o600 });
    return launcher.launch({ properties, logback: join(folder, `daemon-${index}.logback.xml`) });
  };
}

interface Servers {
  readonly servers: DaemonServers;
  readonly admission: Admission;
  /** The two know each other; the supervisor is made second. */
  readonly setSupervisor: (supervisor: DaemonSupervisor) => void;
}

function serversOf({ consumer, fleet }: StartDaemonOptions): Servers {
  const { applicationName } = consumer;
  let supervisor: DaemonSupervisor | undefined;
  const known = (): DaemonSupervisor => {
    if (supervisor === undefined) throw new RangeError('The supervisor is not there yet.');
    return supervisor;
  };
  const setSupervisor = (made: DaemonSupervisor): void => {
    supervisor = made;
    fleet.pool?.listen(applicationName, made);
  };
  const { pool } = fleet;
  if (pool !== undefined) {
    const servers: DaemonServers = {
      serve: (sessionId, relay) => pool.serve(applicationName, sessionId, relay),
      doubt: (sessionId, why) => pool.send({ kind: 'doubt', sessionId, why }),
      handOff: (sessionId) => pool.send({ kind: 'handOff', sessionId }),
      drain: () => pool.send({ kind: 'drain', applicationName }),
      leave: () => pool.send({ kind: 'leave', applicationName, how: 'afterAction' }),
      all: () => pool.statusOf(applicationName),
    };
    return { servers, setSupervisor, admission: { admit: (relay) => known().admit(relay), admitChild: () => false } };
  }
  const children = new ChildServers({
    applicationName,
    listener: known,
    opened: (sessionId) => known().admitChild(sessionId),
  });
  return {
    servers: children,
    setSupervisor,
    admission: { admit: () => false, admitChild: (peer) => children.admit(peer, known().javaPid) },
  };
}
