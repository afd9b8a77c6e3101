/** Several workers of one application: they share the shards, take over from each other, and get on with Amazon's client. */
import { expect, it } from 'vitest';
import { report, roomy } from './support/figures.js';
import { fetchKclpy, startKclpy } from './support/kclpy.js';
import { keysOutOfOrder, missing, outOfOrder, repeated, strange, type LedgerEntry } from './support/ledger.js';
import { Load, longestLag, untilCheckpointing, untilMoving } from './support/load.js';
import { until } from './support/until.js';
import type { Worker } from './support/worker.js';
import { useWorlds, type World } from './support/world.js';

const { startWorld } = useWorlds();

const SHARDS = 4;
/**
 * The fixture's half a second lets KCL move leases to and fro without end. And a worker that leaves in the middle of a
 * hand-over costs its shard the time that KCL gives for one: 30 s by default.
 */
const options = { leaseAssignmentIntervalMillis: 2_000, gracefulLeaseHandoffTimeoutMillis: 8_000 };
const SETTLED_MS = 4_000;
const TAKEN_OVER_WITHIN_MS = 15_000;
/** A shard that changes hands waits for the hand-over, and for the next worker's session. */
const LAG_WITHIN_MS = 15_000;

it('shares the shards between two workers, and hands all to the one that stays', { timeout: 180_000 }, async () => {
  const world = await startWorld({ shards: SHARDS });
  const load = new Load(world);
  const leaver = world.startWorker({ name: 'leaver', options });
  const stayer = world.startWorker({ name: 'stayer', options });
  await untilShared(world, { load, workers: [leaver, stayer] });
  await untilSettled(world);

  const at = Date.now();
  expect(await leaver.stop(), leaver.tail()).toEqual({ code: 0, signal: null });
  const endedMs = Date.now() - at;
  const takenOverMs = await untilMoving({ world, load }, { at, shards: SHARDS });
  report('SIGTERM on one of two', { endedMs, takenOverMs });
  expect(takenOverMs).toBeLessThan(roomy(TAKEN_OVER_WITHIN_MS, 4));
  expect(await leaver.leftovers()).toEqual([]);
  await untilCheckpointing(world);
  expect(new Set((await world.leases()).map(({ owner }) => owner)).size).toBe(1);

  await checkAtEnd(world, { load, living: [stayer] });
});

it('replaces three workers one by one under load', { timeout: 300_000 }, async () => {
  const world = await startWorld({ shards: SHARDS });
  const load = new Load(world, { records: 8, everyMs: 400 });
  let living = ['one', 'two', 'three'].map((name) => world.startWorker({ name, options }));
  await untilShared(world, { load, workers: living });
  const settledAt = Date.now();
  for (const name of ['four', 'five', 'six']) {
    await untilSettled(world);
    const [oldest, ...others] = living;
    const at = Date.now();
    expect(await oldest?.stop(), oldest?.tail()).toEqual({ code: 0, signal: null });
    const endedMs = Date.now() - at;
    living = [...others, world.startWorker({ name, options })];
    const movingMs = await untilMoving({ world, load }, { at: Date.now(), shards: SHARDS });
    report(`replaced ${oldest?.name ?? ''} by ${name}`, { endedMs, movingMs });
  }
  await untilCheckpointing(world);
  const lagMs = longestLag(load, since(world, load, settledAt));
  report('three workers replaced', { lagMs });
  expect(lagMs).toBeLessThan(roomy(LAG_WITHIN_MS, 4));
  for (const { owner } of await world.leases()) expect(owner).toBeDefined();

  await checkAtEnd(world, { load, living });
});

it('hands over to amazon_kclpy and back', { timeout: 240_000 }, async () => {
  const path = await fetchKclpy();
  const world = await startWorld({ shards: SHARDS });
  const load = new Load(world);
  const first = world.startWorker({ name: 'first', options });
  await untilMoving({ world, load }, { at: Date.now(), shards: SHARDS });

  const python = await startKclpy(world, { name: 'python', path });
  await untilShared(world, { load, workers: [first, python] });
  await untilSettled(world);
  let at = Date.now();
  expect(await first.stop(), first.tail()).toEqual({ code: 0, signal: null });
  const toPythonMs = await untilMoving({ world, load }, { at: Date.now(), shards: SHARDS });
  expect(handlersSince(world, at + 5_000, load)).toEqual(['python']);

  const last = world.startWorker({ name: 'last', options });
  await untilShared(world, { load, workers: [python, last] });
  await untilSettled(world);
  at = Date.now();
  // As always: 143, in order or not.
  expect(await python.stop(), python.tail()).toEqual({ code: 143, signal: null });
  const toMillraceMs = await untilMoving({ world, load }, { at: Date.now(), shards: SHARDS });
  report('Millrace to Python to Millrace', { toPythonMs, toMillraceMs, repeated: repeated(world.handled()).length });

  await checkAtEnd(world, { load, living: [last] });
});

/**
 * Resolves when no lease has changed hands for a while, or KCL does not come to rest: a worker that leaves in the middle of
 * a hand-over costs its shard KCL's time for those, 30 s, and that is not what these tests are about.
 */
async function untilSettled(world: World): Promise<void> {
  let before = '';
  let since = Date.now();
  const settled = async (): Promise<boolean> => {
    const now = (await world.leases()).map(({ owner = 'nobody' }) => owner).join();
    if (now !== before) [before, since] = [now, Date.now()];
    return !now.includes('nobody') && Date.now() - since > SETTLED_MS;
  };
  await until('the leases to settle', settled, { withinMs: 20_000 }).catch(() => undefined);
}

/** Resolves when each worker has handled records that were put from now on. */
async function untilShared(world: World, { load, workers }: { load: Load; workers: readonly Worker[] }): Promise<void> {
  const at = Date.now();
  await until(
    `work for ${workers.map(({ name }) => name).join(' and ')}`,
    () => workers.every(({ name }) => handlersSince(world, at, load).includes(name)),
    { withinMs: 120_000, last: () => world.describe() },
  );
}

function since(world: World, load: Load, at: number): readonly LedgerEntry[] {
  return world.handled().filter(({ payload }) => (load.putAt.get(payload) ?? 0) > at);
}

function handlersSince(world: World, at: number, load: Load): readonly string[] {
  return [...new Set(since(world, load, at).map(({ worker }) => worker))];
}

async function checkAtEnd(world: World, { load, living }: { load: Load; living: readonly Worker[] }): Promise<void> {
  await load.stop();
  const stored = await world.untilAllHandled();
  for (const worker of living) {
    expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
    expect(await worker.leftovers()).toEqual([]);
  }
  const handled = world.handled();
  expect(missing(stored, handled)).toEqual([]);
  expect(strange(stored, handled)).toEqual([]);
  expect(outOfOrder(handled)).toEqual([]);
  expect(keysOutOfOrder(handled)).toEqual([]);
}
