/** The fixture misfit.mjs, and what it tells beside the ledger. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './until.js';
import type { Payload, World } from './world.js';
import type { LogLine, Worker } from './worker.js';

export const MISFIT = fileURLToPath(new URL('../fixtures/misfit.mjs', import.meta.url));

export interface MisfitEvent {
  readonly what: 'began' | 'aborted';
  readonly pid: number;
  readonly shardId: string;
  readonly id: string;
  readonly payload: string;
  readonly at: number;
  readonly reason?: string;
}

export function eventsOf({ folder }: World): readonly MisfitEvent[] {
  try {
    const text = readFileSync(join(folder, 'events.jsonl'), 'utf8');
    const lines = text.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as MisfitEvent);
  } catch {
    // Nothing has happened yet.
    return [];
  }
}

export function untilEvent(
  world: World,
  what: MisfitEvent['what'],
  payload: string,
  withinMs = 60_000,
): Promise<MisfitEvent> {
  const look = (): MisfitEvent | undefined =>
    eventsOf(world).find((event) => event.what === what && event.payload === payload);
  return until(`${payload} to have ${what}`, look, { withinMs, pollMs: 50, last: () => world.describe() });
}

export interface Aim {
  put(shardId: string, payloads: readonly Payload[]): Promise<void>;
  readonly shardIds: readonly string[];
}

/** Puts records into the shard that is meant. */
export async function aimAt(world: World): Promise<Aim> {
  const shards = await world.openShards();
  const keyOf = new Map(
    shards.map(({ ShardId, HashKeyRange }) => [ShardId ?? '', HashKeyRange?.StartingHashKey ?? '0']),
  );
  return {
    shardIds: [...keyOf.keys()].toSorted(),
    put: (shardId, payloads) =>
      world.put(payloads.map((payload) => ({ ...payload, explicitHashKey: keyOf.get(shardId) ?? '0' }))),
  };
}

/** The health port that the worker says it has. */
export async function healthUrl(worker: Worker): Promise<string> {
  const port = (): unknown => worker.logs.find(({ msg }) => msg.startsWith('Health and metrics are on'))?.['port'];
  const found = await until('the health port', port, { pollMs: 50, last: () => worker.tail() });
  return `http://127.0.0.1:${String(found)}`;
}

export async function untilLogged(worker: Worker, pattern: RegExp, withinMs = 60_000): Promise<LogLine> {
  const look = (): LogLine | undefined => worker.logs.find(({ msg }) => pattern.test(msg));
  return until(`a log line like ${String(pattern)}`, look, { withinMs, pollMs: 50, last: () => worker.tail() });
}

/** When it was logged; pino writes the time. */
export function loggedAt({ time }: LogLine): number {
  return Date.parse(String(time));
}
