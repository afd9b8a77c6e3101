/** Coordination over the AWS SDK. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { ResolvedConsumer } from '../config/resolved.js';
import type { Environment } from '../definition/definition.js';
import { isMillraceError, toError } from '../errors.js';
import { openDynamo, type OpenedDynamo } from './aws-clients.js';
import { withDeadline } from './call-deadline.js';
import { coordinationError, unanswered } from './coordination-errors.js';
import type { Coordination, LeaseFacts } from './coordination.js';
import { leaseFactsOf } from './lease-facts.js';
import { leaderOf } from './provision-aws.js';
import type { LeaderRow } from './provision-ports.js';
import { planTables } from './provision-tables.js';

/** Of each call with its attempts; a scan has as many calls as pages. */
const CALL_WITHIN_MS = 5_000;
const LEADER_KEY = { key: { S: 'Leader' } };

/** Loads the SDK; nothing is called yet. @throws ConfigurationError with issue REGION_MISSING. */
export async function openCoordination(consumer: ResolvedConsumer, env: Environment): Promise<Coordination> {
  const [leases, coordinator, workers] = planTables(consumer);
  return new DynamoCoordination(await openDynamo(consumer, env), {
    leases: leases.name,
    coordinator: coordinator.name,
    workers: workers.name,
  });
}

interface TableNames {
  readonly leases: string;
  readonly coordinator: string;
  readonly workers: string;
}

interface Call<T> {
  readonly name: string;
  readonly table: string;
  /** The caller's. */
  readonly signal: AbortSignal | undefined;
  readonly send: (abortSignal: AbortSignal) => Promise<T>;
  readonly noTable: T;
}

class DynamoCoordination implements Coordination {
  constructor(
    private readonly dynamo: OpenedDynamo,
    private readonly tables: TableNames,
  ) {}

  async leases(signal?: AbortSignal): Promise<readonly LeaseFacts[]> {
    const found: LeaseFacts[] = [];
    let from: Record<string, AttributeValue> | undefined;
    do {
      const page = await this.page(from, signal);
      found.push(...page.leases);
      from = page.next;
    } while (from !== undefined);
    return found;
  }

  private page(from: Record<string, AttributeValue> | undefined, signal: AbortSignal | undefined) {
    const { sdk, client } = this.dynamo;
    const input = {
      TableName: this.tables.leases,
      ConsistentRead: true,
      ...(from === undefined ? {} : { ExclusiveStartKey: from }),
    };
    return this.call<LeasePage>({
      name: 'Scan',
      table: this.tables.leases,
      signal,
      send: async (abortSignal) => {
        const { Items = [], LastEvaluatedKey } = await client.send(new sdk.ScanCommand(input), { abortSignal });
        return { leases: Items.map(leaseFactsOf).filter((lease) => lease !== undefined), next: LastEvaluatedKey };
      },
      noTable: { leases: [], next: undefined },
    });
  }

  async lease(shardId: string, signal?: AbortSignal): Promise<LeaseFacts | undefined> {
    const item = await this.item(this.tables.leases, { key: { leaseKey: { S: shardId } }, signal });
    return item === undefined ? undefined : leaseFactsOf(item);
  }

  async leader(signal?: AbortSignal): Promise<LeaderRow | undefined> {
    const item = await this.item(this.tables.coordinator, { key: LEADER_KEY, signal });
    return item === undefined ? undefined : leaderOf(item);
  }

  deleteLeader(
    { owner, version }: { readonly owner: string; readonly version: string },
    signal?: AbortSignal,
  ): Promise<'deleted' | 'changed' | 'absent'> {
    const { sdk, client } = this.dynamo;
    const table = this.tables.coordinator;
    const command = new sdk.DeleteItemCommand({
      TableName: table,
      Key: LEADER_KEY,
      ConditionExpression: 'ownerName = :owner AND recordVersionNumber = :version',
      ExpressionAttributeValues: { ':owner': { S: owner }, ':version': { S: version } },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return this.call<'deleted' | 'changed' | 'absent'>({
      name: 'DeleteItem',
      table,
      signal,
      send: async (abortSignal) => {
        try {
          await client.send(command, { abortSignal });
          return 'deleted';
        } catch (error) {
          if (!(error instanceof sdk.ConditionalCheckFailedException)) throw error;
          // A row that is not there fails the condition too.
          return error.Item === undefined ? 'absent' : 'changed';
        }
      },
      noTable: 'absent',
    });
  }

  async lastSeenMs(workerId: string, signal?: AbortSignal): Promise<number | undefined> {
    const item = await this.item(this.tables.workers, { key: { wid: { S: workerId } }, signal });
    // As KCL writes it: "last update time", in seconds.
    const seconds = Number(item?.['lut']?.N);
    return Number.isFinite(seconds) ? seconds * 1_000 : undefined;
  }

  forgetWorker(workerId: string, signal?: AbortSignal): Promise<void> {
    const { sdk, client } = this.dynamo;
    const table = this.tables.workers;
    const command = new sdk.DeleteItemCommand({ TableName: table, Key: { wid: { S: workerId } } });
    return this.call<void>({
      name: 'DeleteItem',
      table,
      signal,
      send: async (abortSignal) => void (await client.send(command, { abortSignal })),
      noTable: undefined,
    });
  }

  close(): void {
    this.dynamo.client.destroy();
  }

  private item(
    table: string,
    { key, signal }: { readonly key: Record<string, AttributeValue>; readonly signal: AbortSignal | undefined },
  ): Promise<Record<string, AttributeValue> | undefined> {
    const { sdk, client } = this.dynamo;
    const command = new sdk.GetItemCommand({ TableName: table, Key: key, ConsistentRead: true });
    return this.call({
      name: 'GetItem',
      table,
      signal,
      send: async (abortSignal) => (await client.send(command, { abortSignal })).Item,
      noTable: undefined,
    });
  }

  private async call<T>({ name, table, signal, send, noTable }: Call<T>): Promise<T> {
    const made = { call: name, table, endpoint: this.dynamo.endpoint };
    try {
      const late = (): Error => unanswered(made, CALL_WITHIN_MS);
      return await withDeadline(send, { limitMs: CALL_WITHIN_MS, signal, late });
    } catch (error) {
      signal?.throwIfAborted();
      if (isMillraceError(error)) throw error;
      if (toError(error).name === 'ResourceNotFoundException') return noTable;
      throw coordinationError(error, made);
    }
  }
}

interface LeasePage {
  readonly leases: readonly LeaseFacts[];
  readonly next: Record<string, AttributeValue> | undefined;
}
