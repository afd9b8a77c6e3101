/** The same promises, whoever serves the shards: one host, two hosts, or a process for each shard. */
import { describe, expect, it } from 'vitest';
import {
  coveredBefore,
  keysOutOfOrder,
  missing,
  outOfOrder,
  repeated,
  strange,
  wrongCheckpoints,
} from './support/ledger.js';
import { until } from './support/until.js';
import { useWorlds } from './support/world.js';

const { startWorld } = useWorlds();

describe.each([
  { mode: 'one host', env: {}, server: 'host', servers: 1 },
  { mode: 'two hosts', env: { MILLRACE_HOSTS: '2' }, server: 'host', servers: 2 },
  { mode: 'a process for each shard', env: { MILLRACE_ISOLATION: 'process' }, server: 'child', servers: 3 },
] as const)('$mode', ({ env, server, servers }) => {
  it('stops in the middle of its work with checkpoints at the last record, and goes on there', async () => {
    const world = await startWorld({ shards: 3 });
    const slow = { do: 'slow', ms: 40 };
    await world.put(Array.from({ length: 240 }, (_, n) => ({ id: `note-${n}`, key: `key-${n % 12}`, more: slow })));
    // Written by the stop alone: nothing else brings a checkpoint to the last record.
    const plan = { env, checkpoint: { everyMs: 600_000 } };
    const first = world.startWorker(plan);
    await until('records of every shard', () => new Set(world.handled().map(({ shardId }) => shardId)).size === 3);
    const [serving, relays] = [first.pids(server), first.pids('relay')];

    expect(await first.stop(), first.tail()).toEqual({ code: 0, signal: null });
    const half = world.handled();
    expect(serving).toHaveLength(servers);
    expect(relays).toHaveLength(server === 'host' ? 3 : 0);
    expect(new Set(half.map(({ pid }) => pid))).toEqual(new Set(serving));
    expect(half.length).toBeLessThan(240);
    expect(wrongCheckpoints(await world.leases(), half)).toEqual([]);
    expect(await first.leftovers()).toEqual([]);

    const second = world.startWorker(plan);
    const stored = await world.untilAllHandled();
    expect(await second.stop(), second.tail()).toEqual({ code: 0, signal: null });
    const handled = world.handled();
    expect(stored).toHaveLength(240);
    expect([missing(stored, handled), strange(stored, handled), repeated(handled)]).toEqual([[], [], []]);
    expect([outOfOrder(handled), keysOutOfOrder(handled)]).toEqual([[], []]);
    expect(wrongCheckpoints(await world.leases(), handled)).toEqual([]);
  });

  it('goes from a shard that was split to its children', async () => {
    const world = await startWorld({ shards: 2 });
    const keys = Array.from({ length: 24 }, (_, n) => `key-${n}`);
    const notes = (from: number) => keys.map((key, n) => ({ id: `note-${from + n}`, key }));
    await world.put(notes(0));
    const worker = world.startWorker({ env });
    await world.untilHandled(24);
    const children = await world.split('shardId-000000000000');
    await world.put(notes(24));
    const stored = await world.untilAllHandled();

    const handled = world.handled();
    expect(children).toHaveLength(2);
    expect(children.filter((child) => !handled.some(({ shardId }) => shardId === child))).toEqual([]);
    expect([missing(stored, handled), repeated(handled), keysOutOfOrder(handled)]).toEqual([[], [], []]);
    const parent = (await world.leases()).find(({ shardId }) => shardId === 'shardId-000000000000');
    expect(parent?.checkpoint ?? 'SHARD_END').toBe('SHARD_END');
    // Soon after a reshard Java cannot end by itself; the supervisor does not wait for its grace to be over.
    expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
    expect(wrongCheckpoints(await world.leases(), world.handled())).toEqual([]);
    expect(await worker.leftovers()).toEqual([]);
  });

  it('goes on after one of its processes was killed, and repeats only what no checkpoint covered', async () => {
    const world = await startWorld({ shards: 3 });
    await world.put(Array.from({ length: 450 }, (_, n) => ({ id: `note-${n}`, more: { do: 'slow', ms: 20 } })));
    const worker = world.startWorker({ env, checkpoint: { everyRecords: 10 } });
    await world.untilHandled(90);
    const victim = world.handled().at(-1)?.pid ?? 0;
    const leases = await world.leases();
    process.kill(victim, 'SIGKILL');
    const stored = await world.untilAllHandled();

    const handled = world.handled();
    const isLater = (pid: number): boolean =>
      pid !== victim && !handled.slice(0, 90).some((entry) => entry.pid === pid);
    const later = handled.filter(({ pid }) => isLater(pid));
    expect(later.length).toBeGreaterThan(0);
    expect([missing(stored, handled), strange(stored, handled), outOfOrder(handled)]).toEqual([[], [], []]);
    expect(coveredBefore(leases, later)).toEqual([]);
    await until('as many processes as before', () => worker.pids(server).length === servers);
    expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
    expect(wrongCheckpoints(await world.leases(), world.handled())).toEqual([]);
    expect(await worker.leftovers()).toEqual([]);
  });
});
