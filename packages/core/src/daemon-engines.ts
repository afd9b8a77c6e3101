/**
 * The consumers of a worker on Amazon's daemon, one daemon for each: this process supervises, and hosts of its own, this
 * very process, or a process for each shard serve the sessions.
 */
import type { Notice, ResolvedConsumer } from './config/resolved.js';
import type { ConsumerEngine, EngineGroup } from './consumer-engine.js';
import { ownProvider } from './daemon/daemon-credentials.js';
import type { PreflightReport } from './daemon/preflight.js';
import { prepareLaunch } from './daemon-launcher.js';
import type { Environment } from './definition/definition.js';
import { daemonChannel } from './diagnostics.js';
import { ConfigurationError, isMillraceError, MillraceError, toError } from './errors.js';
import type { RuntimePorts } from './ports.js';
import type { SessionSetup } from './runtime/live-sessions.js';
import { untilAborted } from './runtime/race.js';
import type { DaemonHealth } from './runtime/worker-health.js';
import { attachSelfTest } from './supervisor/attach-self-test.js';
import type { DaemonChange, DaemonSupervisor } from './supervisor/daemon-supervisor.js';
import { ErrandProcess, errandsHere, type ErrandRunner } from './supervisor/errand-process.js';
import { Fleet, type Hosting } from './supervisor/fleet.js';
import { describeConsumer } from './supervisor/remote-coordination.js';
import { startDaemon, type RunningDaemon, type StartDaemonOptions } from './supervisor/start-daemon.js';
import { takeIdentity } from './supervisor/take-identity.js';
import type { WorkerOptions, WorkerOutcome } from './worker-options.js';
import { refuseLongWindows } from './window-retention.js';

export interface DaemonEnginesRequest {
  readonly consumers: readonly ResolvedConsumer[];
  /** Given where this very process serves the sessions; by application name. */
  readonly setups: ReadonlyMap<string, SessionSetup> | undefined;
  readonly ports: RuntimePorts;
  readonly env: Environment;
  readonly options: WorkerOptions;
  /** Aborts when the worker is stopped while it starts. */
  readonly signal: AbortSignal;
  readonly requestStop: (cause: Error) => void;
  /** Hosts have told where their sessions stand. */
  readonly onStatus: () => void;
}

/** @throws MillraceError with what keeps the daemons from running, within seconds. */
export async function startDaemonEngines(request: DaemonEnginesRequest): Promise<EngineGroup> {
  const { ports, env, options } = request;
  const { clock, logger } = ports;
  const errands =
    request.setups === undefined ? new ErrandProcess({ env: process.env, clock, logger }) : errandsHere(clock);
  errands.warm('tables');
  const hosting = await chooseHosting(request);
  const fleet = await Fleet.open({ hosting, env: process.env, errands, clock, logger });
  const engines: ConsumerEngine[] = [];
  // Beside the rest, because telling a dead predecessor from a living twin takes time; what the preflight finds says more.
  const failed = new AbortController();
  const signal = AbortSignal.any([request.signal, failed.signal]);
  const locks = request.consumers.map((consumer) =>
    takeIdentity({ ...request, errands, consumer, clock, logger, signal }),
  );
  for (const lock of locks) lock.catch(() => undefined);
  try {
    const hosts = fleet.startHosts();
    hosts.catch(() => undefined);
    const looked = Promise.allSettled([
      prepareLaunch({ env, java: options.java ?? {}, logger, errands }),
      lookAll(request, { fleet, errands }),
    ]);
    const ready = looked.then(async ([prepared, found]) => {
      if (prepared.status === 'rejected' || found.status === 'rejected') throw severalErrors([prepared, found]);
      await hosts;
      return [prepared.value, found.value] as const;
    });
    const started = await untilAborted(ready, request.signal);
    if (started.kind === 'aborted') throw toError(request.signal.reason);
    const [prepare, reports] = started.value;
    for (const [index, consumer] of request.consumers.entries()) {
      const lock = await locks[index];
      if (lock === undefined) throw new RangeError('Each consumer has an identity.');
      const launcher = prepare({ consumer, shards: reports[index]?.shards });
      engines.push(await startEngine({ ...request, fleet, errands, consumer, index, launcher, lock }));
    }
  } catch (error) {
    failed.abort();
    for (const engine of engines) engine.stop(undefined);
    await Promise.all(engines.map(({ closed }) => closed));
    await fleet.close();
    for (const lock of await Promise.allSettled(locks)) if (lock.status === 'fulfilled') lock.value.release();
    errands.close();
    // Asked to end while it started: what the end has broken, as a host that was sent the same signal, is no failure.
    request.signal.throwIfAborted();
    throw error;
  }
  return {
    engines,
    hosts: () => fleet.pool?.facts() ?? [],
    settled: () => fleet.stopHosts(),
    close: async () => {
      errands.close();
      await fleet.close();
    },
  };
}

