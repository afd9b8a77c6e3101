/** The composition root: consumers, configuration, container, sinks and engines become one worker. It takes no signals and never exits. */
import type { ResolvedConsumer } from './config/resolved.js';
import type { ConsumerEngine, EngineGroup } from './consumer-engine.js';
import type { ControlServer, ControlSource } from './control/control-server.js';
import type { OpenContainer } from './open-container.js';
import { checkpointPath } from './local/checkpoint-path.js';
import type { ConsumerDefinition, Environment } from './definition/definition.js';
import { isMillraceError, MillraceError, toError } from './errors.js';
import { SessionTotals } from './health/session-totals.js';
import { openControlSocket } from './open-control.js';
import { openHealth, type OpenHealth } from './open-health.js';
import { openFlights } from './open-flights.js';
import { closeSinks, openSinks, type OpenedSinks } from './open-sinks.js';
import { closeStores, openStores, type OpenedStores } from './open-stores.js';
import type { RuntimePorts } from './ports.js';
import { openCircuitBreaker } from './runtime/circuit-breaker.js';
import { Crew } from './runtime/crew.js';
import type { SessionSetup } from './runtime/live-sessions.js';
import { plainError } from './runtime/plain-event.js';
import type { ShardStatus } from './runtime/shard-status.js';
import type { WorkerHealth, WorkerPhase } from './runtime/worker-health.js';
import { stderrLogger, systemClock } from './process-ports.js';
import { readDefinitions, resolveConsumers } from './resolve-consumers.js';
import { SessionEvents } from './session-events.js';
import { startEngines } from './start-engines.js';
import { supervisorOf, type WorkerPart } from './worker-part.js';
import type { Consumer, Engine, Worker, WorkerOptions, WorkerOutcome } from './worker-options.js';

/**
 * Makes a worker that you start and stop yourself, inside a program that has its own signals and its own end.
 *
 * @throws DefinitionError with every mistake in the declarations.
 */
export function createWorker(consumers: readonly Consumer[], options: WorkerOptions = {}): Worker {
  return composeWorker(consumers, options, { kind: 'whole' });
}

/** The same for a process that plays a part of a worker. */
export function composeWorker(consumers: readonly Consumer[], options: WorkerOptions, part: WorkerPart): Worker {
  return new MillraceWorker(readDefinitions(consumers), options, part);
}

type Phase =
  | { readonly kind: 'new' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'running' }
  | { readonly kind: 'ended' };

class MillraceWorker implements Worker {
  readonly closed: Promise<WorkerOutcome>;
  private readonly env: Environment;
  private readonly ports: RuntimePorts;
  private readonly events: SessionEvents;
  private readonly stopped = new AbortController();
  private group: EngineGroup | undefined;
  private readonly sinks: OpenedSinks[] = [];
  private readonly stores: OpenedStores[] = [];
  private container: OpenContainer | undefined;
  private openedHealth: OpenHealth | undefined;
  private control: ControlServer | undefined;
  private countSessions: () => void = () => undefined;
  private phase: Phase = { kind: 'new' };
  private stopCause: Error | undefined;
  private stopping = false;
  private resolveClosed: (outcome: WorkerOutcome) => void = () => undefined;

