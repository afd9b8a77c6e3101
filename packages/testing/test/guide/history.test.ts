import { records, testBed } from '@millrace/testing';
import { expect, test } from 'vitest';
import { OrderMailer } from './order-mailer.js';

test('throttled checkpoints back off', async () => {
  await using bed = await testBed(OrderMailer);
  bed.checkpoints.fail('ThrottlingException', { times: 3 });
  bed.shard().deliver(records.of({ orderId: 'o-1', customer: 'nobody@example.invalid' }));
  await bed.idle();

  const requested = bed.history.events('checkpointRequested').map(({ at }) => at);
  expect(requested.slice(1).map((at, index) => at - (requested[index] ?? 0))).toEqual([249, 499, 999]);
  expect(bed.sink.parked).toMatchObject([{ handler: 'placed', attempts: 1 }]);
  expect(bed.log.lines.map(({ message }) => message)).toContain('A checkpoint was not written.');
});
