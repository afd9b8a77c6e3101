// The consumer of end-to-end.mjs: it counts, and tells twenty times a second how far it is. Data begin with the time of their put.
import { appendFileSync } from 'node:fs';
import { defineConsumer, recordHandler, run } from '../packages/core/dist/index.js';

const { BENCH_STREAM: stream, BENCH_APPLICATION: applicationName, BENCH_EVENTS: events, BENCH_OPTIONS } = process.env;
const { options = {} } = JSON.parse(BENCH_OPTIONS ?? '{}');
const TELL_EVERY_MS = 50;

let records = 0;
let bytes = 0;
let told = 0;
let latencies = [];
const tell = (event) => appendFileSync(events, `${JSON.stringify({ at: Date.now(), ...event })}\n`);

function tellProgress() {
  if (records === told) return;
  told = records;
  tell({ what: 'handled', pid: process.pid, records, bytes, latencies });
  latencies = [];
}
// An errand's process loads this file as well, and must be able to end.
setInterval(tellProgress, TELL_EVERY_MS).unref();

const consumer = defineConsumer({
  name: 'Bench',
  stream,
  applicationName,
  options: { retrievalMode: 'POLLING', initialPositionInStream: 'TRIM_HORIZON', ...options },
  hooks: { initialize: () => tell({ what: 'initialized' }) },
  handlers: [
    recordHandler({
      name: 'take',
      decode: 'bytes',
      handle(data) {
        records += 1;
        bytes += data.length;
        latencies.push(Date.now() - Number(Buffer.from(data.subarray(0, 13)).toString('latin1')));
      },
    }),
  ],
});

await run(consumer);
