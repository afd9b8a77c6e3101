/**
 * From a poison record to its replay, as a user goes: a consumer that does not understand its records parks them, is mended,
 * and a replay is killed half-way. The built command, a Kinesis API, and servers for SQS and S3.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PutRecordsCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { s3 } from '../src/dead-letter/s3-sink.js';
import { sqs } from '../src/dead-letter/sqs-sink.js';
import { startEmulator, type Emulator } from '../src/local/emulator.js';
import { ensureStream } from '../src/local/ensure-stream.js';
import type { DeadLetterEntry } from '../src/ports.js';
import { systemClock } from '../src/process-ports.js';
import { openParkedSource } from '../src/replay/open-source.js';
import type { ParkedSource } from '../src/replay/parked-source.js';
import { deadLetter } from '../test/support/dead-letter.js';
import { emulatorClient } from '../test/support/emulator-client.js';
import { MOTO_START_TIMEOUT_MS, startMoto, type Moto } from './support/moto.js';

const core = fileURLToPath(new URL('..', import.meta.url));
const consumer = fileURLToPath(new URL('./replayed-worker/consumer.mjs', import.meta.url));

let moto: Moto;
let emulator: Emulator;
let client: KinesisClient;
let project: string;
/** Each test has its own: the emulator takes its time to delete one. */
let stream: string;
let streams = 0;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  [moto, emulator] = await Promise.all([startMoto(), startEmulator({ streams: [] })]);
  client = emulatorClient(emulator);
  await moto.createBucket('parked');
}, MOTO_START_TIMEOUT_MS);
afterAll(async () => {
  client.destroy();
  await moto.stop();
  await emulator.stop();
});
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'millrace-replay-'));
  await mkdir(join(project, 'node_modules/@millrace'), { recursive: true });
  await symlink(core, join(project, 'node_modules/@millrace/core'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'shop', type: 'module' }));
  await cp(consumer, join(project, 'consumer.js'));
  streams += 1;
  stream = `orders-${streams}`;
  await ensureStream({ endpoint: emulator.endpoint, region: 'us-east-1', env: {} }, { name: stream, shards: 2 });
});
afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    await once(child, 'close').catch(() => undefined);
  }
  await rm(project, { recursive: true, force: true });
});

type Variables = Readonly<Record<string, string>>;

