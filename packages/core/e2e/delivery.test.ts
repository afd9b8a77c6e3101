/** Records from Kinesis to handlers and checkpoints back, by Amazon's daemon. */
import { expect, it } from 'vitest';
import { missing, outOfOrder, repeated, strange, wrongCheckpoints } from './support/ledger.js';
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
  const second = world.startWorker();
  const all = await world.untilAllHandled();

  expect(await second.stop(), second.tail()).toEqual({ code: 0, signal: null });
  expect(all).toHaveLength(640);
  expect(repeated(world.handled())).toEqual([]);
  expect(outOfOrder(world.handled())).toEqual([]);
  expect(wrongCheckpoints(await world.leases(), world.handled())).toEqual([]);
});
