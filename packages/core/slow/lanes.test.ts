/**
 * What lanes are worth, measured on the real clock beside the runner without lanes, in the same process. Handlers wait as
 * for a service; nothing else does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { resolveConsumer } from '../src/config/resolve.js';
import { defineConsumer, recordHandler } from '../src/definition/define-consumer.js';
import type { ConcurrencyOptions } from '../src/definition/handler-options.js';
import { NonRetryableError } from '../src/errors.js';
import { ShardDaemon } from '../src/local/shard-daemon.js';
import { stderrLogger, systemClock } from '../src/process-ports.js';
import type { WireRecord } from '../src/protocol/messages.js';
import { ShardRunner } from '../src/runtime/shard-runner.js';
import { memoryChannelPair } from '../src/transport/memory-channel.js';

const HANDLER_MS = 10;
const KEYS = 1_000;
const LANES = 64;
const BATCH = 1_000;
/** The goal for 64 lanes: the rest of 64 is what the machine needs between two handlers. */
const TIMES_FASTER = 45;

interface Shard {
  readonly daemon: ShardDaemon;
  readonly runner: ShardRunner;
  readonly checkpoints: string[];
  end(): Promise<void>;
}

async function openShard(handle: (key: string) => Promise<void>, concurrency?: ConcurrencyOptions): Promise<Shard> {
  const definition = defineConsumer({
    name: 'Waiting',
    stream: 'orders',
    applicationName: 'waiting',
    handlers: [
      recordHandler({ name: 'wait', decode: 'bytes', handle: (_, { record }) => handle(record.partitionKey) }),
    ],
    retry: { then: 'hold' },
    ...(concurrency === undefined ? {} : { concurrency }),
  });
  const pair = memoryChannelPair();
  const checkpoints: string[] = [];
  const runner = new ShardRunner({
    consumer: resolveConsumer(definition, { env: {}, engine: 'local' }),
    sessionId: 'session-1',
    channel: pair.worker,
    container: {
      openScope: async () => ({ resolve: () => Promise.reject(new Error()), dispose: async () => undefined }),
    },
    sinks: new Map(),
    stores: new Map(),
    flights: undefined,
    breaker: undefined,
    ports: {
      clock: systemClock,
      random: Math.random,
      logger: stderrLogger({ MILLRACE_LOG_LEVEL: 'silent' }),
      observer: undefined,
    },
    retentionMs: undefined,
    requestStop: () => undefined,
  });
  const store = {
    put: async (_: string, target: WireRecord | 'SHARD_END' | { readonly sequenceNumber: string }) =>
      void checkpoints.push(target === 'SHARD_END' ? target : target.sequenceNumber),
  };
  const daemon = new ShardDaemon({ shardId: 'shardId-000000000000', channel: pair.daemon, store });
  const outcome = runner.run();
  await daemon.initialize({ sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 });
  return {
    daemon,
    runner,
    checkpoints,
    end: async () => {
      runner.drain();
      await daemon.end();
      await outcome;
    },
  };
}

function batch(first: number, count: number): WireRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    sequenceNumber: String(first + index + 1),
    subSequenceNumber: 0,
    partitionKey: `key-${(first + index) % KEYS}`,
    approximateArrivalTimestamp: Date.now(),
    data: Buffer.from('{}'),
  }));
}

/** Records per second, from the first delivery to the last settled record. */
async function rateOf(records: number, concurrency?: ConcurrencyOptions): Promise<number> {
  const shard = await openShard(() => sleep(HANDLER_MS), concurrency);
  const startedAt = performance.now();
  for (let first = 0; first < records; first += BATCH)
    await shard.daemon.processRecords(batch(first, Math.min(BATCH, records - first)), 0);
  await shard.daemon.shardEnded();
  const seconds = (performance.now() - startedAt) / 1_000;
  expect(shard.runner.status.settled.handled).toBe(records);
  await shard.end();
  return records / seconds;
}

describe(`handlers that wait ${HANDLER_MS} ms, one shard, ${KEYS} keys`, () => {
  it(`run at least ${TIMES_FASTER} times as many records with ${LANES} lanes as one after the other`, async () => {
    const ratios: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const oneByOne = await rateOf(150);
      const inLanes = await rateOf(12_000, { perShard: LANES });
      ratios.push(inLanes / oneByOne);
      console.log(`${Math.round(oneByOne)}/s one by one, ${Math.round(inLanes)}/s in ${LANES} lanes`);
    }
    // The best round: another suite on the same two cores takes more from the faster side.
    expect(Math.max(...ratios)).toBeGreaterThanOrEqual(TIMES_FASTER);
  });
});

describe(`one poison key among ${KEYS} that is held`, () => {
  it('leaves the other keys their rate until the window is full, and then holds the shard', async () => {
    const maxInFlight = 15_000;
    const handled = { clean: 0, poisoned: 0 };
    const clean = await openShard(() => sleep(HANDLER_MS).then(() => void (handled.clean += 1)), {
      perShard: LANES,
      maxInFlight,
    });
    const poisoned = await openShard(
      async (key) => {
        if (key === 'key-7') throw new NonRetryableError('poison');
        await sleep(HANDLER_MS);
        handled.poisoned += 1;
      },
      { perShard: LANES, maxInFlight },
    );
    // Side by side, so that what disturbs the one disturbs the other.
    for (let first = 0; first < maxInFlight; first += BATCH)
      await Promise.all([clean, poisoned].map(({ daemon }) => daemon.processRecords(batch(first, BATCH), 0)));
    while (handled.clean < maxInFlight - 2 * BATCH) await sleep(HANDLER_MS);
    const share = handled.poisoned / handled.clean;
    console.log(`the other keys keep ${Math.round(share * 100)} % of their rate beside a held one`);
    expect(share).toBeGreaterThanOrEqual(0.95);

    let open = true;
    const beyond = poisoned.daemon.processRecords(batch(maxInFlight, BATCH), 0).finally(() => (open = false));
    beyond.catch(() => undefined);
    while (poisoned.runner.status.unsettled < maxInFlight + BATCH - 7) await sleep(HANDLER_MS);
    expect(open).toBe(true);
    expect(poisoned.runner.status.held?.why).toContain('poison');
    expect(poisoned.checkpoints.every((position) => BigInt(position) <= 7n)).toBe(true);
    await Promise.all([clean.end(), poisoned.end()]);
  });
});