function millrace(variables: Variables, ...words: readonly string[]) {
  const env = {
    ...process.env,
    MILLRACE_KINESIS_ENDPOINT: emulator.endpoint,
    MILLRACE_LOG_LEVEL: 'error',
    SINK_ENDPOINT: moto.endpoint,
    STREAM: stream,
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...variables,
  };
  const child = spawn(process.execPath, [join(core, 'dist/cli.js'), ...words], {
    cwd: project,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const exited = once(child, 'close').then(([exitCode]) => {
    running.delete(child);
    return exitCode as number | null;
  });
  return { child, said, exited };
}

async function done(variables: Variables, ...words: readonly string[]) {
  const run = millrace(variables, ...words);
  return { exitCode: await run.exited, ...run.said };
}

/** Orders 0 to count - 1; the last odd one has a payload that no small queue takes. */
async function put(from: number, to: number): Promise<void> {
  const Records = Array.from({ length: to - from }, (_, index) => {
    const n = from + index;
    const note = n === to - 1 ? 'x'.repeat(20_000) : '';
    return { PartitionKey: `key-${n}`, Data: Buffer.from(JSON.stringify({ n, note })) };
  });
  await client.send(new PutRecordsCommand({ StreamName: stream, Records }));
}

interface Effect {
  readonly n: number;
  readonly how: string;
}

async function effects(): Promise<readonly Effect[]> {
  const text = await readFile(join(project, 'handled.txt'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '))
    .map(([n, how = '']) => ({ n: Number(n), how }));
}
const replayed = async () => (await effects()).filter(({ how }) => how === 'replayed').map(({ n }) => n);

async function until(what: string, reached: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await reached()) return;
    await sleep(50);
  }
  throw new Error(`${what} did not happen.`);
}

const odd = (to: number) => Array.from({ length: to }, (_, n) => n).filter((n) => n % 2 === 1);
const sorted = (numbers: Iterable<number>) => [...numbers].toSorted((a, b) => a - b);

async function parkedOrders(variables: Variables): Promise<number[]> {
  const { out, err, exitCode } = await done(variables, 'dead-letter', 'ls', 'consumer.js', '--json');
  expect({ err, exitCode }).toEqual({ err: '', exitCode: 0 });
  const entries = out.split('\n').filter((line) => line !== '');
  return sorted(new Set(entries.map((line) => Number(/"partitionKey":"key-(\d+)"/.exec(line)?.[1]))));
}

const COUNT = 24;

/** A consumer that does not understand odd orders runs until it has been through all of them. */
async function parkOddOrders(variables: Variables, parked: () => Promise<number>): Promise<void> {
  await put(0, COUNT);
  const broken = millrace({ ...variables, BROKEN: '1' }, 'run', 'consumer.js', '--engine', 'local');
  await until('Parking', async () => (await effects()).length >= COUNT / 2 && (await parked()) >= COUNT / 2);
  broken.child.kill('SIGTERM');
  expect(await broken.exited).toBe(0);
}

/** Fails as before, is killed half-way, and then ends: nothing is lost, and hardly anything runs twice. */
async function replayAll(variables: Variables): Promise<void> {
  expect(await parkedOrders(variables)).toEqual(odd(COUNT));
  const still = await done({ ...variables, BROKEN: '1' }, 'dead-letter', 'replay', 'consumer.js', '--limit', '2');
  expect(still.out).toContain('2 failed again.');
  expect(still.exitCode).toBe(1);
  expect(await parkedOrders(variables)).toEqual(odd(COUNT));

  const killed = millrace({ ...variables, HANDLING_MS: '250' }, 'dead-letter', 'replay', 'consumer.js');
  await until('The first half', async () => (await replayed()).length >= 4);
  killed.child.kill('SIGKILL');
  await killed.exited;
  expect((await replayed()).length).toBeLessThan(COUNT / 2);

  await until('The rest', async () => {
    const { err } = await done(variables, 'dead-letter', 'replay', 'consumer.js');
    expect(err).toBe('');
    return new Set(await replayed()).size === COUNT / 2;
  });
  const ran = await replayed();
  expect(sorted(new Set(ran))).toEqual(odd(COUNT));
  expect(ran.length - COUNT / 2).toBeLessThanOrEqual(2);
  expect(await parkedOrders(variables)).toEqual([]);
}

describe('what a consumer has parked', () => {
  it('in files is replayed once it is mended, and the files are gone', async () => {
    const lines = async (): Promise<number> => {
      const files = await readdir(join(project, 'parked')).catch(() => []);
      const texts = await Promise.all(files.map((name) => readFile(join(project, 'parked', name), 'utf8')));
      return texts.join('').split('\n').length - 1;
    };
    await parkOddOrders({ SINK: 'file' }, lines);
    await replayAll({ SINK: 'file' });
    expect(await readdir(join(project, 'parked'))).toEqual([]);
  });

  it('in files is replayed while it goes on parking', async () => {
    await put(0, COUNT);
    const broken = millrace({ BROKEN: '1' }, 'run', 'consumer.js', '--engine', 'local');
    await until('Parking', async () => (await effects()).length >= COUNT / 2);
    const first = done({}, 'dead-letter', 'replay', 'consumer.js');
    await put(COUNT, 2 * COUNT);
    await first;
    await until('Parking more', async () => (await effects()).filter(({ how }) => how === 'live').length === COUNT);
    broken.child.kill('SIGTERM');
    expect(await broken.exited).toBe(0);
    expect((await done({}, 'dead-letter', 'replay', 'consumer.js')).exitCode).toBe(0);
    expect(sorted(await replayed())).toEqual(odd(2 * COUNT));
    expect(await readdir(join(project, 'parked'))).toEqual([]);
  });

  it('in S3 is replayed once it is mended, and the objects are gone', async () => {
    const variables = { SINK: 's3' };
    const place = s3({ bucket: 'parked', prefix: 'orders', endpoint: moto.endpoint });
    await parkOddOrders(variables, () => count(place));
    await replayAll(variables);
  });

  it('in SQS is replayed once it is mended, what was too large for a message with it', async () => {
    const queueUrl = await moto.createQueue('orders-parked', { MaximumMessageSize: '4096' });
    const variables = { SINK: 'sqs', QUEUE: queueUrl };
    await parkOddOrders(variables, () => inQueue(queueUrl));
    await replayAll(variables);
    expect(await inQueue(queueUrl)).toBe(0);
    expect(await count(s3({ bucket: 'parked', endpoint: moto.endpoint }))).toBe(0);
  }, 180_000);
});

async function inQueue(queueUrl: string): Promise<number> {
  const AttributeNames = ['ApproximateNumberOfMessages' as const, 'ApproximateNumberOfMessagesNotVisible' as const];
  const { Attributes } = await moto.sqs.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames }));
  return Object.values(Attributes ?? {}).reduce((sum, value) => sum + Number(value), 0);
}

