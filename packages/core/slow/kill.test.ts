/**
 * SIGKILL at random moments, one record after the other and in lanes. What a start may and may not do again is known exactly:
 * the checkpoints that the killed process left on disk say it, shard by shard.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type KinesisClient, ListShardsCommand, PutRecordsCommand, SplitShardCommand } from '@aws-sdk/client-kinesis';
import { expect, it } from 'vitest';
import { parseCheckpointFile } from '../src/local/checkpoint-file.js';
import { startEmulator, type Emulator } from '../src/local/emulator.js';
import type { CheckpointTarget } from '../src/protocol/messages.js';
import { emulatorClient } from '../test/support/emulator-client.js';

const BATCH = 120;
const PUT_EVERY_MS = 250;
const SPLIT_AFTER_BATCHES = 10;
const KEYS = 60;
const AT_WORK_WITHIN_MS = 15_000;
const DRAINED_WITHIN_MS = 40_000;

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const stream = 'notes';
const worker = fileURLToPath(new URL('./killed-worker/worker.mjs', import.meta.url));

interface Plan {
  readonly kills: number;
  /** Undefined: one record after the other. */
  readonly lanes: number | undefined;
  /** Until the kill, at most, from the first record of a life on; every fifth life is cut from its start on. */
  readonly workMs: number;
  readonly seed: number;
}

it('a worker killed at 20 random moments loses nothing and does again only what no checkpoint covered', async () => {
  await killAndCompare({ kills: 20, lanes: undefined, workMs: 1_000, seed: 20_260_131 });
}, 120_000);

it('with lanes and batches acknowledged ahead, the same holds for 48 kills, and each key keeps its order', async () => {
  // Two streams at once: most of a life is waiting.
  const plans = [20_261_126, 20_261_127].map((seed): Plan => ({ kills: 24, lanes: 16, workMs: 600, seed }));
  const ends = await Promise.allSettled(plans.map(killAndCompare));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}, 300_000);

