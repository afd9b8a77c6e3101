import { batchHandler, defineConsumer } from '@millrace/core';
import { records, testBed } from '@millrace/testing';
import '@millrace/testing/vitest';
import { expect, test } from 'vitest';

const stored: Uint8Array[] = [];

const archive = defineConsumer({
  name: 'Archive',
  stream: 'clicks',
  applicationName: 'archive',
  retry: { then: 'deadLetter' },
  deadLetter: { sink: 'SINK' },
  handlers: [
    batchHandler({
      name: 'store',
      decode: 'bytes',
      handle: (batch) => {
        for (const { value } of batch) stored.push(value);
      },
    }),
  ],
});

test.each(records.edgeCases())('takes $name', async (record) => {
  await using bed = await testBed(archive);

  const [delivered] = bed.shard().deliver(record);
  await bed.idle();

  expect(bed).toHaveHandled(delivered);
});
