/** The stream of a scenario: records go into the shard that they are meant for. */
import type { DaemonPlace } from '@millrace/core/internal';
import { aggregate, deaggregate } from '@millrace/core/internal';
import { realMs, shortWait } from './real-time.js';
import type { TestRecord } from './record-builders.js';
import { recordIdOf } from './history-names.js';
import type { PlacedRecord } from './runtime-stage.js';

/** The emulator takes milliseconds. */
const SPLIT_WITHIN_MS = 20_000;

export interface StreamShard {
  readonly shardId: string;
  /** The first of its range. */
  readonly hashKey: string;
  /** The last of its range. */
  readonly lastHashKey: string;
}

export class DaemonStream {
  readonly #place: DaemonPlace;

  constructor(place: DaemonPlace) {
    this.#place = place;
  }

  /** Those of the beginning, in order of their ranges. */
  async shards(): Promise<readonly StreamShard[]> {
    return this.#list(() => true);
  }

  /** In one call, as one batch. */
  async put({ shardId, hashKey }: StreamShard, batch: readonly TestRecord[]): Promise<readonly PlacedRecord[]> {
    if (batch.length === 0) return [];
    const { client, sdk } = this.#place.kinesis;
    const entries = batch.map((record) => storedAs(record, hashKey));
    const { Records = [] } = await client.send(
      new sdk.PutRecordsCommand({
        StreamName: this.#place.consumer.stream,
        Records: entries.map(({ partitionKey, data }) => ({
          PartitionKey: partitionKey,
          Data: data,
          ExplicitHashKey: hashKey,
        })),
      }),
    );
    return entries.flatMap((entry, index) => {
      const { SequenceNumber: sequenceNumber = '', ErrorMessage } = Records[index] ?? {};
      if (sequenceNumber === '') throw new Error(`The record was not put: ${ErrorMessage ?? 'no reason was given'}`);
      return deaggregate({ ...entry, sequenceNumber, approximateArrivalTimestamp: 0 }).records.map((record) => {
        const { subSequenceNumber } = record;
        return { id: recordIdOf(shardId, record), sequenceNumber, subSequenceNumber };
      });
    });
  }

  /** In the middle. @returns its children */
  async split({ shardId, hashKey, lastHashKey }: StreamShard): Promise<readonly StreamShard[]> {
    const { client, sdk } = this.#place.kinesis;
    const NewStartingHashKey = String((BigInt(hashKey) + BigInt(lastHashKey)) / 2n + 1n);
    const ShardToSplit = shardId;
    await client.send(
      new sdk.SplitShardCommand({ StreamName: this.#place.consumer.stream, ShardToSplit, NewStartingHashKey }),
    );
    const deadlineMs = realMs() + SPLIT_WITHIN_MS;
    for (;;) {
      const children = await this.#list((parent) => parent === shardId);
      if (children.length === 2) return children;
      if (realMs() > deadlineMs) throw new Error(`The shard ${shardId} was not split within ${SPLIT_WITHIN_MS} ms.`);
      await shortWait();
    }
  }

  async #list(isWanted: (parent: string | undefined) => boolean): Promise<readonly StreamShard[]> {
    const { client, sdk } = this.#place.kinesis;
    const { Shards = [] } = await client.send(new sdk.ListShardsCommand({ StreamName: this.#place.consumer.stream }));
    return Shards.filter(({ ParentShardId }) => isWanted(ParentShardId))
      .map(({ ShardId: shardId = '', HashKeyRange: range }) => ({
        shardId,
        hashKey: range?.StartingHashKey ?? '0',
        lastHashKey: range?.EndingHashKey ?? '0',
      }))
      .toSorted((one, other) => (BigInt(one.hashKey) < BigInt(other.hashKey) ? -1 : 1));
  }
}

/** User records of an aggregate say their shard as well: KCL drops those whose key belongs into another one. */
function storedAs(
  record: TestRecord,
  explicitHashKey: string,
): { readonly partitionKey: string; readonly data: Uint8Array } {
  switch (record.kind) {
    case 'single':
      return record;
    case 'kpl':
      return {
        partitionKey: record.records[0]?.partitionKey ?? 'none',
        data: aggregate(record.records.map((part) => ({ ...part, explicitHashKey }))),
      };
    default:
      return record satisfies never;
  }
}
