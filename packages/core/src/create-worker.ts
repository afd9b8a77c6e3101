/** The composition root: consumers, configuration, container, sinks and engines become one worker. It takes no signals and never exits. */
import type { ResolvedConsumer } from './config/resolved.js';
import { startEngine, type ConsumerEngine } from './consumer-engine.js';
import { openContainer, type OpenContainer } from './open-container.js';
import type { ConsumerDefinition, Environment } from './definition/definition.js';
import { isMillraceError, MillraceError, toError } from './errors.js';
import { SessionTotals } from './health/session-totals.js';
import { openHealth, type OpenHealth } from './open-health.js';
import { closeSinks, openSinks, type OpenedSinks } from './open-sinks.js';
import type { RuntimePorts } from './ports.js';
import { compilePipeline } from './records/pipeline.js';
import type { ShardStatus } from './runtime/shard-status.js';
import type { WorkerHealth, WorkerPhase } from './runtime/worker-health.js';
import { stderrLogger, systemClock } from './process-ports.js';
import { readDefinitions, resolveConsumers } from './resolve-consumers.js';
import { SessionEvents } from './session-events.js';
import type { Consumer, Engine, Worker, WorkerOptions, WorkerOutcome } from './worker-options.js';

/**
 * Makes a worker that you start and stop yourself, inside a program that has its own signals and its own end.
 *
 * @throws DefinitionError with every mistake in the declarations.
 */
export function createWorker(consumers: readonly Consumer[], options: WorkerOptions = {}): Worker {
  return new MillraceWorker(readDefinitions(consumers), options);
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
  private readonly engines: ConsumerEngine[] = [];
  private readonly sinks: OpenedSinks[] = [];
  private container: OpenContainer | undefined;
  private openedHealth: OpenHealth | undefined;
  private phase: Phase = { kind: 'new' };
  private stopCause: Error | undefined;
  private stopping = false;
  private resolveClosed: (outcome: WorkerOutcome) => void = () => undefined;

  constructor(
    private readonly definitions: readonly ConsumerDefinition[],
    private readonly options: WorkerOptions,
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
    const consumers = this.engines.map(({ consumer, sessions }) => ({
      consumer: consumer.definition.name,
      applicationName: consumer.applicationName,
      stream: consumer.stream,
      daemon: undefined,
      shards: sessions.status(),
    }));
    const healthy = consumers.every(({ shards }) => shards.every(isHealthy));
    return { phase: this.publicPhase(), healthy, consumers, hosts: [] };
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
    if (this.openedHealth !== undefined) this.events.whenSessionEnds(() => source.totals.look(this.health()));
  }

  private async startEngines(): Promise<void> {
    const engine = chosenEngine(this.options, this.env);
    const resolved = await resolveConsumers(this.definitions, this.options, {
      env: this.env,
      engine: engine === 'local' ? 'local' : 'stdio',
    });
    if (engine !== 'local' && resolved.length > 1) {
      throw new MillraceError(
        'ENGINE_UNAVAILABLE',
        `The engine ${engine} serves one shard of one consumer; this program has ${resolved.length} consumers.`,
      );
    }
    for (const { notices } of resolved)
      for (const notice of notices) this.ports.logger.warn({ code: notice.code }, notice.message);
    await this.startHealth(engine);
    this.container = await openContainer(this.definitions, this.options);
    for (const consumer of resolved) {
      if (this.stopping)
        throw this.stopCause ?? new MillraceError('WORKER_STOPPED', 'The worker was stopped while it started.');
      this.engines.push(await this.startConsumer(consumer, engine, this.container));
    }
  }

  private async startConsumer(
    consumer: ResolvedConsumer,
    engine: Engine,
    container: OpenContainer,
  ): Promise<ConsumerEngine> {
    const { applicationName, stream, definition } = consumer;
    // Every session compiles its own; a missing package or a wrong discriminator is better said before the first.
    await compilePipeline(definition, consumer.settings);
    const sinks = await openSinks(definition, {
      applicationName,
      stream,
      engine: engine === 'local' ? 'local' : 'daemon',
      ports: this.ports,
    });
    this.sinks.push(sinks);
    const setup = {
      consumer,
      container: container.port,
      sinks,
      ports: this.ports,
      requestStop: (cause: Error) => this.endInOrder(cause),
    };
    return startEngine({ engine, setup, options: this.options, env: this.env });
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
    for (const sinks of this.sinks) await closeSinks(sinks, this.ports.logger);
    await this.container?.dispose(this.ports.logger);
    await this.openedHealth?.close();
    const asAsked = failure === undefined || isMillraceError(failure, 'WORKER_STOPPED');
    this.resolveClosed(asAsked ? { kind: 'stopped' } : { kind: 'failed', error: failure });
  }
}

function isHealthy({ held, checkpointError }: ShardStatus): boolean {
  return held === undefined && checkpointError === undefined;
}

const ENGINES: readonly Engine[] = ['local', 'stdio', 'aws-kcl'];

function chosenEngine(options: WorkerOptions, env: Environment): Engine {
  const chosen = options.engine ?? env['MILLRACE_ENGINE'];
  const known = ENGINES.find((engine) => engine === chosen);
  if (known !== undefined) return known;
  const said = chosen === undefined ? 'No engine was chosen' : `There is no engine "${chosen}"`;
  throw new MillraceError(
    'ENGINE_UNAVAILABLE',
    `${said}. Set MILLRACE_ENGINE (or the engine option) to "local" to read the stream in this process without Java, or to "stdio" or "aws-kcl" in a child of a MultiLangDaemon that you run. Starting the daemon itself is not part of this version.`,
    { details: { chosen } },
  );
}