/** Whether hosts can take over the pipes of relays is found out before Java starts. */
async function chooseHosting({ consumers, setups, ports }: DaemonEnginesRequest): Promise<Hosting> {
  if (process.platform === 'win32') {
    throw new MillraceError(
      'ENGINE_UNAVAILABLE',
      "Amazon's daemon is run on Linux and macOS; on Windows use WSL, or MILLRACE_ENGINE=local for development.",
    );
  }
  const wishes = new Set(consumers.map(({ daemon }) => daemon.isolation));
  if (wishes.size > 1) {
    const message =
      'Some consumers of this program have isolation "process" and some "shared"; hosts are for all or for none. Give all the same.';
    throw new ConfigurationError([{ code: 'ILLEGAL_COMBINATION', message, path: ['isolation'] }]);
  }
  const perShard = wishes.has('process');
  if (perShard && setups === undefined) return { kind: 'perShard' };
  if (perShard) {
    throw new MillraceError(
      'ENGINE_UNAVAILABLE',
      'isolation "process" starts this program again for each shard, which createWorker cannot ask of the program around it. Use run(), or leave isolation out.',
    );
  }
  const test = await attachSelfTest();
  if (test.ok)
    return setups === undefined
      ? { kind: 'processes', count: hostCount(consumers) }
      : { kind: 'here', consumers: setups };
  if (setups !== undefined) {
    throw new MillraceError(
      'ENGINE_UNAVAILABLE',
      `This process cannot take over the pipes of the daemon's children (${test.why}). Use run(), which then gives each shard a process of its own.`,
    );
  }
  ports.logger.warn(
    { why: test.why },
    `Shards cannot share host processes here (${test.why}); each gets a process of its own.`,
  );
  return { kind: 'perShard' };
}

/** All that is wrong at once: what this machine lacks comes first. */
function severalErrors(settled: readonly PromiseSettledResult<unknown>[]): Error {
  const errors = settled.flatMap((one) => (one.status === 'rejected' ? [toError(one.reason)] : []));
  const [first = new Error('Nothing is wrong.'), ...others] = errors;
  if (others.length === 0 || !isMillraceError(first)) return first;
  const text = [first.message, ...others.map(({ message }) => `And: ${message}`)].join('\n');
  return new MillraceError(first.code, text, { cause: first.cause, details: { ...first.details, also: others } });
}

function hostCount(consumers: readonly ResolvedConsumer[]): number {
  return Math.max(...consumers.map(({ daemon }) => daemon.hosts));
}

async function lookAll(
  { consumers, env, ports, signal }: DaemonEnginesRequest,
  { fleet, errands }: { readonly fleet: Fleet; readonly errands: ErrandRunner },
): Promise<readonly PreflightReport[]> {
  const { logger } = ports;
  const reports = await Promise.all(
    consumers.map((consumer) =>
      errands.run({ kind: 'preflight', consumer: describeConsumer(consumer), env } as const, signal),
    ),
  );
  const say = ({ code, message }: Notice): void => logger.warn({ code }, message);
  for (const { notices } of reports) notices.forEach(say);
  for (const [index, consumer] of consumers.entries()) refuseLongWindows(consumer, reports[index]?.retentionMs);
  fleet.knowRetention(
    Object.fromEntries(consumers.map(({ applicationName }, index) => [applicationName, reports[index]?.retentionMs])),
  );
  return reports;
}

