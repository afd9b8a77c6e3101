/** Millrace as the child of one shard. BENCH_MODE: record, batch, lanes, wait, json, or the name of a schema (schemas.mjs). */
import { batchHandler, defineConsumer, recordHandler, run } from '../../packages/core/dist/index.js';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

// An import of CommonJS would load a parser, which is not the business of any client.
const { Seen } = createRequire(import.meta.url)('./seen.cjs');

const mode = process.env.BENCH_MODE ?? 'record';
const waitMs = Number(process.env.BENCH_WAIT_MS);
const perShard = Number(process.env.BENCH_LANES ?? (mode === 'lanes' ? 16 : 1));
const seen = new Seen();

async function handler() {
  switch (mode) {
    case 'record':
    case 'lanes':
      return recordHandler({ name: 'take', decode: 'bytes', handle: (bytes) => seen.take(bytes) });
    case 'batch':
      return batchHandler({
        name: 'take',
        decode: 'bytes',
        handle: (batch) => {
          for (const { value } of batch) seen.take(value);
        },
      });
    case 'wait':
      return recordHandler({
        name: 'take',
        decode: 'bytes',
        handle: async (bytes) => {
          await sleep(waitMs);
          seen.take(bytes);
        },
      });
    case 'json':
      return recordHandler({ name: 'take', handle: (payload, { record }) => seen.takeOrder(payload, record.bytes) });
    default: {
      const { schemas } = await import('./schemas.mjs');
      const schema = await schemas[mode]();
      return recordHandler({
        name: 'take',
        schema,
        handle: (payload, { record }) => seen.takeOrder(payload, record.bytes),
      });
    }
  }
}

await run(
  defineConsumer({
    name: 'Bench',
    stream: 'bench',
    applicationName: 'bench',
    checkpoint: 'batch',
    ...(perShard > 1 ? { concurrency: { perShard } } : {}),
    hooks: { leaseLost: () => seen.report(), shardEnd: () => seen.report() },
    handlers: [await handler()],
  }),
);
