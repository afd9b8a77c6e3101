/** DynamoDB and Kinesis as provisioning needs them, over the AWS SDK. */
import type {
  AttributeValue,
  CreateTableCommandInput,
  DynamoDBClient,
  TableDescription,
  UpdateTableCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { Shard, ShardFilter } from '@aws-sdk/client-kinesis';
import type { ResolvedConsumer } from '../config/resolved.js';
import type { Environment } from '../definition/definition.js';
import { toError } from '../errors.js';
import { finalError } from '../local/kinesis-failure.js';
import { openDynamo, openKinesis } from './aws-clients.js';
import { tableError } from './provision-errors.js';
import type { LeaseRow, ListedShard } from './provision-leases.js';
import type { LeaderRow, TablesApi } from './provision-ports.js';

/** @throws ConfigurationError with issue REGION_MISSING, MillraceError CREDENTIALS_MISSING. */
export async function openTables(consumer: ResolvedConsumer, env: Environment): Promise<TablesApi> {
  const { sdk, client, endpoint } = await openDynamo(consumer, env);
  try {
    await client.config.credentials();
  } catch (error) {
    client.destroy();
    throw tableError(error, { call: 'DescribeTable', table: consumer.applicationName, endpoint });
  }
  return new DynamoTables(sdk, client, endpoint);
}

class DynamoTables implements TablesApi {
  constructor(
    private readonly sdk: typeof import('@aws-sdk/client-dynamodb'),
    private readonly client: DynamoDBClient,
    private readonly endpoint: string | undefined,
  ) {}

  describe(table: string): Promise<TableDescription | undefined> {
    return this.call('DescribeTable', table, {
      send: async () => (await this.client.send(new this.sdk.DescribeTableCommand({ TableName: table }))).Table,
      answers: { ResourceNotFoundException: undefined },
    });
  }

  create(input: CreateTableCommandInput): Promise<'created' | 'existed'> {
    return this.call<'created' | 'existed'>('CreateTable', input.TableName, {
      send: async () => {
        await this.client.send(new this.sdk.CreateTableCommand(input));
        return 'created';
      },
      answers: { ResourceInUseException: 'existed' },
    });
  }

  update(input: UpdateTableCommandInput): Promise<void> {
    return this.call('UpdateTable', input.TableName, {
      send: async () => {
        await this.client.send(new this.sdk.UpdateTableCommand(input));
      },
      answers: { ResourceInUseException: undefined },
    });
  }

  enableRecovery(table: string): Promise<'enabled' | 'notYet'> {
    const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
    return this.call<'enabled' | 'notYet'>('UpdateContinuousBackups', table, {
      send: async () => {
        await this.client.send(
          new this.sdk.UpdateContinuousBackupsCommand({ TableName: table, PointInTimeRecoverySpecification }),
        );
        return 'enabled';
      },
      answers: { ContinuousBackupsUnavailableException: 'notYet' },
    });
  }

  isEmpty(table: string): Promise<boolean> {
    return this.call('Scan', table, {
      send: async () => {
        const scan = new this.sdk.ScanCommand({ TableName: table, Limit: 1, ConsistentRead: true });
        const { Items = [] } = await this.client.send(scan);
        return Items.length === 0;
      },
    });
  }

  readLeader(table: string): Promise<LeaderRow | undefined> {
    return this.call('GetItem', table, {
      send: async () => {
        const Key = { key: { S: 'Leader' } };
        const get = new this.sdk.GetItemCommand({ TableName: table, Key, ConsistentRead: true });
        const { Item } = await this.client.send(get);
        return Item === undefined ? undefined : leaderOf(Item);
      },
    });
  }

  async writeLeases(table: string, rows: readonly LeaseRow[]): Promise<'written' | 'taken'> {
    const TransactItems = rows.map((row) => ({
      Put: { TableName: table, Item: { ...row }, ConditionExpression: 'attribute_not_exists(leaseKey)' },
    }));
    try {
      await this.client.send(new this.sdk.TransactWriteItemsCommand({ TransactItems }));
      return 'written';
    } catch (error) {
      if (error instanceof this.sdk.TransactionCanceledException && isTaken(error.CancellationReasons)) return 'taken';
      throw tableError(error, { call: 'TransactWriteItems', table, endpoint: this.endpoint });
    }
  }

  close(): void {
    this.client.destroy();
  }

  /** Words what goes wrong; some errors are answers. */
  private async call<T>(call: string, table = '', { send, answers = {} }: Call<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      const { name } = toError(error);
      if (Object.hasOwn(answers, name)) return answers[name] as T;
      throw tableError(error, { call, table, endpoint: this.endpoint });
    }
  }
}

interface Call<T> {
  readonly send: () => Promise<T>;
  /** By the name of the error. */
  readonly answers?: Readonly<Record<string, T>>;
}

/** Every page of ListShards. @throws STREAM_NOT_FOUND, and what else `finalError` knows; REGION_MISSING. */
export async function listShards(
  consumer: ResolvedConsumer,
  { filter, env }: { readonly filter: ShardFilter; readonly env: Environment },
): Promise<readonly ListedShard[]> {
  const { stream } = consumer;
  const { sdk, client, endpoint } = await openKinesis(consumer, env);
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

/** The row of the leader's lock, as KCL's lock client writes it. */
export function leaderOf(item: Readonly<Record<string, AttributeValue>>): LeaderRow {
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
