/** What `run` and `createWorker` take, and what a worker is. */
import type { DependencyContainer, Override } from './container/tsyringe.js';
import type { ConsumerOptions } from './definition/consumer-options.js';
import type { ConsumerClass, ConsumerDefinition, Environment } from './definition/definition.js';
import type { Meter } from './health/open-telemetry.js';
import type { ContainerPort, Logger, Observer } from './ports.js';
import type { WorkerHealth } from './runtime/worker-health.js';

/** A decorated class, or what defineConsumer made. */
export type Consumer = ConsumerClass | ConsumerDefinition;

/**
 * `daemon`: Amazon's MultiLangDaemon, which this process starts and supervises. `local`: this process reads every shard itself from the Kinesis API. `stdio`: this process is the child of one shard of
 * a MultiLangDaemon. `aws-kcl`: the same through Amazon's Node client.
 */
export type Engine = 'daemon' | 'local' | 'stdio' | 'aws-kcl';

export interface WorkerOptions {
  /** Default: the variable MILLRACE_ENGINE, and without it `daemon`. */
  readonly engine?: Engine;
  /** Registers services before the first session; what it registered is disposed after the last one. */
  readonly register?: (container: DependencyContainer) => void | Promise<void>;
  /** Replaces services by class or token. */
  readonly overrides?: readonly Override[];
  /** A tsyringe container of yours that is asked for what is not registered here; it keeps and disposes its own instances. */
  readonly parent?: DependencyContainer;
  /** Another container instead of tsyringe: Nest, awilix. Excludes `register`, `overrides` and `parent`. */
  readonly container?: ContainerPort;
  /** KCL properties and Millrace options, stronger than variables, file and decorator. For several consumers: by application name. */
  readonly properties?: ConsumerOptions | Readonly<Record<string, ConsumerOptions>>;
  /** A properties file of your own, weaker than variables and stronger than the decorator. */
  readonly propertiesFile?: string;
  /** Default: process.env. */
  readonly env?: Environment;
  /** Default: pino on stderr, at the level of MILLRACE_LOG_LEVEL (`info`). */
  readonly logger?: Logger;
  readonly observer?: Observer;
  /** A port for probes, health and metrics. Default: the variable MILLRACE_HEALTH_PORT; without it there is none. */
  readonly health?: HealthOptions | undefined;
  /** A Meter of OpenTelemetry that gets the metrics of this worker. */
  readonly meter?: Meter | undefined;
  /** The Java that runs the daemon. */
  readonly java?: JavaOptions | undefined;
  /** Where the local engine keeps its checkpoints; several consumers need a file each. Default: `.millrace/<applicationName>.checkpoints.json`. */
  readonly checkpointFile?: string | ((applicationName: string) => string);
  /** Lets the local engine run with NODE_ENV=production. Default: the variable MILLRACE_LOCAL_IN_PRODUCTION being `1`. */
  readonly localInProduction?: boolean;
}

export interface JavaOptions {
  /** An executable, or the folder of a JDK or JRE. Default: MILLRACE_JAVA, JAVA_HOME, `java` on the PATH. */
  readonly path?: string | undefined;
  /** More flags for Java; they win over ours. Default: the words of MILLRACE_JAVA_FLAGS. */
  readonly flags?: readonly string[] | undefined;
  /** `fast` starts quickly and never optimises, for development. Default: `server`. */
  readonly preset?: 'fast' | 'server' | undefined;
}

export interface HealthOptions {
  /** 0 takes a free port; the log says which. */
  readonly port: number;
  /** The address to listen on. Default: every interface, because probes and Prometheus come from outside of a container. */
  readonly host?: string | undefined;
}

export interface Worker {
  /** Resolves when the first sessions are being opened; rejects with the mistake that keeps the worker from running. Call it once. */
  start(): Promise<void>;
  /** Ends in order within the shutdown grace; safe to call at any time, any number of times. */
  stop(): Promise<WorkerOutcome>;
  /** Where every shard stands, now. */
  health(): WorkerHealth;
  /** Resolves when the worker has ended, for whatever reason; never rejects. */
  readonly closed: Promise<WorkerOutcome>;
}

export type WorkerOutcome =
  | { readonly kind: 'stopped' }
  /** A handler or the policy asked for the end (StopWorkerError, `then: 'stop'`), or a session went wrong beyond repair. */
  | { readonly kind: 'failed'; readonly error: Error };
