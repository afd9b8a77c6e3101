/** The AWS clients of what runs beside the daemon: its endpoints and regions, a few attempts, and nothing loaded before it is asked for. */
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { ResolvedConsumer } from '../config/resolved.js';
import type { Environment } from '../definition/definition.js';
import { ConfigurationError } from '../errors.js';
import { clientConfig } from '../local/kinesis-api.js';
import { propertyOf } from './effective-property.js';

/** What is passing by itself is tried again, and a wrong endpoint is still said within seconds. */
const ATTEMPTS_MAX = 3;

export interface OpenedDynamo {
  readonly sdk: typeof import('@aws-sdk/client-dynamodb');
  readonly client: DynamoDBClient;
  /** Undefined: AWS itself. */
  readonly endpoint: string | undefined;
}

export interface OpenedKinesis {
  readonly sdk: typeof import('@aws-sdk/client-kinesis');
  readonly client: KinesisClient;
  readonly endpoint: string | undefined;
}

/** Nothing is called yet. @throws ConfigurationError with issue REGION_MISSING. */
export async function openDynamo(consumer: ResolvedConsumer, env: Environment): Promise<OpenedDynamo> {
  const sdk = await import('@aws-sdk/client-dynamodb');
  const endpoint = dynamoEndpoint(consumer);
  const region = propertyOf(consumer, 'dynamoDbClient.region') ?? propertyOf(consumer, 'regionName');
  const { requestHandler, ...found } = await clientConfig({ endpoint, region, env });
  const client = new sdk.DynamoDBClient({
    // The two clients' options are the same but for the types of their extensions, which we do not use.
    ...(found as DynamoDBClientConfig),
    ...(requestHandler === undefined ? {} : { requestHandler }),
    maxAttempts: ATTEMPTS_MAX,
  });
  await requireRegion(client);
  return { sdk, client, endpoint };
}

/** Nothing is called yet. @throws ConfigurationError with issue REGION_MISSING. */
export async function openKinesis(consumer: ResolvedConsumer, env: Environment): Promise<OpenedKinesis> {
  const sdk = await import('@aws-sdk/client-kinesis');
  const endpoint = kinesisEndpoint(consumer);
  const region = propertyOf(consumer, 'kinesisClient.region') ?? propertyOf(consumer, 'regionName');
  const client = new sdk.KinesisClient({
    ...(await clientConfig({ endpoint, region, env })),
    maxAttempts: ATTEMPTS_MAX,
  });
  await requireRegion(client);
  return { sdk, client, endpoint };
}

export function dynamoEndpoint(consumer: ResolvedConsumer): string | undefined {
  return propertyOf(consumer, 'dynamoDBEndpoint') ?? propertyOf(consumer, 'dynamoDbClient.endpointOverride');
}

export function kinesisEndpoint(consumer: ResolvedConsumer): string | undefined {
  return propertyOf(consumer, 'kinesisEndpoint') ?? propertyOf(consumer, 'kinesisClient.endpointOverride');
}

async function requireRegion(client: DynamoDBClient | KinesisClient): Promise<void> {
  // Rejects where there is none, with a text that names no option of ours; empty where a variable is.
  const region = await client.config.region().catch(() => '');
  if (region === '') {
    client.destroy();
    const message = 'No AWS region is known: set regionName in @KinesisConsumer, or AWS_REGION in the environment.';
    throw new ConfigurationError([{ code: 'REGION_MISSING', message, path: ['regionName'] }]);
  }
}