async function killAndCompare(plan: Plan): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-kill-'));
  const emulator = await startEmulator({ streams: [{ name: stream, shards: 3 }], logger: silent });
  const children = new Set<ChildProcess>();
  const place: Place = { emulator, folder, children, lanes: plan.lanes };
  try {
    const put: Stored[] = [];
    const killing = killAgainAndAgain(place, plan, put);
    // The last worker finds something to do, however fast the others were.
    const [lives] = await Promise.all([killing, produce(emulator, put, killing)]);
    const last = startWorker(place);
    await untilDrained(folder, put);
    last.kill('SIGTERM');
    expect(await once(last, 'close')).toEqual([0, null]);
    const end = await lookAt(folder, put);

    expect(idsOf(put).filter((id) => !end.effects.includes(id))).toEqual([]);
    expect(new Set(end.effects).size).toBe(put.length);
    lives.forEach(checkpointsCoverEffectsOnly);
    const keys = new Map(put.map(({ id, key }) => [id, key]));
    [...lives, end].forEach((life, index, all) => {
      onlyUncheckpointedAgain(life, all[index - 1]);
      keysInOrder(life, all[index - 1], keys);
    });
    // Otherwise nothing was shown: most kills must have hit a worker in the middle of its work.
    const caught = lives.filter((life) => uncovered(life).length > 0).length;
    const again = end.effects.length - put.length;
    console.log(
      `${plan.kills} kills: ${put.length} records, ${again} of them again, ${caught} kills with work under way`,
    );
    expect(caught).toBeGreaterThanOrEqual(plan.kills / 4);
    expect(again).toBeGreaterThan(0);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await emulator.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Stored {
  readonly id: string;
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly key: string;
}

/** What was on disk after a life. */
interface Life {
  /** In the order of handling, of this life and all before. */
  readonly effects: readonly string[];
  readonly checkpoints: ReadonlyMap<string, CheckpointTarget>;
  /** What had certainly been put by then. */
  readonly put: readonly Stored[];
}

/** A checkpoint covers no record that was not handled. */
function checkpointsCoverEffectsOnly({ effects, checkpoints, put }: Life): void {
  const handled = new Set(effects);
  const covered = put.filter((record) => covers(checkpoints, record));
  expect(idsOf(covered).filter((id) => !handled.has(id))).toEqual([]);
}

/** A life handles again only what the life before had delivered after its last durable checkpoint. */
function onlyUncheckpointedAgain(life: Life, before: Life | undefined): void {
  const known = new Set(before?.effects);
  const again = life.effects.slice(before?.effects.length ?? 0).filter((id) => known.has(id));
  expect(again).toEqual([...new Set(again)]);
  const allowed = new Set(before === undefined ? [] : uncovered(before));
  expect(again.filter((id) => !allowed.has(id))).toEqual([]);
}

/** What a life did with the records of a key it did in their order; it may begin behind where the life before ended. */
function keysInOrder(life: Life, before: Life | undefined, keys: ReadonlyMap<string, string>): void {
  const last = new Map<string, bigint>();
  for (const id of life.effects.slice(before?.effects.length ?? 0)) {
    const [shardId = '', sequenceNumber = ''] = id.split(':');
    const lane = `${shardId} ${keys.get(id)}`;
    const position = BigInt(sequenceNumber);
    expect(last.get(lane) ?? -1n, `${id} in its key`).toBeLessThan(position);
    last.set(lane, position);
  }
}

/** Handled, and after the last durable checkpoint of its shard. */
function uncovered({ effects, checkpoints }: Life): readonly string[] {
  return [...new Set(effects)].filter((id) => {
    const [shardId = '', sequenceNumber = ''] = id.split(':');
    return !covers(checkpoints, { shardId, sequenceNumber });
  });
}

function covers(
  checkpoints: Life['checkpoints'],
  { shardId, sequenceNumber }: Pick<Stored, 'shardId' | 'sequenceNumber'>,
): boolean {
  const reached = checkpoints.get(shardId);
  if (reached === undefined || reached === 'SHARD_END') return reached === 'SHARD_END';
  return /^\d+$/.test(reached.sequenceNumber) && BigInt(reached.sequenceNumber) >= BigInt(sequenceNumber);
}

function idsOf(records: readonly Stored[]): readonly string[] {
  return records.map(({ id }) => id);
}

interface Place {
  readonly emulator: Emulator;
  readonly folder: string;
  /** Those that are alive, so that a failed test leaves none behind. */
  readonly children: Set<ChildProcess>;
  readonly lanes: number | undefined;
}

async function killAgainAndAgain(
  place: Place,
  { kills, workMs, seed }: Plan,
  put: readonly Stored[],
): Promise<readonly Life[]> {
  const random = mulberry32(seed);
  const lives: Life[] = [];
  while (lives.length < kills) {
    const size = await sizeOf(place.folder);
    const child = startWorker(place);
    if (lives.length % 5 !== 4) await untilAtWork(place.folder, size);
    await sleep(random() * workMs);
    child.kill('SIGKILL');
    await once(child, 'close');
    lives.push(await lookAt(place.folder, [...put]));
  }
  return lives;
}

/** However slow the machine is: kills that hit nothing show nothing. */
async function untilAtWork(folder: string, before: number): Promise<void> {
  const deadline = AbortSignal.timeout(AT_WORK_WITHIN_MS);
  while ((await sizeOf(folder)) === before && !deadline.aborted) await sleep(10);
}

async function sizeOf(folder: string): Promise<number> {
  return stat(join(folder, 'effects.txt')).then(
    ({ size }) => size,
    () => 0,
  );
}

function startWorker({ emulator, folder, children, lanes }: Place): ChildProcess {
  const env = {
    ...process.env,
    MILLRACE_ENGINE: 'local',
    MILLRACE_KINESIS_ENDPOINT: emulator.endpoint,
    MILLRACE_REGION_NAME: emulator.region,
    MILLRACE_LOG_LEVEL: 'error',
    ...(lanes === undefined ? {} : { LANES: String(lanes) }),
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const child = spawn(process.execPath, [worker], { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] });
  children.add(child);
  child.once('close', () => children.delete(child));
  return child;
}

async function lookAt(folder: string, put: readonly Stored[]): Promise<Life> {
  const effects = (await readIfThere(join(folder, 'effects.txt'))).split('\n').slice(0, -1);
  const text = await readIfThere(join(folder, '.millrace/killed.checkpoints.json'));
  const read = parseCheckpointFile(text);
  if (text !== '' && read.kind !== 'ok') throw new Error(`The checkpoint file is ${read.kind}.`);
  return { effects, checkpoints: read.kind === 'ok' ? read.file.checkpoints : new Map(), put };
}

/** Killed early, a worker may not have written it yet. */
async function readIfThere(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

async function untilDrained(folder: string, put: readonly Stored[]): Promise<void> {
  const deadline = AbortSignal.timeout(DRAINED_WITHIN_MS);
  for (;;) {
    const { checkpoints } = await lookAt(folder, put);
    const open = put.filter((record) => !covers(checkpoints, record));
    if (open.length === 0) return;
    if (deadline.aborted) throw new Error(`${open.length} records are not checkpointed after ${DRAINED_WITHIN_MS} ms.`);
    await sleep(200);
  }
}

/** Fills `put` while workers come and go; a shard is split on the way. The last batch comes after the last kill. */
async function produce(emulator: Emulator, put: Stored[], killed: Promise<unknown>): Promise<void> {
  const client = emulatorClient(emulator);
  const killing = new AbortController();
  const ended = killed.finally(() => killing.abort());
  ended.catch(() => undefined);
  for (let batches = 0; !killing.signal.aborted; batches += 1) {
    if (batches === SPLIT_AFTER_BATCHES) await splitFirstShard(client);
    await putBatch(client, put);
    await sleep(PUT_EVERY_MS);
  }
  await putBatch(client, put);
  client.destroy();
}

async function putBatch(client: KinesisClient, put: Stored[]): Promise<void> {
  const Records = Array.from({ length: BATCH }, (_, index) => {
    const name = `note-${put.length + index}`;
    return { PartitionKey: `key-${(put.length + index) % KEYS}`, Data: Buffer.from(name) };
  });
  const answer = await client.send(new PutRecordsCommand({ StreamName: stream, Records }));
  for (const [index, { ShardId: shardId = '', SequenceNumber: sequenceNumber = '' }] of (
    answer.Records ?? []
  ).entries()) {
    put.push({
      id: `${shardId}:${sequenceNumber}:0`,
      shardId,
      sequenceNumber,
      key: Records[index]?.PartitionKey ?? '',
    });
  }
}

async function splitFirstShard(client: KinesisClient): Promise<void> {
  const { Shards } = await client.send(new ListShardsCommand({ StreamName: stream }));
  const [first] = Shards ?? [];
  const { StartingHashKey = '', EndingHashKey = '' } = first?.HashKeyRange ?? {};
  const NewStartingHashKey = String((BigInt(StartingHashKey) + BigInt(EndingHashKey)) / 2n);
  const ShardToSplit = first?.ShardId;
  await client.send(new SplitShardCommand({ StreamName: stream, ShardToSplit, NewStartingHashKey }));
}

/** Small, fast and repeatable; good enough to pick moments. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
