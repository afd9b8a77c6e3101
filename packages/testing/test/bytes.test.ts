/** The guarantee of I10, seen from a test: a handler that writes into its record is found out. */
import { defineConsumer, recordHandler, type ConsumerDefinition, type ConsumerRecord } from '@millrace/core';
import { expect, it } from 'vitest';
import { records } from '../src/record-builders.js';
import { testBed } from '../src/test-bed.js';

it('a handler that changes the bytes of its record, and then runs again, fails its test', async () => {
  let runs = 0;
  const bed = await testBed(
    consumer(({ bytes }) => {
      bytes.fill(0);
      runs += 1;
      if (runs === 1) throw new Error('try again');
    }),
  );
  bed.shard().deliver(records.bytes(Uint8Array.of(1, 2, 3)));
  await bed.idle();

  await expect(bed.dispose()).rejects.toMatchObject({
    code: 'INVARIANT_VIOLATED',
    message: expect.stringContaining('wrote into record.bytes'),
  });
});

it('a handler that changes a copy does not', async () => {
  await using bed = await testBed(consumer(({ bytes }) => void Uint8Array.from(bytes).fill(0)));

  const [record] = bed.shard().deliver(records.bytes(Uint8Array.of(1, 2, 3)));
  await bed.idle();

  expect(bed.history.settled(record.id)?.how).toBe('handled');
});

function consumer(handle: (record: ConsumerRecord) => void): ConsumerDefinition {
  return defineConsumer({
    name: 'Bytes',
    stream: 'bytes',
    applicationName: 'bytes',
    handlers: [recordHandler({ name: 'any', decode: 'bytes', handle: (_, { record }) => handle(record) })],
  });
}
