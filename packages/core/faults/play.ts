/** Plays a scenario: a first life that meets the fault, and further ones from where the leases stand, until all shards have ended. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readParked } from '../src/dead-letter/parked-file.js';
import type { CheckpointTarget, WireRecord } from '../src/protocol/messages.js';
import { leavesNothingToDoAgain, wrongExits } from './expected.js';
import { handledAgain, type Life, type Shard, wrongIn } from './ledger.js';
import { live, type LifeOptions, struckRecord } from './life.js';
import { type Exit, openChildren, openHost } from './place.js';
import type { Scenario } from './scenario.js';

const LIVES_MAX = 3;
const FIRST_SEQUENCE_NUMBER = 10n ** 55n;
/** Keys as producers may choose them. */
const KEYS = ['plain', 'clé-中\u2028\u2029😀', '"\\\u0000\n\r', '__proto__', 'null', '\u{10ffff}'];

export interface Played {
  readonly wrong: readonly string[];
  readonly hit: boolean;
  readonly lives: number;
  readonly records: number;
  readonly again: number;
  /** How what ran handlers in the first life has ended. */
  readonly exits: readonly Exit[];
}

export async function play(scenario: Scenario): Promise<Played> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-fault-'));
  const shards = shardsOf(scenario);
  const checkpoints = new Map<string, CheckpointTarget>();
  const lives: Life[] = [];
  const wrong: string[] = [];
  let first: Awaited<ReturnType<typeof live>> | undefined;
  try {
    while (lives.length < LIVES_MAX && !hasEnded(shards, checkpoints)) {
      const end = await startLife({ scenario, shards, checkpoints, faulty: lives.length === 0 }, folder);
      const handled = await readHandled(folder);
      wrong.push(...end.wrong.map((what) => `life ${lives.length + 1}: ${what}`));
      if (first !== undefined)
        wrong.push(...end.exits.filter((exit) => exit !== 0).map((exit) => `a later life ended with ${exit}`));
      first ??= end;
      const before = lives.reduce((sum, life) => sum + life.handled.length, 0);
      lives.push({
        handled: handled.slice(before),
        parked: await readParkedIds(folder),
        checkpoints: new Map(checkpoints),
      });
    }
    const hit = first?.hit ?? false;
    if (hit) wrong.push(...wrongExits(first?.exits ?? [], scenario));
    const again = handledAgain(lives);
    if (again > 0 && leavesNothingToDoAgain(scenario))
      wrong.push(`${again} records were handled again after an orderly end`);
    return {
      wrong: [...wrong, ...wrongIn(lives, shards)],
      hit,
      lives: lives.length,
      records: shards.reduce((sum, { records }) => sum + records.length, 0),
      again,
      exits: first?.exits ?? [],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function startLife(options: Omit<LifeOptions, 'place'>, folder: string) {
  const { mode, lanes, policy, locale } = options.scenario;
  const env = {
    PATH: process.env['PATH'] ?? '',
    LANG: locale,
    LC_ALL: locale,
    LANES: String(lanes),
    POLICY: policy,
    MILLRACE_LOG_LEVEL: 'error',
  };
  const open = mode === 'child' ? openChildren : openHost;
  const shards = options.shards.filter(({ shardId }) => options.checkpoints.get(shardId) !== 'SHARD_END');
  return live({ ...options, shards, place: await open({ folder, shards: shards.length, env }) });
}

function hasEnded(shards: readonly Shard[], checkpoints: ReadonlyMap<string, CheckpointTarget>): boolean {
  return shards.every(({ shardId }) => checkpoints.get(shardId) === 'SHARD_END');
}

function shardsOf(scenario: Scenario): LifeOptions['shards'] {
  return Array.from({ length: scenario.shards }, (_, index) => {
    let count = 0;
    const numbered = scenario.batches.map((length) => Array.from({ length }, () => recordOf((count += 1), scenario)));
    const struck = index === 0 ? struckRecord(numbered, scenario) : undefined;
    const batches = numbered.map((batch) =>
      batch.map((record) => (record === struck ? { ...record, data: dataOf(deedAtStrike(scenario)) } : record)),
    );
    return { shardId: `shardId-00000000000${index}`, batches, records: batches.flat() };
  });
}

function recordOf(number: number, { keys, seed }: Scenario): WireRecord {
  return {
    sequenceNumber: String(FIRST_SEQUENCE_NUMBER + BigInt(number)),
    subSequenceNumber: 0,
    partitionKey: KEYS[(number * 7 + seed) % keys] ?? 'plain',
    approximateArrivalTimestamp: 1_700_000_000_000 + number,
    data: dataOf(number % 3 === 0 ? 'waits' : 'plain'),
  };
}

/** What is struck in a handler has to run for a while. */
function deedAtStrike({ fault }: Scenario): string {
  if (fault.kind === 'deed') return fault.deed;
  return 'moment' in fault && fault.moment === 'handler' ? 'slow' : 'waits';
}

const dataOf = (deed: string): Uint8Array => Buffer.from(JSON.stringify({ deed }));

async function readHandled(folder: string): Promise<readonly string[]> {
  return (await readFile(join(folder, 'effects.txt'), 'utf8').catch(() => '')).split('\n').slice(0, -1);
}

async function readParkedIds(folder: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  // Killed early, a worker may not have made it yet.
  if (!existsSync(join(folder, 'parked'))) return ids;
  for await (const { id } of readParked(join(folder, 'parked'))) ids.add(id);
  return ids;
}
