/** An operator's word reaches the process that holds the record, whoever serves the shards. */
import { expect, it } from 'vitest';
import { findWorkers } from '../src/control/control-client.js';
import type { HeldRecord } from '../src/runtime/shard-status.js';
import { wrongCheckpoints } from './support/ledger.js';
import { until } from './support/until.js';
import { useWorlds } from './support/world.js';

const { startWorld } = useWorlds();

it.each([
  { mode: 'one host', env: {} },
  { mode: 'a process for each shard', env: { MILLRACE_ISOLATION: 'process' } },
])('a held record runs again, or is skipped, in $mode', async ({ env }) => {
  const world = await startWorld({ shards: 2 });
  const place = { XDG_RUNTIME_DIR: world.folder };
  const retry = { attempts: 1, then: 'hold', maxDelayMs: 600_000 } as const;
  const key = 'one-shard';
  await world.put([
    { id: 'first', key },
    { id: 'better', key, more: { do: 'throw', once: true } },
    { id: 'poison', key, more: { do: 'throw' } },
    { id: 'last', key },
  ]);
  const worker = world.startWorker({ env: { ...env, ...place }, retry });
  const asked = async () =>
    (await findWorkers(place)).workers.find(({ health }) =>
      health.consumers.some(({ applicationName }) => applicationName === world.name),
    );
  const held = (id: string): Promise<HeldRecord> =>
    until(`${id} is held`, async () => {
      const shards = (await asked())?.health.consumers.flatMap((consumer) => consumer.shards) ?? [];
      return shards.flatMap(({ heldRecords }) => heldRecords).find(({ error }) => error.message.startsWith(id));
    });

  const better = (await held('better')).recordId ?? '';
  const operator = await asked();
  expect(await operator?.operate(world.name, 'other', 'skip')).toBeUndefined();
  expect(await operator?.operate(world.name, better, 'park')).toMatchObject({ kind: 'refused' });
  expect(await operator?.operate(world.name, better, 'retry')).toMatchObject({ kind: 'done' });
  const poison = (await held('poison')).recordId ?? '';
  expect(await operator?.operate(world.name, poison, 'skip')).toMatchObject({ kind: 'done' });
  await world.untilHandled(3);

  expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
  expect(world.handled().map(({ payload }) => payload)).toEqual(['first', 'better', 'last']);
  expect(wrongCheckpoints(await world.leases(), world.handled())).toEqual([]);
  expect(await asked()).toBeUndefined();
});
