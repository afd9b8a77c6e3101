import { defineConsumer, recordHandler } from '@millrace/core';
import { replayTranscript, testBed } from '@millrace/testing';
import '@millrace/testing/vitest';
import { expect, test } from 'vitest';

test('the hand-over of last Friday loses nothing', async () => {
  await using bed = await testBed(
    defineConsumer({
      name: 'Orders',
      stream: 'orders',
      applicationName: 'order-mailer',
      checkpoint: 'batch',
      handlers: [recordHandler({ name: 'mail', handle: () => undefined })],
    }),
  );

  const friday = new URL('friday.jsonl', import.meta.url);
  const { checkpointed } = await replayTranscript(bed, friday, {
    payloadFor: ({ sequenceNumber }) => ({ orderId: `o-${sequenceNumber}` }),
  });

  expect(bed).toHaveLostNothing();
  // The worker of that day came as far.
  expect(bed.shard()).toHaveCheckpointed(checkpointed!);
});
