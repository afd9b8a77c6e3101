/** One consumer's daemon: looked after before it starts, named, launched, followed, and cleaned up after. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeProperties } from '../config/properties-text.js';
import type { ResolvedConsumer } from '../config/resolved.js';
import type { JavaProcess } from '../daemon/java-process.js';
import { LeaseWatch } from '../daemon/lease-watch.js';
import type { Environment } from '../definition/definition.js';
import { toError } from '../errors.js';
import type { Clock, Logger } from '../ports.js';
import type { LiveSessions } from '../runtime/live-sessions.js';
import { childCommand, relayCommand } from './child-command.js';
import { ChildServers } from './child-servers.js';
import { takeLeave } from './take-leave.js';
import { DaemonSupervisor, type DaemonChange, type DaemonFacts, type SessionServers } from './daemon-supervisor.js';
import type { ErrandRunner } from './errand-process.js';
import type { Admission, Fleet } from './fleet.js';
import type { HostPool } from './host-pool.js';
import { openRemoteCoordination } from './remote-coordination.js';
import type { SlotLock } from './slot-lock.js';

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
  readonly errands: ErrandRunner;
  readonly launcher: DaemonLauncher;
  /** The id under which it runs; released when the daemon has ended. */
  readonly lock: SlotLock;
  readonly env: Environment;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The supervisor reads the tables with the credentials of the daemon. */
  readonly sameCredentials: boolean;
  readonly requestStop: (cause: Error) => void;
  readonly onChange: (change: DaemonChange, supervisor: DaemonSupervisor) => void;
}

export interface RunningDaemon {
  readonly workerId: string;
  readonly supervisor: DaemonSupervisor;
  readonly servers: DaemonServers;
}

/** Sessions of a daemon, with where they stand and what operators want of them. */
export type DaemonServers = SessionServers &
  Pick<LiveSessions, 'operate'> & { all(): ReturnType<HostPool['statusOf']> };

const ENDING: ReadonlySet<DaemonFacts['state']> = new Set(['stopping', 'leaving', 'ending']);

/** @throws MillraceError when Java cannot be started. */
export async function startDaemon(options: StartDaemonOptions): Promise<RunningDaemon> {
  const { consumer, fleet, logger, clock } = options;
  const { applicationName, settings } = consumer;
  const { lock } = options;
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
        open: () => openRemoteCoordination(options),
        sameCredentials: options.sameCredentials,
        onVerdict,
        clock,
        logger,
      }),
    launch: async () => {
      java = await launch();
      try {
        await fleet.protect(java.pid);
      } catch (error) {
        // Without a guard it could outlive us, and nobody but us knows of it yet.
        java.killSession();
        await java.exited;
        throw error;
      }
      return java;
    },
    reaped: async () => {
      if (java !== undefined) await fleet.unprotect(java.pid).catch(() => undefined);
      await takeLeave(options, lock.workerId);
    },
    onChange: (change) => {
      // Its leave is taken when Java is gone; what does it can start meanwhile.
      if (change.kind === 'state' && ENDING.has(supervisor.facts().state)) options.errands.warm('tables');
      options.onChange(change, supervisor);
    },
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

function serversOf({ consumer, fleet, clock }: StartDaemonOptions): Servers {
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
      operate: (recordId, wish) => pool.ask({ applicationName, recordId, wish }),
      all: () => pool.statusOf(applicationName),
    };
    return { servers, setSupervisor, admission: { admit: (relay) => known().admit(relay), admitChild: () => false } };
  }
  const children = new ChildServers({
    applicationName,
    listener: known,
    opened: (sessionId) => known().admitChild(sessionId),
    clock,
  });
  return {
    servers: children,
    setSupervisor,
    admission: { admit: () => false, admitChild: (peer) => children.admit(peer, known().javaPid) },
  };
}
