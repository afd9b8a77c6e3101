import { isMillraceError } from '@millrace/core';
import { handler, override, records } from '@millrace/testing';
import { expect, test } from 'vitest';
import { FakeMailer } from './fake-mailer.js';
import { Mailer } from './mailer.js';
import { OrderMailer } from './order-mailer.js';

test('an order is confirmed by mail', async () => {
  const mailer = new FakeMailer();
  const placed = handler(OrderMailer, 'placed', { overrides: [override(Mailer).with(mailer)] });

  const outcome = await placed.run({ orderId: 'o-1', customer: 'jo@example.com' });

  expect(outcome.kind).toBe('handled');
  expect(mailer.sent).toEqual(['o-1']);
});

test('what is no order is refused before the handler', async () => {
  const outcome = await handler(OrderMailer, 'placed').run(records.of({ orderId: 'o-1' }));

  expect(outcome.kind).toBe('failed');
  expect(isMillraceError(outcome.error, 'VALIDATION_FAILED')).toBe(true);
});
