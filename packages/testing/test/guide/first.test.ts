import { records, testBed } from '@millrace/testing';
import { expect, test } from 'vitest';
import { OrderMailer } from './order-mailer.js';

test('a poison order is parked', async () => {
  await using bed = await testBed(OrderMailer);
  const [poison] = bed.shard().deliver(records.of({ orderId: 'o-1', customer: 'no address' }));
  await bed.idle();
  expect(bed.history.settled(poison.id)?.how).toBe('parked');
});
