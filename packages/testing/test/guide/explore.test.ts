import { defineConsumer, recordHandler } from '@millrace/core';
import { records } from '@millrace/testing';
import { explore } from '@millrace/testing/explore';
import fc from 'fast-check';
import { expect, test } from 'vitest';

interface Payment {
  readonly id: string;
  readonly customer: string;
}

const payment = records.json<Payment>({ key: ({ customer }) => customer });
const payments = fc.record({ id: fc.uuid(), customer: fc.constantFrom('ann', 'bob') }).map((each) => payment(each));

test('whatever happens, each payment is in the ledger, once', async () => {
  let rows = new Map<string, string>();
  const ledger = defineConsumer({
    name: 'Ledger',
    stream: 'payments',
    applicationName: 'ledger',
    deadLetter: { sink: 'PARKED' },
    handlers: [
      recordHandler({
        name: 'charge',
        handle: (payload, { record }) => void rows.set(record.id, (payload as Payment).id),
      }),
    ],
  });

  await explore(ledger, {
    records: payments,
    world: () => {
      rows = new Map();
      return {
        options: { shards: 2 },
        check: (bed) => expect([...rows.keys()].sort()).toEqual(bed.delivered.map(({ id }) => id).sort()),
      };
    },
  });
});
