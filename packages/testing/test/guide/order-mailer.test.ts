// order-mailer.test.ts
import { override, records, testBed } from '@millrace/testing';
import '@millrace/testing/vitest';
import { expect, test } from 'vitest';
import { FakeMailer } from './fake-mailer.js';
import { Mailer } from './mailer.js';
import { OrderMailer } from './order-mailer.js';

const order = records.json<{ orderId: string; customer: string }>({ key: ({ customer }) => customer });

test('a poison order is parked, and the rest proceeds', async () => {
  const mailer = new FakeMailer();
  await using bed = await testBed(OrderMailer, { overrides: [override(Mailer).with(mailer)] });

  const [first, poison, last] = bed
    .shard()
    .deliver(
      order({ orderId: 'o-1', customer: 'jo@example.com' }),
      order({ orderId: 'o-2', customer: 'nobody@example.invalid' }),
      order({ orderId: 'o-3', customer: 'li@example.com' }),
    );
  await bed.idle();

  expect(bed).toHaveHandled(first, last);
  expect(bed).toHaveParked(poison, { reason: /nobody reads this address/, attempts: 1 });
  expect(bed).toHaveCheckpointed(last);
  expect(bed).toHaveLostNothing();
});
