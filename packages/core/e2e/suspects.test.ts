/** A record with which its process dies: the worker gets over it by itself, whoever serves the shards. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readParked } from '../src/dead-letter/parked-file.js';
import type { DeadLetterEntry } from '../src/ports.js';
import { missing, wrongCheckpoints } from './support/ledger.js';
import { until } from './support/until.js';
import { useWorlds } from './support/world.js';

const { startWorld } = useWorlds();

const DEATHS = 4;

it.each([
  { mode: 'one host for all shards', env: {}, server: 'host' },
  { mode: 'a process for each shard', env: { MILLRACE_ISOLATION: 'process' }, server: 'child' },
] as const)(
  'is parked after the fourth death, and everything else is handled: $mode',
  { timeout: 300_000 },
  async ({ env, server }) => {
    const world = await startWorld({ shards: 2 });
    const directory = join(world.folder, 'parked');
    await mkdir(directory);
    const others = Array.from({ length: 60 }, (_, n) => ({ id: `note-${n}`, more: { do: 'slow', ms: 5 } }));
    await world.put([...others.slice(0, 30), { id: 'deadly', more: { do: 'crash' } }, ...others.slice(30)]);
    const worker = world.startWorker({ env: { ...env, E2E_PARKED: directory } });
    const seen = new Set<number>();
    const parked: DeadLetterEntry[] = [];
    await until(
      'the record to be parked',
      async () => {
        for (const pid of worker.pids(server)) seen.add(pid);
        parked.splice(0);
        for await (const entry of readParked(directory)) parked.push(entry);
        return parked.length > 0;
      },
      { withinMs: 200_000, last: () => world.describe() },
    );
    const handled = (): Set<string> => new Set(world.handled().map(({ payload }) => payload));
    await until('all others', () => handled().size === 60, { withinMs: 60_000, last: () => world.describe() });

    expect(parked.map(({ causes }) => causes[0]?.code)).toEqual(['SUSPECT_RECORD']);
    expect(seen.size).toBeGreaterThanOrEqual(DEATHS);
    expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
    const [stored, entries] = [await world.readStream(), world.handled()];
    const settled = [
      ...entries,
      ...entries.slice(0, 1).flatMap((one) => parked.map((entry) => ({ ...one, ...entry }))),
    ];
    expect(missing(stored, settled)).toEqual([]);
    expect(missing(stored, entries)).toEqual(parked.map(({ id }) => id));
    expect(wrongCheckpoints(await world.leases(), settled)).toEqual([]);
    expect(await worker.leftovers()).toEqual([]);
  },
);