type EngineRequest = DaemonEnginesRequest &
  Pick<StartDaemonOptions, 'consumer' | 'index' | 'fleet' | 'errands' | 'launcher' | 'lock'>;

async function startEngine(request: EngineRequest): Promise<ConsumerEngine> {
  const { consumer, ports, requestStop } = request;
  const { applicationName } = consumer;
  const sameCredentials = ownProvider(consumer, 'dynamoDb') === undefined;
  const daemon: RunningDaemon = await startDaemon({
    ...request,
    clock: ports.clock,
    logger: ports.logger,
    sameCredentials,
    requestStop,
    onChange: (change, supervisor) => {
      if (change.kind === 'status') request.onStatus();
      else ports.logger.debug({ applicationName, ...change }, `The daemon is ${supervisor.facts().state}.`);
      if (daemonChannel.hasSubscribers)
        tellDaemon({ applicationName, workerId: request.lock.workerId, at: ports.clock.now() }, change, supervisor);
    },
  });
  const { supervisor, servers, workerId } = daemon;
  const closed = supervisor.closed.then((failure): WorkerOutcome => {
    if (failure === undefined) return { kind: 'stopped' };
    if (daemonChannel.hasSubscribers)
      daemonChannel.publish({ kind: 'gaveUp', at: ports.clock.now(), applicationName, error: failure });
    return { kind: 'failed', error: failure };
  });
  return {
    consumer,
    closed,
    stop: (cause) => supervisor.requestEnd(cause),
    sessions: { status: () => servers.all(), operate: (recordId, wish) => servers.operate(recordId, wish) },
    daemon: () => healthOf(supervisor, workerId),
  };
}

function healthOf(supervisor: DaemonSupervisor, workerId: string): DaemonHealth {
  const { state, restarts, since } = supervisor.facts();
  const common = { workerId, restarts, since };
  switch (state) {
    case 'new':
      return { ...common, state: 'checking', waitingFor: 'Java' };
    case 'starting':
      return { ...common, state: 'starting', waitingFor: 'its first lease' };
    case 'serving':
      return { ...common, state: 'serving', waitingFor: undefined };
    case 'stopping':
      return { ...common, state: 'stopping', waitingFor: 'the end of its sessions' };
    case 'leaving':
    case 'ending':
      return { ...common, state: 'restarting', waitingFor: 'the end of Java' };
    case 'waiting':
      return { ...common, state: 'restarting', waitingFor: 'the pause before its next start' };
    case 'ended':
      return { ...common, state: 'ended', waitingFor: undefined };
    default:
      return state satisfies never;
  }
}

/** What tools that listen on the diagnostics channel hear of a daemon. */
function tellDaemon(
  {
    applicationName,
    workerId,
    at,
  }: { readonly applicationName: string; readonly workerId: string; readonly at: number },
  change: DaemonChange,
  supervisor: DaemonSupervisor,
): void {
  const common = { at, applicationName };
  switch (change.kind) {
    case 'state': {
      const { state } = supervisor.facts();
      if (state === 'starting' || state === 'stopping') daemonChannel.publish({ ...common, kind: state });
      if (state === 'serving') daemonChannel.publish({ ...common, kind: state, workerId });
      return;
    }
    case 'exited': {
      const { exit, asked } = change;
      daemonChannel.publish({ ...common, kind: 'exited', code: exit.code ?? null, signal: exit.signal ?? null, asked });
      return;
    }
    case 'restarting':
      daemonChannel.publish({ ...common, ...change });
      return;
    case 'status':
      return;
    default:
      change satisfies never;
  }
}
