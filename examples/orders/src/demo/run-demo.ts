/**
 * The demonstration: an embedded Kinesis, orders, a worker, and at the end the books. It trusts nobody: what the stream
 * holds is read back from the stream, what was done is read from the files that the worker left.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorker, startEmulator, type Emulator, type Logger, type Worker } from '@millrace/core';
import { Mailer, MAIL_FILE } from '../mailer.js';
import { OrderMailer } from '../order-mailer.js';
import { compare, failureOf } from './compare.js';
import { ForgetfulMailer } from './forgetful-mailer.js';
import type { DemoOptions } from './options.js';
import { openOrderStream, type OrderStream } from './order-stream.js';
import { produce, type Produced } from './produce.js';
import { covers, readCheckpoints, readDeadLetters, readMails } from './progress.js';
import { report } from './report.js';

const CHECKPOINTS = './checkpoints.json';
const MAILS = './mails.jsonl';
/** Where @DeadLetter of the consumer puts them. */
const PARKED = './parked';
const SETTLED_WITHIN_MS = 45_000;
const POLL_MS = 100;

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const say = (line: string): void => console.log(line);

/** Works in the current folder; why it failed, or undefined. `signal` ends production, the books are made all the same. */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<string | undefined> {
  const emulator = await startEmulator({ streams: [{ name: 'orders', shards: 2 }], logger: silent });
  const stream = openOrderStream('orders', emulator);
  try {
    say(`The embedded Kinesis listens on ${emulator.endpoint} (process ${emulator.pid}).`);
    const produced = await workThrough({ emulator, stream, options, signal });
    return await closeBooks(stream, produced);
  } finally {
    stream.close();
    await emulator.stop();
  }
}

interface Running {
  readonly emulator: Emulator;
  readonly stream: OrderStream;
  readonly options: DemoOptions;
  readonly signal: AbortSignal;
}

async function workThrough({ emulator, stream, options, signal }: Running): Promise<Produced> {
  const worker = createOrderWorker(emulator, options);
  await worker.start();
  try {
    const produced = await produce({ stream, orders: options.orders, signal, say });
    say(`${produced.records.length} orders are put; waiting until the worker has checkpointed them.`);
    await settled(worker, produced);
    return produced;
  } finally {
    await worker.stop();
  }
}

function createOrderWorker({ endpoint, region }: Emulator, { dropOne }: DemoOptions): Worker {
  return createWorker([OrderMailer], {
    engine: 'local',
    // This is the only process that reads the stream, whatever NODE_ENV says.
    localInProduction: true,
    checkpointFile: CHECKPOINTS,
    properties: { kinesisEndpoint: endpoint, regionName: region },
    // The dead letters below say the same; MILLRACE_LOG_LEVEL=info shows everything.
    env: { ...process.env, MILLRACE_LOG_LEVEL: process.env['MILLRACE_LOG_LEVEL'] ?? 'error' },
    register: (container) => {
      container.register(MAIL_FILE, { useValue: MAILS });
    },
    overrides: dropOne ? [{ token: Mailer, useClass: ForgetfulMailer }] : [],
  });
}

/** The worker's own word that it has settled everything is its checkpoint. */
async function settled(worker: Worker, produced: Produced): Promise<void> {
  const deadline = AbortSignal.timeout(SETTLED_WITHIN_MS);
  let ended: Error | undefined;
  void worker.closed.then((outcome) => {
    ended = outcome.kind === 'failed' ? outcome.error : new Error('The worker stopped by itself.');
  });
  while (!covers(await readCheckpoints(CHECKPOINTS), produced)) {
    if (ended !== undefined) throw ended;
    if (deadline.aborted) {
      const health = JSON.stringify(worker.health(), null, 2);
      throw new Error(`The worker has not settled everything within ${SETTLED_WITHIN_MS} ms. It says: ${health}`);
    }
    await sleep(POLL_MS);
  }
}

async function closeBooks(stream: OrderStream, { records: put }: Produced): Promise<string | undefined> {
  const shards = await stream.listShards();
  const records = await stream.readAll();
  const mails = await readMails(MAILS);
  const deadLetters = await readDeadLetters(PARKED);
  const comparison = compare({
    stream: records.map(({ id }) => id),
    handled: mails.flatMap((mail) => (mail.kind === 'confirmation' ? [mail.recordId] : [])),
    parked: deadLetters.map(({ id }) => id),
  });
  const findings = shards.map(({ ShardId: shardId = '', ParentShardId: parentShardId }) => ({
    shardId,
    parentShardId,
    records: records.filter((record) => record.shardId === shardId).length,
  }));
  const checkpoints = await readCheckpoints(CHECKPOINTS);
  say(report({ put: put.length, comparison, deadLetters, shards: findings, checkpoints, mails }));
  return failureOf(comparison, put.length);
}
