// The consumer of the benchmarks: it tells when it is initialized and when it handled its first record, and nothing else.
import { appendFileSync } from 'node:fs';
import { defineConsumer, recordHandler, run } from '../packages/core/dist/index.js';

const { BENCH_STREAM: stream, BENCH_APPLICATION: applicationName, BENCH_EVENTS: events, BENCH_OPTIONS } = process.env;
const { options = {}, preset } = JSON.parse(BENCH_OPTIONS ?? '{}');

const tell = (what) => appendFileSync(events, `${JSON.stringify({ what, at: Date.now() })}\n`);

const consumer = defineConsumer({
  name: 'Bench',
  stream,
  applicationName,
  options: { retrievalMode: 'POLLING', initialPositionInStream: 'TRIM_HORIZON', ...options },
  hooks: { initialize: () => tell('initialized') },
  handlers: [recordHandler({ name: 'take', handle: () => tell('handled') })],
});

await run(consumer, preset === undefined ? {} : { java: { preset } });
