/** Another worker at the lease table: takes leases away, or asks for them, and keeps them as a living worker does. */
import type { DaemonPlace } from '@millrace/core/internal';

const OTHER = 'another-worker';
/** Well below failoverTimeMillis: nobody may think that it is dead. */
const RENEW_EVERY_MS = 500;
const HAND_OVER_MS = 60_000;

const TAKE = 'SET leaseOwner = :other';
/** KCL's hand-over: the next owner stands in the row and waits for the last checkpoint of the one before. */
const ASK = `${TAKE}, checkpointOwner = :from, checkpointOwnerTimeoutTimestampMillis = :until`;
const COUNT = 'ADD leaseCounter :one';

export class LeaseTable {
  readonly #place: DaemonPlace;
  readonly #renewals: NodeJS.Timeout[] = [];

  constructor(place: DaemonPlace) {
    this.#place = place;
  }

  /** At once. */
  async take(shardId: string): Promise<void> {
    await this.#update(shardId, { set: `${TAKE} ${COUNT}` });
    this.keep(shardId);
  }

  /** In order. The lease is to be kept once it is given; until then its row belongs to the present owner. */
  async askFor(shardId: string): Promise<void> {
    const owner = await this.#ownerOf(shardId);
    const values = { ':from': { S: owner }, ':until': { N: String(Date.now() + HAND_OVER_MS) } };
    await this.#update(shardId, { set: ASK, values });
  }

  keep(shardId: string): void {
    // What has changed hands again is not renewed.
    const renew = (): Promise<unknown> =>
      this.#update(shardId, { set: COUNT, onlyIf: 'leaseOwner = :other' }).catch(() => undefined);
    this.#renewals.push(setInterval(() => void renew(), RENEW_EVERY_MS).unref());
  }

  close(): void {
    for (const timer of this.#renewals) clearInterval(timer);
  }

  async #ownerOf(shardId: string): Promise<string> {
    const { dynamo, leaseTable } = this.#place;
    const { Item } = await dynamo.client.send(
      new dynamo.sdk.GetItemCommand({ TableName: leaseTable, Key: { leaseKey: { S: shardId } }, ConsistentRead: true }),
    );
    return Item?.['leaseOwner']?.S ?? '';
  }

  async #update(shardId: string, { set, values = {}, onlyIf }: Change): Promise<void> {
    const { dynamo, leaseTable } = this.#place;
    const known = { ...values, ':one': { N: '1' }, ':other': { S: OTHER } };
    const text = `${set} ${onlyIf ?? ''}`;
    await dynamo.client.send(
      new dynamo.sdk.UpdateItemCommand({
        TableName: leaseTable,
        Key: { leaseKey: { S: shardId } },
        UpdateExpression: set,
        ExpressionAttributeValues: Object.fromEntries(Object.entries(known).filter(([name]) => text.includes(name))),
        ...(onlyIf === undefined ? {} : { ConditionExpression: onlyIf }),
      }),
    );
  }
}

/** Of one row, in DynamoDB's expressions. */
interface Change {
  readonly set: string;
  readonly values?: Readonly<Record<string, { S: string } | { N: string }>>;
  readonly onlyIf?: string;
}
