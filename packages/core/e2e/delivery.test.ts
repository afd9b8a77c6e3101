/** Records from Kinesis to handlers and checkpoints back, by Amazon's daemon. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXIT_CODES } from '../src/exit-codes.js';
import { missing, outOfOrder, repeated, strange, wrongCheckpoints } from './support/ledger.js';
import { until } from './support/until.js';
import { useWorlds } from './support/world.js';

const { startWorld } = useWorlds();

it('handles every record of four shards once and in order, and goes on where it stopped', async () => {
  const world = await startWorld({ shards: 4 });
  await world.put(Array.from({ length: 400 }, (_, n) => ({ id: `early-${n}` })));
  const first = world.startWorker();
  await world.untilHandled(400);
  await world.put(Array.from({ length: 200 }, (_, n) => ({ id: `late-${n}` })));
  const stored = await world.untilAllHandled();

  expect(await first.stop(), first.tail()).toEqual({ code: 0, signal: null });
  const handled = world.handled();
  expect(stored).toHaveLength(600);
  expect(new Set(stored.map(({ shardId }) => shardId)).size).toBe(4);
  expect(missing(stored, handled)).toEqual([]);
  expect(strange(stored, handled)).toEqual([]);
  expect(repeated(handled)).toEqual([]);
  expect(outOfOrder(handled)).toEqual([]);
  const leases = await world.leases();
  expect(leases).toHaveLength(4);
  expect(wrongCheckpoints(leases, handled)).toEqual([]);
  expect(await first.leftovers()).toEqual([]);
  expect(await world.leader()).toBeUndefined();

  await world.put(Array.from({ length: 40 }, (_, n) => ({ id: `next-${n}` })));
  const transcripts = join(world.folder, 'transcripts');
  const second = world.startWorker({ env: { MILLRACE_TRANSCRIPTS: transcripts } });
  const all = await world.untilAllHandled();

  expect(await second.stop(), second.tail()).toEqual({ code: 0, signal: null });
  expect(all).toHaveLength(640);
  expect(repeated(world.handled())).toEqual([]);
  expect(outOfOrder(world.handled())).toEqual([]);
  expect(wrongCheckpoints(await world.leases(), world.handled())).toEqual([]);
  // Four sessions have a transcript each, with every record and no payload.
  const told = readdirSync(transcripts).map((name) => readFileSync(join(transcripts, name), 'utf8'));
  expect(told).toHaveLength(4);
  expect(told.join('').match(/\\"action\\":\\"record\\"/g)).toHaveLength(40);
  expect(told.join('')).not.toContain(Buffer.from('{"id":"next-').toString('base64').slice(0, 12));
  for (const each of told)
    expect(each).toMatch(/^\{"atMs":\d+,"dir":"daemon","line":"\{\\"action\\":\\"initialize.*"end":.*\}\n$/s);
});

it('checkpoints inside an aggregate of the KPL: the next start gets exactly the rest', async () => {
  // The KCL drops user records whose key is not of the shard, so there is one shard, which has them all.
  const world = await startWorld({ shards: 1 });
  await world.put([{ id: 'before' }]);
  await world.putAggregate([
    { id: 'part-0' },
    { id: 'part-1' },
    { id: 'part-2', more: { do: 'stop', once: true } },
    { id: 'part-3' },
    { id: 'part-4' },
  ]);
  await world.put([{ id: 'after' }]);
  const first = world.startWorker({ checkpoint: 'record' });

  expect(await first.ended(), first.tail()).toEqual({ code: EXIT_CODES.stopRequested, signal: null });
  expect(world.handled().map(({ payload }) => payload)).toEqual(['before', 'part-0', 'part-1']);
  const [lease] = await world.leases();
  const stored = await world.readStream();
  expect(stored.map(({ id }) => id.split(':').at(-1))).toEqual(['0', '0', '1', '2', '3', '4', '0']);
  expect(`${lease?.shardId}:${lease?.checkpoint}:${lease?.subSequenceNumber}`).toBe(stored[2]?.id);
  expect(await first.leftovers()).toEqual([]);

  const second = world.startWorker({ checkpoint: 'record' });
  await world.untilAllHandled();

  expect(await second.stop(), second.tail()).toEqual({ code: 0, signal: null });
  const again = world.handled().filter(({ worker }) => worker === second.name);
  expect(again.map(({ payload }) => payload)).toEqual(['part-2', 'part-3', 'part-4', 'after']);
  expect(again.map(({ id }) => id)).toEqual(stored.slice(3).map(({ id }) => id));
  expect(wrongCheckpoints(await world.leases(), world.handled())).toEqual([]);
});

it('asked to end while the daemon starts, it ends at once, and nobody waits for what it has left', async () => {
  const world = await startWorld({ shards: 2 });
  await world.put([{ id: 'waiting' }]);
  const first = world.startWorker();
  await until('Java', () => first.pids('java').length > 0, { pollMs: 50 });

  expect(await first.stop(), first.tail()).toEqual({ code: 0, signal: null });
  expect(world.handled()).toEqual([]);
  expect(await first.leftovers()).toEqual([]);
  expect(await world.leader()).toBeUndefined();

  const second = world.startWorker();
  await world.untilHandled(1);
  expect(await second.stop(), second.tail()).toEqual({ code: 0, signal: null });
  expect(await second.leftovers()).toEqual([]);
});
