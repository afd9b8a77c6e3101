/** The health port and the metrics of a worker, as its options and variables ask for them. */
import { quote } from './config/issues.js';
import type { Environment } from './definition/definition.js';
import { ConfigurationError, isMillraceError } from './errors.js';
import type { HealthServer } from './health/health-server.js';
import type { HealthSource } from './health/metrics.js';
import type { Meter } from './health/open-telemetry.js';
import type { Logger } from './ports.js';
import type { Engine, HealthOptions, WorkerOptions } from './worker-options.js';

export interface OpenHealth {
  /** Safe to call twice. */
  close(): Promise<void>;
}

export interface HealthRequest {
  readonly options: Pick<WorkerOptions, 'health' | 'meter'>;
  readonly env: Environment;
  readonly engine: Engine;
  readonly source: HealthSource;
  readonly logger: Logger;
}

/** Undefined when neither a port nor a meter was given: then nothing is loaded, listened on or counted. */
export async function openHealth(request: HealthRequest): Promise<OpenHealth | undefined> {
  const { options, env, source } = request;
  const asked = healthOptions(options, env);
  if (asked === undefined && options.meter === undefined) return undefined;
  const server = asked === undefined ? undefined : await openPort(asked, request);
  const forget = options.meter === undefined ? undefined : await observe(options.meter, source);
  return {
    close: async () => {
      forget?.();
      await server?.close();
    },
  };
}

async function observe(meter: Meter, source: HealthSource): Promise<() => void> {
  const { observeHealth } = await import('./health/open-telemetry.js');
  return observeHealth(meter, source);
}

async function openPort(
  { port, host }: HealthOptions,
  { engine, source, logger }: HealthRequest,
): Promise<HealthServer | undefined> {
  try {
    // Loaded here, so that a process without a port has no HTTP server in its memory.
    const { startHealthServer } = await import('./health/health-server.js');
    const server = await startHealthServer({ port, host, logger, ...source });
    logger.info({ port: server.port, host }, `Health and metrics are on ${address(server.port, host)}.`);
    return server;
  } catch (error) {
    const oneOfMany = engine === 'stdio' || engine === 'aws-kcl';
    if (!oneOfMany || !isMillraceError(error, 'HEALTH_PORT_FAILED')) throw error;
    // One process a shard: all of them get the same variable and one can have the port. A shard is worth more than its port.
    logger.warn({ err: error }, `This shard is served without a health port. ${error.message}`);
    return undefined;
  }
}

function address(port: number, host: string | undefined): string {
  if (host === undefined) return `port ${port} of every interface`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
}

/** The option wins over the variable MILLRACE_HEALTH_PORT; an empty variable counts as not set. */
export function healthOptions({ health }: Pick<WorkerOptions, 'health'>, env: Environment): HealthOptions | undefined {
  if (health !== undefined) return { ...health, port: checkedPort(health.port, 'health.port') };
  const raw = env['MILLRACE_HEALTH_PORT'];
  if (raw === undefined || raw === '') return undefined;
  return { port: checkedPort(/^\d+$/.test(raw) ? Number(raw) : raw, 'MILLRACE_HEALTH_PORT') };
}

const PORT_MAX = 65_535;

function checkedPort(port: unknown, name: string): number {
  if (typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= PORT_MAX) return port;
  const message = `${name} is ${quote(port)}, which is no port. Give a whole number from 0 to ${PORT_MAX}; 0 takes a free one.`;
  throw new ConfigurationError([{ code: 'OUT_OF_RANGE', message, path: [name] }]);
}