const notes: string[] = [];
function open(place: Parameters<typeof openParkedSource>[0] | undefined): Promise<ParkedSource> {
  if (place === undefined) throw new Error('The sink has no place.');
  return openParkedSource(place, {
    clock: systemClock,
    note: (text) => void notes.push(text),
  });
}
const { signal } = new AbortController();

async function count({ place }: ReturnType<typeof s3>): Promise<number> {
  const source = await open(place);
  const entries = [];
  for await (const { entry } of source.look(signal)) entries.push(entry);
  await source.close();
  return entries.length;
}

describe('a queue', () => {
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const context = {
    applicationName: 'mailer',
    stream: 'orders',
    engine: 'local' as const,
    ports: { clock: systemClock, random: Math.random, logger },
  };

  async function parkedIn(queueUrl: string, ...entries: readonly DeadLetterEntry[]) {
    const description = sqs({ queueUrl, tooLarge: 'hold', endpoint: moto.endpoint });
    const sink = await description.open(context);
    for (const entry of entries) await sink.write(entry, signal);
    await sink.close();
    return open(description.place);
  }

  async function looked(source: ParkedSource): Promise<string[]> {
    const found = [];
    for await (const { entry } of source.look(signal)) found.push(entry.sequenceNumber);
    return found.toSorted();
  }

  it('is looked at without consuming anything, again and again', async () => {
    const queueUrl = await moto.createQueue('looked-at');
    const numbers = Array.from({ length: 25 }, (_, index) => String(index + 10));
    const source = await parkedIn(queueUrl, ...numbers.map((number) => deadLetter(number)));
    expect(await looked(source)).toEqual(numbers);
    expect(await looked(source)).toEqual(numbers);
    await source.close();
  });

  it('gives back what was not wanted or failed, and each message once in a run', async () => {
    const queueUrl = await moto.createQueue('given-back');
    const source = await parkedIn(queueUrl, deadLetter('1'), deadLetter('2'), deadLetter('3'));
    const taking = await source.take(({ sequenceNumber }) => sequenceNumber !== '2');
    const seen: string[] = [];
    for await (const group of taking.groups(signal)) {
      for (const item of group) {
        seen.push(item.entry.sequenceNumber);
        if (item.entry.sequenceNumber === '1') await item.remove();
      }
    }
    await taking.end();
    expect(seen.toSorted()).toEqual(['1', '3']);
    expect(await looked(source)).toEqual(['2', '3']);
    await source.close();
  });

  it('of the kind FIFO lets nothing overtake what failed, in its group', async () => {
    const queueUrl = await moto.createQueue('in-order.fifo', { FifoQueue: 'true' });
    const keyed = (number: string, partitionKey: string) => deadLetter(number, { partitionKey });
    const source = await parkedIn(
      queueUrl,
      ...Array.from({ length: 12 }, (_, index) => keyed(String(index + 10), 'anna')),
      keyed('50', 'bert'),
    );
    const taking = await source.take(() => true);
    const seen: string[] = [];
    for await (const group of taking.groups(signal)) seen.push(...group.map(({ entry }) => entry.sequenceNumber));
    await taking.end();
    const ofAnna = seen.filter((number) => number !== '50');
    expect(ofAnna).toEqual(Array.from({ length: ofAnna.length }, (_, index) => String(index + 10)));
    await source.close();
  });

  it('leaves alone what is no dead letter, and says so', async () => {
    const queueUrl = await moto.createQueue('mixed');
    const source = await parkedIn(queueUrl, deadLetter('1'));
    const { SendMessageCommand } = await import('@aws-sdk/client-sqs');
    await moto.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'hello' }));
    const lost = JSON.stringify({ version: 1, id: 'x:1:0', overflow: { bucket: 'parked', key: 'none' } });
    await moto.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: lost }));
    notes.length = 0;
    expect(await looked(source)).toEqual(['1']);
    expect(notes.map((text) => text.replace(/^The message \S+ /, '')).toSorted()).toEqual([
      'is left alone: its record x:1:0 is not at s3 parked/none.',
      'is no dead letter and is left alone.',
    ]);
    await source.close();
  });
});
