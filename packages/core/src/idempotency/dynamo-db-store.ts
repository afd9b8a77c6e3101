/**
 * Handled keys in a DynamoDB table, for all workers. A row is `id` (the key), `owner`, `status`, `lockedUntilMs` and
 * `expiration`, in seconds, which DynamoDB's time to live deletes by. DynamoDB is late with that, so what has expired counts
 * as gone here, too. Every call is one conditional write, so no two owners can have a key at once.
 */
import { createHash } from 'node:crypto';
import type { AttributeValue, DynamoDBClient, PutItemCommandInput } from '@aws-sdk/client-dynamodb';
import type { IdempotencyStoreContext, IdempotencyStoreDescription } from '../definition/middleware.js';
import { MillraceError } from '../errors.js';
import type { IdempotencyAnswer, IdempotencyClaim, IdempotencyStore } from '../ports.js';

export interface DynamoDbStoreOptions {
  /** Its partition key is `id`, a string, and it has no sort key; time to live is on for `expiration`. */
  readonly tableName: string;
  /** @defaultValue the consumer's `regionName`, else what the AWS SDK finds: AWS_REGION, the profile */
  readonly region?: string;
  /** For DynamoDB Local. @defaultValue AWS */
  readonly endpoint?: string;
}

/** Of one call, with the SDK's own repetitions inside; the store is given up on a little later. */
const CONNECT_MS = 1_000;
const REQUEST_MS = 2_000;
const ATTEMPTS_MAX = 4;
/** Longer than that DynamoDB takes no partition key. */
const KEY_BYTES_MAX = 2_048;

/** An idempotency store in DynamoDB. Nothing is loaded or called before the worker starts. */
export function dynamoDbStore(options: DynamoDbStoreOptions): IdempotencyStoreDescription {
  return {
    store: 'millrace.idempotencyStore',
    label: `DynamoDB table ${options.tableName}`,
    open: (context) => openStore(options, context),
  };
}

