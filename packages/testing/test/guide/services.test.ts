import { override, testBed } from '@millrace/testing';
import { expect, test } from 'vitest';
import { FakeMailer } from './fake-mailer.js';
import { Mailer } from './mailer.js';
import { OrderMailer } from './order-mailer.js';

test('shards share the mailer', async () => {
  await using bed = await testBed(OrderMailer, {
    shards: 2,
    overrides: [override(Mailer).withClass(FakeMailer), override<string>('REGION').with('eu-west-1')],
    register: (container) => void container.register('TABLE', { useValue: 'orders' }),
  });

  expect(bed.instance(0)).not.toBe(bed.instance(1));
  expect(bed.resolve(Mailer)).toBe(bed.resolve(Mailer));
  expect(bed.resolve('TABLE')).toBe('orders');
});
