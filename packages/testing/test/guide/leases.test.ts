import { override, records, testBed } from '@millrace/testing';
import '@millrace/testing/vitest';
import { expect, test } from 'vitest';
import { Mailer } from './mailer.js';
import { OrderMailer } from './order-mailer.js';

/** Sends one mail at a time, when the test lets it. */
class SlowMailer {
  readonly sent: string[] = [];
  letGo = (): void => undefined;

  async send(_to: string, orderId: string): Promise<void> {
    await new Promise<void>((resolve) => (this.letGo = resolve));
    this.sent.push(orderId);
  }
}

const order = (orderId: string) => records.of({ orderId, customer: 'jo@example.com' });

test('a lease that is stolen in the middle of a batch', async () => {
  const mailer = new SlowMailer();
  await using bed = await testBed(OrderMailer, { overrides: [override(Mailer).with(mailer)] });
  const shard = bed.shard();
  const [running, next] = shard.deliver(order('o-1'), order('o-2'));
  await bed.settle(); // the first mail is on its way

  shard.loseLease();
  mailer.letGo();
  await bed.settle(); // the second one, too: nobody has told this worker
  mailer.letGo();
  await bed.idle();

  expect(bed).toHaveHandled(running, next);
  expect(shard.stored).toBeUndefined(); // so the new owner sends both again: make effects idempotent
});

test('a process that is killed', async () => {
  const mailer = new SlowMailer();
  await using bed = await testBed(OrderMailer, { overrides: [override(Mailer).with(mailer)] });
  const [record] = bed.shard().deliver(order('o-1'));
  await bed.settle();

  await bed.shard().crash();
  mailer.letGo();
  await bed.idle();

  expect(bed).toHaveHandled(record);
  expect(bed).toHaveLostNothing();
});

test('a shard that ends', async () => {
  await using bed = await testBed(OrderMailer, { shards: ['A', 'B'] });

  bed.shard('A').end();
  await bed.idle();

  expect(bed.instance('A').shardsEnded).toBe(1);
  expect(bed.shard('A')).toHaveCheckpointed('SHARD_END');
});
