import { defineConsumer, recordHandler } from '@millrace/core';
import { records, replaySafe } from '@millrace/testing';
import { expect, test } from 'vitest';

const charge = records.json<{ amount: number }>({ key: ({ amount }) => `customer-${amount}` });

test('charging twice is charging once', async () => {
  let charged = new Map<string, number>();
  const ledger = defineConsumer({
    name: 'Ledger',
    stream: 'payments',
    applicationName: 'ledger',
    handlers: [
      recordHandler({
        name: 'charge',
        handle: (payload, { record }) => void charged.set(record.id, (payload as { amount: number }).amount),
      }),
    ],
  });

  const crashes = await replaySafe(ledger, {
    deliver: [[charge({ amount: 5 }), charge({ amount: 7 })], [charge({ amount: 9 })]],
    world: () => {
      charged = new Map();
      return { look: () => [...charged.values()] };
    },
  });

  expect(crashes).toBeGreaterThan(20);
});
