import { override, records, testBed } from '@millrace/testing';
import '@millrace/testing/vitest';
import { expect, test } from 'vitest';
import { FakeMailer } from './fake-mailer.js';
import { Mailer } from './mailer.js';
import { OrderMailer } from './order-mailer.js';

test('a mail server that comes back in time costs nobody his mail', async () => {
  const mailer = new FakeMailer();
  mailer.failures = 2;
  await using bed = await testBed(OrderMailer, { overrides: [override(Mailer).with(mailer)], random: () => 0.5 });
  const [record] = bed.shard().deliver(records.of({ orderId: 'o-1', customer: 'jo@example.com' }));

  await bed.settle(); // the first attempt has failed
  await bed.advance(100); // half of 200 ms: the second one, too
  expect(bed).not.toHaveHandled(record);
  await bed.advance(200); // half of 400 ms

  expect(bed).toHaveHandled(record);
  expect(bed).toHaveRetried(record, 2);
});
