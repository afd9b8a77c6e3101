/** Whatever is killed: nothing is lost, nothing of ours is left, and what lives recovers. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { report, roomy } from './support/figures.js';
import { missing, outOfOrder, strange, wrongCheckpoints } from './support/ledger.js';
import { duplicatesSince, Load, untilCheckpointing, untilMoving } from './support/load.js';
import type { ProcessRole } from './support/processes.js';
import { until } from './support/until.js';
import type { Worker } from './support/worker.js';
import { useWorlds, type World } from './support/world.js';

const { startWorld } = useWorlds();

const SHARDS = 2;
/** A restart under the same id; the supervisor that lives is quicker, since it need not look for an id. */
const RESUMED_WITHIN_MS = 6_000;

it(
  'recovers by itself when a host, Java, a relay or the guard is killed under load',
  { timeout: 240_000 },
  async () => {
    const world = await startWorld({ shards: SHARDS });
    const scratch = await makeScratch(world);
    const load = new Load(world);
    const worker = world.startWorker({ env: { TMPDIR: scratch } });
    await world.untilHandled(1);

    for (const role of ['host', 'java', 'relay', 'guard'] as const) {
      await untilCheckpointing(world);
      const java = worker.pids('java');
      const { at, durable } = await killOne(world, worker, role);
      const resumedMs = await untilMoving({ world, load }, { at, shards: SHARDS });
      const { again, allowed, forbidden } = duplicatesSince(at, { entries: world.handled(), durable });
      report(`${role} killed under load`, { resumedMs, duplicates: again.length, allowed });
      expect(forbidden, role).toEqual([]);
      expect(again.length, role).toBeLessThanOrEqual(allowed);
      expect(resumedMs, role).toBeLessThan(roomy(RESUMED_WITHIN_MS, 5));
      if (role === 'guard') {
        expect(worker.pids('java')).toEqual(java);
        await until('another guard', () => worker.pids('guard').length === 1);
      } else expect(worker.pids('java')).not.toEqual(java);
    }

    await load.stop();
    await checkEnd(world, worker);
    expect(await readdir(scratch)).toEqual([]);
  },
);

it('leaves nothing when the supervisor is killed, or everything, and resumes', { timeout: 240_000 }, async () => {
  const world = await startWorld({ shards: SHARDS });
  const scratch = await makeScratch(world);
  const load = new Load(world);
  let worker = world.startWorker({ name: 'first', env: { TMPDIR: scratch } });
  await world.untilHandled(1);

  for (const victims of ['supervisor', 'all'] as const) {
    await untilCheckpointing(world);
    const { at, durable } = await (victims === 'all' ? killAll(world, worker) : killOne(world, worker, victims));
    expect(await worker.leftovers(5_000), victims).toEqual([]);
    const goneMs = Date.now() - at;
    if (victims === 'supervisor') expect(await readdir(scratch)).toEqual([]);

    const restartedAt = Date.now();
    worker = world.startWorker({ name: `after ${victims}`, env: { TMPDIR: scratch } });
    const resumedMs = await untilMoving({ world, load }, { at: restartedAt, shards: SHARDS });
    const { again, allowed, forbidden } = duplicatesSince(at, { entries: world.handled(), durable });
    report(`${victims} killed under load`, { goneMs, resumedMs, duplicates: again.length, allowed });
    expect(forbidden, victims).toEqual([]);
    expect(again.length, victims).toBeLessThanOrEqual(allowed);
    expect(resumedMs, victims).toBeLessThan(roomy(RESUMED_WITHIN_MS, 5));
  }
  // The guard was killed too and could not remove its folder; the next worker has.
  expect(await readdir(scratch)).toHaveLength(1);

  // The lead that a killed worker had stays its own for two minutes, unless the next life of the same worker gives it back.
  const [{ ShardId: parent = '' } = {}] = await world.openShards();
  const splitAt = Date.now();
  const children = await world.split(parent);
  await until('records of the children', () => {
    const shards = new Set(world.handled().map(({ shardId }) => shardId));
    return children.every((child) => shards.has(child));
  });
  report('split after a kill', { childrenMs: Date.now() - splitAt });

  await load.stop();
  await checkEnd(world, worker);
  expect(await readdir(scratch)).toEqual([]);
});

it('notices a killed relay, host and Java while no record flows', { timeout: 240_000 }, async () => {
  const world = await startWorld({ shards: SHARDS });
  const worker = world.startWorker();
  await world.put(Array.from({ length: 20 }, (_, n) => ({ id: `early-${n}` })));
  await world.untilHandled(20);

  for (const role of ['relay', 'host', 'java'] as const) {
    await until('a quiet worker', () => worker.pids('relay').length === SHARDS);
    // Long enough for the last checkpoint, and for every shard to be idle.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const before = new Set(worker.pids('relay'));
    const { at } = await killOne(world, worker, role);
    await until('new sessions', () => worker.pids('relay').filter((pid) => !before.has(pid)).length === SHARDS, {
      withinMs: 60_000,
      pollMs: 100,
      last: () => worker.tail(),
    });
    const sessionsMs = Date.now() - at;
    report(`${role} killed while idle`, { sessionsMs });
    expect(sessionsMs, role).toBeLessThan(roomy(RESUMED_WITHIN_MS, 5));
    await world.put(Array.from({ length: 8 }, (_, n) => ({ id: `after-${role}-${n}` })));
    await world.untilAllHandled(20_000);
  }
  await checkEnd(world, worker);
});

/** A folder for temporary files of workers only, so that what they leave can be seen. */
async function makeScratch({ folder }: World): Promise<string> {
  const path = join(folder, 'tmp');
  await mkdir(path);
  return path;
}

async function killOne(world: World, worker: Worker, role: ProcessRole) {
  const [victim] = role === 'supervisor' ? [worker.pid] : worker.pids(role);
  if (victim === undefined) throw new Error(`There is no ${role}.\n${worker.tail()}`);
  process.kill(victim, 'SIGKILL');
  const at = Date.now();
  return { at, durable: await world.leases() };
}

/** Stopped first, so that none can do anything about the death of another. */
async function killAll(world: World, worker: Worker) {
  const everyone = worker.processes();
  for (const signal of ['SIGSTOP', 'SIGKILL'] as const)
    for (const { pid } of everyone.toReversed()) process.kill(pid, signal);
  const at = Date.now();
  return { at, durable: await world.leases() };
}

async function checkEnd(world: World, worker: Worker): Promise<void> {
  const stored = await world.untilAllHandled();
  expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
  const handled = world.handled();
  expect(missing(stored, handled)).toEqual([]);
  expect(strange(stored, handled)).toEqual([]);
  expect(outOfOrder(handled)).toEqual([]);
  expect(wrongCheckpoints(await world.leases(), handled)).toEqual([]);
  expect(await worker.leftovers()).toEqual([]);
}
