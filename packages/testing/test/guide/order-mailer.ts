// order-mailer.ts
import {
  DeadLetter,
  file,
  KinesisConsumer,
  NonRetryableError,
  OnRecord,
  OnShardEnd,
  RetryPolicy,
  type RecordContext,
} from '@millrace/core';
import { z } from 'zod';
import { Mailer } from './mailer.js';

const OrderPlaced = z.object({ orderId: z.string(), customer: z.email() });
type OrderPlaced = z.infer<typeof OrderPlaced>;

@KinesisConsumer('orders', 'order-mailer')
@RetryPolicy({ attempts: 3, then: 'deadLetter' })
@DeadLetter(file({ directory: './parked' }))
export class OrderMailer {
  shardsEnded = 0;

  constructor(private readonly mailer: Mailer) {}

  @OnRecord({ schema: OrderPlaced })
  async placed(order: OrderPlaced, context: RecordContext): Promise<void> {
    if (order.customer.endsWith('.invalid')) throw new NonRetryableError('nobody reads this address');
    await this.mailer.send(order.customer, order.orderId);
    context.log.info({ orderId: order.orderId }, 'confirmed');
  }

  @OnShardEnd()
  ended(): void {
    this.shardsEnded += 1;
  }
}
