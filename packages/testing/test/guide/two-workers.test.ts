import { defineConsumer, recordHandler, type ConsumerDefinition } from '@millrace/core';
import { records, testBed } from '@millrace/testing';
import '@millrace/testing/vitest';
import { expect, test } from 'vitest';

const ledger = new Map<string, string>();

const consumer = (worker: string): ConsumerDefinition =>
  defineConsumer({
    name: 'Ledger',
    stream: 'payments',
    applicationName: 'ledger',
    checkpoint: 'batch',
    handlers: [recordHandler({ name: 'charge', handle: (_, { record }) => void ledger.set(record.id, worker) })],
  });

test('two workers charge a payment once', async () => {
  await using first = await testBed(consumer('first'));
  const [payment] = first.shard().deliver(records.of({ amount: 5 }));

  await using second = await testBed(consumer('second'), { takesOver: first });
  await first.idle();
  await second.idle();

  expect(first).toHaveHandled(payment);
  expect(second).toHaveHandled(payment);
  expect(ledger.size).toBe(1);
  expect(first.shard().stored).toBeUndefined();
  expect(second.shard()).toHaveCheckpointed(payment);
});
