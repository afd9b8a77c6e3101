import {
  CheckpointPolicy,
  DeadLetter,
  file,
  KinesisConsumer,
  OnRecord,
  OnShardEnd,
  RetryPolicy,
  type RecordContext,
  type ShardContext,
} from '@millrace/core';
import { Mailer } from './mailer.js';
import { OrderPlaced } from './order-placed.js';

/** Confirms every order by mail. Each shard lease has an instance of its own; they share the mailer. */
@KinesisConsumer('orders', 'order-mailer', { initialPositionInStream: 'TRIM_HORIZON' })
@CheckpointPolicy({ everyMs: 1_000, everyRecords: 100 })
@RetryPolicy({ attempts: 5, then: 'deadLetter' })
@DeadLetter(file({ directory: './parked' }))
export class OrderMailer {
  #confirmed = 0;

  constructor(private readonly mailer: Mailer) {}

  /** Only orders that fit the DTO come here; what is no JSON, or no order, is parked without a second try. */
  @OnRecord({ schema: OrderPlaced })
  async placed(order: OrderPlaced, context: RecordContext): Promise<void> {
    const { id: recordId } = context.record;
    await this.mailer.send({ kind: 'confirmation', recordId, orderId: order.orderId, to: order.customer });
    this.#confirmed += 1;
  }

  /** The shard was split or merged, and all its records are settled. Its children start when this has succeeded. */
  @OnShardEnd()
  async ended({ shardId }: ShardContext): Promise<void> {
    await this.mailer.send({ kind: 'shardClosed', shardId, confirmed: this.#confirmed });
  }
}
