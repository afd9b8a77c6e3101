// The same names for `millrace provision`.
import { defineConsumer, recordHandler } from '../packages/core/dist/index.js';

const { BENCH_STREAM: stream, BENCH_APPLICATION: applicationName } = process.env;

export const bench = defineConsumer({
  name: 'Bench',
  stream,
  applicationName,
  create: () => ({}),
  handlers: [recordHandler({ name: 'take', handle: () => undefined })],
});