/** Finds out at start, not at the first record, whether the table is there. */
async function openStore(
  { tableName, endpoint, ...options }: DynamoDbStoreOptions,
  context: IdempotencyStoreContext,
): Promise<IdempotencyStore> {
  const sdk = await import('@aws-sdk/client-dynamodb');
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  const region = options.region ?? context.region;
  const client = new sdk.DynamoDBClient({
    requestHandler: new NodeHttpHandler({ connectionTimeout: CONNECT_MS, requestTimeout: REQUEST_MS }),
    maxAttempts: ATTEMPTS_MAX,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  try {
    await checkTable(client, { sdk, tableName, ports: context.ports });
  } catch (error) {
    client.destroy();
    throw error;
  }
  return new DynamoDbStore(sdk, client, tableName);
}

type Sdk = typeof import('@aws-sdk/client-dynamodb');

async function checkTable(
  client: DynamoDBClient,
  { sdk, tableName, ports }: { sdk: Sdk; tableName: string; ports: IdempotencyStoreContext['ports'] },
): Promise<void> {
  let keys: readonly (string | undefined)[];
  try {
    const { Table } = await client.send(new sdk.DescribeTableCommand({ TableName: tableName }));
    keys = Table?.KeySchema?.map(({ AttributeName, KeyType }) => `${AttributeName} (${KeyType})`) ?? [];
  } catch (error) {
    if (error instanceof sdk.ResourceNotFoundException) {
      const message = `Table "${tableName}" does not exist. Create it with a partition key "id", a string, and time to live on "expiration".`;
      throw new MillraceError('IDEMPOTENCY_FAILED', message, { cause: error });
    }
    if (!(error instanceof Error) || error.name !== 'AccessDeniedException') throw error;
    // The writes need no such right, and may be allowed.
    ports.logger.debug({ tableName, err: error }, 'The table of the idempotency store cannot be looked at.');
    return;
  }
  if (keys.length === 1 && keys[0] === 'id (HASH)') return;
  const message = `Table "${tableName}" is no table for idempotency keys: its key is ${keys.join(', ')}, not id (HASH).`;
  throw new MillraceError('TABLE_WRONG', message, { details: { tableName, keys } });
}

const IN_PROGRESS = 'IN_PROGRESS';
const COMPLETED = 'COMPLETED';
const TAKE =
  'attribute_not_exists(id) OR expiration <= :now OR (#status = :inProgress AND (lockedUntilMs <= :nowMs OR #owner = :owner))';

class DynamoDbStore implements IdempotencyStore {
  readonly #sdk: Sdk;
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(sdk: Sdk, client: DynamoDBClient, table: string) {
    this.#sdk = sdk;
    this.#client = client;
    this.#table = table;
  }

  async acquire(claim: IdempotencyClaim): Promise<IdempotencyAnswer> {
    const { nowMs, lockedUntilMs, expiresAtMs } = claim;
    const taken = await this.#put(claim, {
      status: IN_PROGRESS,
      untilMs: Math.max(lockedUntilMs, expiresAtMs),
      condition: TAKE,
      names: { '#status': 'status' },
      values: {
        ':now': { N: String(Math.floor(nowMs / 1000)) },
        ':nowMs': { N: String(nowMs) },
        ':inProgress': { S: IN_PROGRESS },
      },
    });
    if (taken === undefined) return { kind: 'acquired' };
    if (taken['status']?.S === COMPLETED) return { kind: 'completed' };
    // A row that is gone meanwhile is nothing to wait for.
    return { kind: 'inProgress', lockedUntilMs: Number(taken['lockedUntilMs']?.N ?? nowMs) };
  }

  async complete(claim: IdempotencyClaim): Promise<boolean> {
    // A row that time to live has deleted is nobody else's.
    const condition = 'attribute_not_exists(id) OR #owner = :owner';
    const completed: Write = { status: COMPLETED, untilMs: claim.expiresAtMs, condition, names: {}, values: {} };
    return (await this.#put(claim, completed)) === undefined;
  }

  async release({ key, owner }: IdempotencyClaim): Promise<void> {
    const input = {
      TableName: this.#table,
      Key: { id: { S: idOf(key) } },
      ConditionExpression: '#owner = :owner',
      ExpressionAttributeNames: { '#owner': 'owner' },
      ExpressionAttributeValues: { ':owner': { S: owner } },
    };
    try {
      await this.#client.send(new this.#sdk.DeleteItemCommand(input));
    } catch (error) {
      if (!(error instanceof this.#sdk.ConditionalCheckFailedException)) throw error;
    }
  }

  close(): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }

  /** The row that is in the way, or undefined when this one was written. */
  async #put({ key, owner, lockedUntilMs }: IdempotencyClaim, write: Write): Promise<Row | undefined> {
    const { status, untilMs, condition, names, values } = write;
    const input: PutItemCommandInput = {
      TableName: this.#table,
      Item: {
        id: { S: idOf(key) },
        owner: { S: owner },
        status: { S: status },
        lockedUntilMs: { N: String(lockedUntilMs) },
        expiration: { N: String(Math.ceil(untilMs / 1000)) },
      },
      ConditionExpression: condition,
      ExpressionAttributeNames: { '#owner': 'owner', ...names },
      ExpressionAttributeValues: { ':owner': { S: owner }, ...values },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    };
    try {
      await this.#client.send(new this.#sdk.PutItemCommand(input));
      return undefined;
    } catch (error) {
      if (!(error instanceof this.#sdk.ConditionalCheckFailedException)) throw error;
      return error.Item ?? {};
    }
  }
}

type Row = Readonly<Record<string, AttributeValue>>;

interface Write {
  readonly status: typeof IN_PROGRESS | typeof COMPLETED;
  /** When time to live may delete the row. */
  readonly untilMs: number;
  readonly condition: string;
  readonly names: Readonly<Record<string, string>>;
  readonly values: Row;
}

/** A key as it is, to be found by people; one that is too long by its digest. */
function idOf(key: string): string {
  return Buffer.byteLength(key) <= KEY_BYTES_MAX ? key : `sha256:${createHash('sha256').update(key).digest('hex')}`;
}
