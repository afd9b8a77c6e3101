/** How `millrace dev --daemon` sets the daemon up: for one worker on one machine, where seconds count and load does not. */
import type { ResolvedConsumer } from '../../config/resolved.js';
import { dynamoEndpoint, kinesisEndpoint } from '../../daemon/aws-clients.js';
import type { ConsumerOptions } from '../../definition/consumer-options.js';
import type { Environment } from '../../definition/definition.js';
import { isOnThisMachine } from '../../config/this-machine.js';

const PRESET = {
  failoverTimeMillis: 2_000,
  leaseAssignmentIntervalMillis: 500,
  // The emulator answers slowly when it is asked more often.
  idleTimeBetweenReadsInMillis: 250,
  shardSyncIntervalMillis: 100,
  metricsLevel: 'NONE',
  disableWorkerMetrics: true,
} satisfies ConsumerOptions;

/** Always the same, so that the leases of the worker before are its own; nobody else is in tables that this command made. */
const WORKER_ID = 'millrace-dev';

/**
 * Weaker than whatever the user has said, wherever that stands: only what is ours or KCL's by default is replaced.
 *
 * @param ownTables - they are in the DynamoDB that this command starts.
 */
export function daemonPreset(
  { properties, options }: Pick<ResolvedConsumer, 'properties' | 'options'>,
  ownTables: boolean,
): ConsumerOptions {
  const said = new Set(
    [...properties, ...options]
      .filter(({ origin }) => origin !== 'millrace' && origin !== 'kcl')
      .map(({ name }) => name),
  );
  const wishes: ConsumerOptions = ownTables ? { ...PRESET, workerId: WORKER_ID } : PRESET;
  const preset = Object.fromEntries(Object.entries(wishes).filter(([name]) => !said.has(name)));
  // Not the user's to say here: the worker of `dev` serves every shard itself, or its events would go another way.
  return { ...preset, isolation: 'shared' };
}

const EMULATOR_CREDENTIALS = { AWS_ACCESS_KEY_ID: 'AKIALOCAL', AWS_SECRET_ACCESS_KEY: 'local' };

/**
 * The environment of the daemon and of what asks its services; handlers keep the one of the process. When everything is on
 * this machine, it has credentials that emulators take and AWS does not, so that nobody's real ones are needed or shown.
 * One endpoint elsewhere, and the environment is left as it is.
 */
export function daemonEnvironment(consumers: readonly ResolvedConsumer[], env: Environment): Environment {
  const endpoints = consumers.flatMap((consumer) => [kinesisEndpoint(consumer), dynamoEndpoint(consumer)]);
  if (endpoints.some((endpoint) => endpoint === undefined || !isOnThisMachine(endpoint))) return env;
  const { AWS_SESSION_TOKEN: _real, ...others } = env;
  return { ...others, ...EMULATOR_CREDENTIALS, AWS_REGION: env['AWS_REGION'] ?? 'us-east-1' };
}
