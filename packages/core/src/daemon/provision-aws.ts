/** DynamoDB and Kinesis over the AWS SDK, which is loaded only here. */
import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient, Shard, ShardFilter } from '@aws-sdk/client-kinesis';
import type { ResolvedConsumer } from '../config/resolved.js';
import type { Environment } from '../definition/definition.js';
import { ConfigurationError, toError } from '../errors.js';
import { clientConfig } from '../local/kinesis-api.js';
import { finalError } from '../local/kinesis-failure.js';
import { propertyOf } from './effective-property.js';
import { tableError, type TableCall } from './provision-errors.js';
import type { ListedShard } from './provision-leases.js';
import type { LeaderRow, TablesApi } from './provision-ports.js';

/** What is passing by itself is tried again, and a wrong endpoint is still said within seconds. */
const ATTEMPTS_MAX = 3;

/** A table that is being changed already: the next look shows what comes of it. */
const IN_CHANGE = { ResourceInUseException: undefined };

/** @throws ConfigurationError with issue REGION_MISSING, MillraceError CREDENTIALS_MISSING. */
export async function openTables(consumer: ResolvedConsumer, env: Environment): Promise<TablesApi> {
  const sdk = await import('@aws-sdk/client-dynamodb');
  const endpoint = dynamoEndpoint(consumer);
  const { requestHandler, ...found } = await clientConfig({
    endpoint,
    region: propertyOf(consumer, 'dynamoDbClient.region') ?? propertyOf(consumer, 'regionName'),
    env,
  });
  const client = new sdk.DynamoDBClient({
    ...(found as { readonly region?: string }),
    ...(requestHandler === undefined ? {} : { requestHandler }),
    maxAttempts: ATTEMPTS_MAX,
  });
  await requireAccess(client, { call: 'DescribeTable', table: consumer.applicationName, endpoint });
  /** Calls, and words what goes wrong; `expected` maps what is an answer and no failure. */
  const run = async <T>(call: TableCall, send: () => Promise<T>, expected: Readonly<Record<string, T>> = {}) => {
    try {
      return await send();
    } catch (error) {
      const { name } = toError(error);
      if (Object.hasOwn(expected, name)) return expected[name] as T;
      throw tableError(error, call);
    }
  };
  const at = (call: string, table: string): TableCall => ({ call, table, endpoint });
  return {
    describe: (table) =>
      run(
        at('DescribeTable', table),
        async () => (await client.send(new sdk.DescribeTableCommand({ TableName: table }))).Table,
        {
          ResourceNotFoundException: undefined,
        },
      ),
    create: (input) =>
      run<'created' | 'existed'>(
        at('CreateTable', input.TableName ?? ''),
        async () => {
          await client.send(new sdk.CreateTableCommand(input));
          return 'created';
        },
        { ResourceInUseException: 'existed' },
      ),
    update: (input) =>
      run(
        at('UpdateTable', input.TableName ?? ''),
        async () => {
          await client.send(new sdk.UpdateTableCommand(input));
        },
        IN_CHANGE,
      ),
    enableRecovery: (table) =>
      run<'enabled' | 'notYet'>(
        at('UpdateContinuousBackups', table),
        async () => {
          const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
          await client.send(
            new sdk.UpdateContinuousBackupsCommand({ TableName: table, PointInTimeRecoverySpecification }),
          );
          return 'enabled';
        },
        { ContinuousBackupsUnavailableException: 'notYet' },
      ),
    isEmpty: (table) =>
      run(at('Scan', table), async () => {
        const { Items } = await client.send(new sdk.ScanCommand({ TableName: table, Limit: 1, ConsistentRead: true }));
        return (Items ?? []).length === 0;
      }),
    readLeader: (table) =>
      run(at('GetItem', table), async () => {
        const Key = { key: { S: 'Leader' } };
        const { Item } = await client.send(new sdk.GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
        return Item === undefined ? undefined : leaderOf(Item);
      }),
    writeLeases: async (table, rows) => {
      const TransactItems = rows.map((row) => ({
        Put: { TableName: table, Item: { ...row }, ConditionExpression: 'attribute_not_exists(leaseKey)' },
      }));
      try {
        await client.send(new sdk.TransactWriteItemsCommand({ TransactItems }));
        return 'written';
      } catch (error) {
        if (error instanceof sdk.TransactionCanceledException && isTaken(error.CancellationReasons)) return 'taken';
        throw tableError(error, at('TransactWriteItems', table));
      }
    },
    close: () => client.destroy(),
  };
}

/** Every page of ListShards. @throws STREAM_NOT_FOUND, and what else `finalError` knows; REGION_MISSING. */
export async function listShards(
  consumer: ResolvedConsumer,
  { filter, env }: { readonly filter: ShardFilter; readonly env: Environment },
): Promise<readonly ListedShard[]> {
  const sdk = await import('@aws-sdk/client-kinesis');
  const { stream } = consumer;
  const endpoint = kinesisEndpoint(consumer);
  const region = propertyOf(consumer, 'kinesisClient.region') ?? propertyOf(consumer, 'regionName');
  const config = await clientConfig({ endpoint, region, env });
  const client = new sdk.KinesisClient({ ...config, maxAttempts: ATTEMPTS_MAX });
  await requireRegion(client);
  const shards: ListedShard[] = [];
  try {
    let nextToken: string | undefined;
    do {
      // KCL knows the stream by its name alone, whatever ARN it was given. The token names it already.
      const input = nextToken === undefined ? { StreamName: stream, ShardFilter: filter } : { NextToken: nextToken };
      const answer = await client.send(new sdk.ListShardsCommand(input));
      shards.push(...(answer.Shards ?? []).map(toListed));
      nextToken = answer.NextToken;
    } while (nextToken !== undefined);
    return shards;
  } catch (error) {
    throw finalError(error, { stream, endpoint, call: 'ListShards' });
  } finally {
    client.destroy();
  }
}

function toListed(shard: Shard): ListedShard {
  return {
    shardId: shard.ShardId ?? '',
    parentShardIds: [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined),
    closed: shard.SequenceNumberRange?.EndingSequenceNumber !== undefined,
    startingHashKey: shard.HashKeyRange?.StartingHashKey ?? '0',
    endingHashKey: shard.HashKeyRange?.EndingHashKey ?? '0',
  };
}

function dynamoEndpoint(consumer: ResolvedConsumer): string | undefined {
  return propertyOf(consumer, 'dynamoDBEndpoint') ?? propertyOf(consumer, 'dynamoDbClient.endpointOverride');
}

function kinesisEndpoint(consumer: ResolvedConsumer): string | undefined {
  return propertyOf(consumer, 'kinesisEndpoint') ?? propertyOf(consumer, 'kinesisClient.endpointOverride');
}

function leaderOf(item: Readonly<Record<string, AttributeValue>>): LeaderRow {
  return {
    owner: item['ownerName']?.S ?? '',
    version: item['recordVersionNumber']?.S ?? '',
    released: item['isReleased'] !== undefined,
  };
}

/** Cancelled because a lease is there, and for no other reason. */
function isTaken(reasons: readonly { readonly Code?: string | undefined }[] = []): boolean {
  const codes = reasons.map(({ Code }) => Code).filter((code) => code !== undefined && code !== 'None');
  return codes.length > 0 && codes.every((code) => code === 'ConditionalCheckFailed');
}

async function requireAccess(client: DynamoDBClient, call: TableCall): Promise<void> {
  await requireRegion(client);
  try {
    await client.config.credentials();
  } catch (error) {
    client.destroy();
    throw tableError(error, call);
  }
}

async function requireRegion(client: DynamoDBClient | KinesisClient): Promise<void> {
  try {
    await client.config.region();
  } catch {
    // The SDK's own text names no option of ours.
    client.destroy();
    const message = 'No AWS region is known: set regionName in @KinesisConsumer, or AWS_REGION in the environment.';
    throw new ConfigurationError([{ code: 'REGION_MISSING', message, path: ['regionName'] }]);
  }
}
