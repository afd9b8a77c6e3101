// The consumer of replay.test.ts: refuses odd orders while BROKEN is set, and writes down what it has handled.
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineConsumer, file, NonRetryableError, recordHandler, s3, sqs } from '@millrace/core';

const {
  BROKEN,
  HANDLING_MS = '0',
  QUEUE = '',
  SINK = 'file',
  SINK_ENDPOINT: endpoint,
  STREAM = 'orders',
} = process.env;
const effects = openSync('handled.txt', 'a');
const bucket = s3({ bucket: 'parked', prefix: 'orders', endpoint });
const sinks = {
  file: () => file({ directory: './parked' }),
  s3: () => bucket,
  sqs: () => sqs({ queueUrl: QUEUE, endpoint, overflow: bucket }),
};

export const orders = defineConsumer({
  name: 'Orders',
  stream: STREAM,
  applicationName: 'orders',
  options: { idleTimeBetweenReadsInMillis: 250 },
  checkpoint: { everyMs: 150 },
  create: () => ({}),
  deadLetter: { sink: sinks[SINK]() },
  handlers: [
    recordHandler({
      name: 'placed',
      handle: async ({ n }, context) => {
        if (BROKEN === '1' && n % 2 === 1) throw new NonRetryableError('odd orders are not understood');
        await sleep(Number(HANDLING_MS));
        writeSync(effects, `${n} ${context.replayed ? 'replayed' : 'live'} ${context.record.id}\n`);
      },
    }),
  ],
});
