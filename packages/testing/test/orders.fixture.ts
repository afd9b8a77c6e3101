/** A small consumer as a user would write it, and the service that its tests replace. */
import {
  DeadLetter,
  file,
  injectable,
  KinesisConsumer,
  NonRetryableError,
  OnRecord,
  OnShardEnd,
  RetryPolicy,
  singleton,
  type RecordContext,
} from '@millrace/core';
import { records } from '../src/record-builders.js';
import { IsNotEmpty, IsString } from 'class-validator';

export class OrderPlaced {
  @IsString()
  @IsNotEmpty()
  id!: string;

  @IsString()
  customer!: string;
}

@singleton()
export class Mailer {
  readonly sent: string[] = [];

  async send(orderId: string): Promise<void> {
    this.sent.push(orderId);
  }
}

/** Refuses what it is told to refuse, as often as it is told to. */
export class MoodyMailer extends Mailer {
  readonly attempts: string[] = [];
  refuses = new Map<string, number>();

  override async send(orderId: string): Promise<void> {
    this.attempts.push(orderId);
    const left = this.refuses.get(orderId) ?? 0;
    this.refuses.set(orderId, left - 1);
    if (left > 0) throw new Error(`${orderId} is refused`);
    this.sent.push(orderId);
  }
}

@KinesisConsumer('orders', 'order-mailer')
@RetryPolicy({ attempts: 3, initialDelayMs: 100, maxDelayMs: 1_000, then: 'deadLetter' })
@DeadLetter(file({ directory: './never-made' }))
@injectable()
export class OrderMailer {
  shardsEnded = 0;

  constructor(private readonly mailer: Mailer) {}

  @OnRecord({ schema: OrderPlaced })
  async placed(order: OrderPlaced, context: RecordContext): Promise<void> {
    if (order.id === 'never') throw new NonRetryableError('this order can never be handled');
    if (order.id.startsWith('slow')) await context.sleep(30_000);
    await this.mailer.send(order.id);
  }

  @OnShardEnd()
  ended(): void {
    this.shardsEnded += 1;
  }
}

export const order = records.json<{ readonly id: string; readonly customer?: string }>({
  key: ({ customer }) => customer ?? 'c-1',
});

/** An order that the DTO takes. */
export function placed(id: string, customer = 'c-1'): ReturnType<typeof order> {
  return order({ id, customer });
}

/** Holds a handler up until the test opens it. */
export function openableGate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
