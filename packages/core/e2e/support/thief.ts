/** Somebody else at the lease table: takes leases away from a worker, and keeps them as a living worker does. */
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { World } from './world.js';

export const THIEF = 'somebody-else';

/** Well below failoverTimeMillis: nobody may think that the thief is dead. */
const RENEW_EVERY_MS = 500;
const HAND_OVER_MS = 60_000;

export class Thief {
  private readonly client: DynamoDBClient;
  private readonly renewals = new Map<string, ReturnType<typeof setInterval>>();

  constructor(private readonly world: World) {
    this.client = new DynamoDBClient({
      endpoint: world.dynamoFaults.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' },
    });
  }

  /** Another worker took it; when the row was written. */
  async steal(shardId: string): Promise<number> {
    await this.update(shardId, 'SET leaseOwner = :thief ADD leaseCounter :one');
    const at = Date.now();
    this.renew(shardId);
    return at;
  }

  /** KCL's hand-over: the next owner stands in the row, and waits for the last checkpoint of the one before, which goes on counting. */
  async askFor(shardId: string, from: string): Promise<number> {
    const values = { ':from': { S: from }, ':until': { N: String(Date.now() + HAND_OVER_MS) } };
    const expression =
      'SET leaseOwner = :thief, checkpointOwner = :from, checkpointOwnerTimeoutTimestampMillis = :until';
    await this.update(shardId, expression, values);
    return Date.now();
  }

  /** Nobody's from now on: the leader gives it to whoever lives. */
  async drop(shardId: string): Promise<void> {
    this.forget(shardId);
    await this.update(
      shardId,
      'REMOVE leaseOwner, checkpointOwner, checkpointOwnerTimeoutTimestampMillis ADD leaseCounter :one',
    );
  }

  close(): void {
    for (const shardId of [...this.renewals.keys()]) this.forget(shardId);
    this.client.destroy();
  }

  renew(shardId: string): void {
    const timer = setInterval(() => {
      // What has changed hands again is not renewed.
      void this.update(shardId, 'ADD leaseCounter :one', {}, 'leaseOwner = :thief').catch(() => undefined);
    }, RENEW_EVERY_MS);
    this.renewals.set(shardId, timer);
  }

  private forget(shardId: string): void {
    clearInterval(this.renewals.get(shardId));
    this.renewals.delete(shardId);
  }

  private async update(
    shardId: string,
    UpdateExpression: string,
    values: Readonly<Record<string, { S: string } | { N: string }>> = {},
    ConditionExpression?: string,
  ): Promise<void> {
    const known = { ...values, ':one': { N: '1' }, ':thief': { S: THIEF } };
    const text = `${UpdateExpression} ${ConditionExpression ?? ''}`;
    const used = Object.entries(known).filter(([name]) => text.includes(name));
    await this.client.send(
      new UpdateItemCommand({
        TableName: this.world.name,
        Key: { leaseKey: { S: shardId } },
        UpdateExpression,
        ExpressionAttributeValues: Object.fromEntries(used),
        ...(ConditionExpression === undefined ? {} : { ConditionExpression }),
      }),
    );
  }
}
