/** A program as an image has it: its handlers run in a host process, beside the daemon. */
import { appendFileSync } from 'node:fs';
import { defineConsumer, recordHandler, run } from '@millrace/core';

const collector = defineConsumer({
  name: 'collector',
  stream: 'orders',
  applicationName: 'collector',
  create: () => ({}),
  handlers: [recordHandler({ name: 'all', handle: ({ id }) => appendFileSync(process.env['HANDLED'], `${id}\n`) })],
});

await run(collector);