  constructor(
    private readonly definitions: readonly ConsumerDefinition[],
    private readonly options: WorkerOptions,
    private readonly part: WorkerPart,
  ) {
    this.env = options.env ?? process.env;
    const events = new SessionEvents(options.observer);
    this.events = events;
    this.ports = {
      clock: systemClock,
      random: Math.random,
      logger: options.logger ?? stderrLogger(this.env),
      get observer() {
        return events.observer;
      },
    };
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve;
    });
  }

  async start(): Promise<void> {
    if (this.phase.kind !== 'new')
      throw new MillraceError('WORKER_STOPPED', 'A worker is started once; create another one to start again.');
    this.phase = { kind: 'starting' };
    try {
      await this.startEngines();
      this.phase = { kind: 'running' };
    } catch (error) {
      await this.endWith(toError(error));
      throw error;
    }
    void this.watch();
  }

  async stop(): Promise<WorkerOutcome> {
    this.endInOrder(undefined);
    if (this.phase.kind === 'new') await this.endWith(undefined);
    return this.closed;
  }

  health(): WorkerHealth {
    const consumers = this.engines.map(({ consumer, sessions, daemon }) => ({
      consumer: consumer.definition.name,
      applicationName: consumer.applicationName,
      stream: consumer.stream,
      daemon: daemon?.(),
      shards: sessions.status(),
    }));
    const healthy = consumers.every(({ shards }) => shards.every(isHealthy));
    return { phase: this.publicPhase(), healthy, consumers, hosts: this.group?.hosts() ?? [] };
  }

  private publicPhase(): WorkerPhase {
    switch (this.phase.kind) {
      case 'new':
      case 'starting':
        return this.stopping ? 'stopping' : 'starting';
      case 'running':
        return this.stopping ? 'stopping' : 'running';
      case 'ended':
        return 'ended';
      default:
        return this.phase satisfies never;
    }
  }

  /** Before the first session: a probe that comes while the worker starts is told so. */
  private async startHealth(engine: Engine): Promise<void> {
    const source = { read: () => this.health(), totals: new SessionTotals() };
    const { options, env } = this;
    this.openedHealth = await openHealth({ options, env, engine, source, logger: this.ports.logger });
    if (this.openedHealth === undefined) return;
    this.countSessions = () => void source.totals.look(this.health());
    this.events.whenSessionEnds(this.countSessions);
  }

  private get engines(): readonly ConsumerEngine[] {
    return this.group?.engines ?? [];
  }

  private async startEngines(): Promise<void> {
    const { part, env, options, ports } = this;
    const engine = engineOf(part, options, env);
    const resolved = await this.resolve(engine);
    for (const { notices } of part.kind === 'whole' || part.kind === 'supervisor' ? resolved : [])
      for (const notice of notices) ports.logger.warn({ code: notice.code }, notice.message);
    // The parts of one worker share its environment, and one of them has the port.
    if (part.kind === 'whole' || part.kind === 'supervisor') await this.startHealth(engine);
    const supervises = engine === 'daemon' && part.kind === 'supervisor';
    const setups = supervises ? undefined : await this.openSetups(resolved, engine);
    this.stopped.signal.throwIfAborted();
    const requestStop = (cause: Error): void => this.requestStop(cause);
    const { signal } = this.stopped;
    if (part.kind === 'host') this.events.whenSessionEnds(() => this.group?.tellStatus?.());
    this.group = await startEngines({
      engine,
      part,
      consumers: resolved,
      setups,
      ports,
      env,
      options,
      signal,
      requestStop,
      onStatus: () => this.countSessions(),
    });
    const [first] = resolved;
    if (first !== undefined && (part.kind === 'whole' || part.kind === 'supervisor'))
      this.control = await this.openControl(first.applicationName);
  }

  /** Operators may ask from now on. */
  private openControl(applicationName: string): Promise<ControlServer | undefined> {
    const source: ControlSource = {
      health: () => this.health(),
      operate: async (name, recordId, wish) =>
        this.engines.find(({ consumer }) => consumer.applicationName === name)?.sessions.operate(recordId, wish),
    };
    return openControlSocket({ source, applicationName, env: this.env, logger: this.ports.logger });
  }

  private async resolve(engine: Engine): Promise<readonly ResolvedConsumer[]> {
    const { part, env } = this;
    // In process mode the file is ours, whatever the child's engine is called.
    const target = part.kind === 'child' ? 'daemon' : engine === 'aws-kcl' ? 'stdio' : engine;
    const all = await resolveConsumers(this.definitions, this.options, { env, engine: target });
    const resolved =
      part.kind === 'child' ? all.filter(({ applicationName }) => applicationName === part.applicationName) : all;
    if (part.kind === 'child' && resolved.length === 0) {
      throw new MillraceError(
        'HOST_FAILED',
        `The daemon of "${part.applicationName}" has started this process, and the program has no consumer of this application here: its name depends on something that is different in the child of a daemon.`,
      );
    }
    if (target === 'stdio' && resolved.length > 1) {
      throw new MillraceError(
        'ENGINE_UNAVAILABLE',
        `The engine ${engine} serves one shard of one consumer; this program has ${resolved.length} consumers.`,
      );
    }
    return resolved;
  }

  /** Where handlers run: the services, the sinks, and what each session needs of them. */
  private async openSetups(
    resolved: readonly ResolvedConsumer[],
    engine: Engine,
  ): Promise<ReadonlyMap<string, SessionSetup>> {
    // A supervisor does none of this, and has none of it in its memory.
    const [{ openContainer }, { compilePipeline }] = await Promise.all([
      import('./open-container.js'),
      import('./records/pipeline.js'),
    ]);
    const container = await openContainer(this.definitions, this.options, this.ports.logger);
    this.container = container;
    const setups = new Map<string, SessionSetup>();
    const crew = new Crew();
    for (const consumer of resolved) {
      const { applicationName, stream, definition } = consumer;
      // Every session compiles its own; a missing package or a wrong discriminator is better said before the first.
      await compilePipeline(definition, consumer.settings);
      const place = engine === 'local' ? 'local' : 'daemon';
      const sinks = await openSinks(definition, { applicationName, stream, engine: place, ports: this.ports });
      this.sinks.push(sinks);
      const stores = await openStores(definition, {
        applicationName,
        stream,
        region: consumer.settings.regionName,
        ports: this.ports,
      });
      this.stores.push(stores);
      const requestStop = (cause: Error): void => this.requestStop(cause);
      setups.set(applicationName, {
        consumer,
        container: container.port,
        sinks,
        stores,
        ports: this.ports,
        breaker: openCircuitBreaker(definition, this.ports),
        flights: consumer.settings.suspectRecords
          ? openFlights({
              applicationName,
              engine,
              checkpointFile: checkpointPath(applicationName, this.options.checkpointFile),
              crew,
              logger: this.ports.logger,
            })
          : undefined,
        recorded: await this.openRecorder(consumer),
        requestStop,
        retentionMs: undefined,
      });
    }
    return setups;
  }

  private async openRecorder({ applicationName, settings }: ResolvedConsumer): Promise<SessionSetup['recorded']> {
    const { transcripts: folder, lineBytesMax } = settings;
    if (folder === undefined) return undefined;
    const { openTranscripts } = await import('./transcript/open-transcripts.js');
    const { clock, logger } = this.ports;
    return openTranscripts({ folder, applicationName, lineBytesMax, clock, logger });
  }

  /** A session wants the end of the worker: the supervisor ends all its parts, this one among them. */
  private requestStop(cause: Error): void {
    const supervisor = supervisorOf(this.part);
    if (supervisor === undefined) this.endInOrder(cause);
    else supervisor.tell({ kind: 'stop', error: plainError(cause) });
  }

  /** Any consumer's end is the worker's end. */
  private async watch(): Promise<void> {
    if (this.stopping) for (const engine of this.engines) engine.stop(this.stopCause);
    const first = await Promise.race(this.engines.map((engine) => engine.closed));
    if (first.kind === 'failed') this.stopCause ??= first.error;
    this.endInOrder(undefined);
    const outcomes = await Promise.all(this.engines.map((engine) => engine.closed));
    const failure =
      this.stopCause ?? outcomes.flatMap((outcome) => (outcome.kind === 'failed' ? [outcome.error] : []))[0];
    await this.endWith(failure);
  }

  private endInOrder(cause: Error | undefined): void {
    this.stopCause ??= cause;
    if (this.stopping) return;
    this.stopping = true;
    this.stopped.abort(cause ?? new MillraceError('WORKER_STOPPED', 'The worker was stopped while it started.'));
    if (cause !== undefined) this.ports.logger.error({ err: cause }, 'The worker stops.');
    for (const engine of this.engines) engine.stop(cause);
  }

  private async endWith(failure: Error | undefined): Promise<void> {
    if (this.phase.kind === 'ended') return;
    this.phase = { kind: 'ended' };
    if (failure !== undefined) {
      // A start that failed half-way: what runs already ends in order.
      for (const engine of this.engines) engine.stop(failure);
      await Promise.all(this.engines.map((engine) => engine.closed));
    }
    await this.control?.close();
    await this.group?.settled();
    for (const sinks of this.sinks) await closeSinks(sinks, this.ports.logger);
    for (const stores of this.stores) await closeStores(stores, this.ports.logger);
    await this.container?.dispose(this.ports.logger);
    // Last: a supervisor takes a closed link for the end of this process.
    await this.group?.close();
    await this.openedHealth?.close();
    const asAsked = failure === undefined || isMillraceError(failure, 'WORKER_STOPPED');
    this.resolveClosed(asAsked ? { kind: 'stopped' } : { kind: 'failed', error: failure });
  }
}

function isHealthy({ held, checkpointError }: ShardStatus): boolean {
  return held === undefined && checkpointError === undefined;
}

/** The parts of a worker on the daemon do what their supervisor has started them for, whatever the program asks for. */
function engineOf(part: WorkerPart, options: WorkerOptions, env: Environment): Engine {
  if (part.kind === 'child') return 'stdio';
  return part.kind === 'host' ? 'daemon' : chosenEngine(options, env);
}

const ENGINES: readonly Engine[] = ['daemon', 'local', 'stdio', 'aws-kcl'];

function chosenEngine(options: WorkerOptions, env: Environment): Engine {
  const chosen = options.engine ?? (env['MILLRACE_ENGINE'] || 'daemon');
  const known = ENGINES.find((engine) => engine === chosen);
  if (known !== undefined) return known;
  throw new MillraceError(
    'ENGINE_UNAVAILABLE',
    `There is no engine "${chosen}". Set MILLRACE_ENGINE (or the engine option) to "daemon" to run Amazon's daemon, to "local" to read the stream in this process without Java, or to "stdio" or "aws-kcl" in a child of a MultiLangDaemon that you run.`,
    { details: { chosen } },
  );
}
