/** What a misbehaving handler on one shard costs the others: nothing, as far as processes and event loops allow it. */
import { describe, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { missing, outOfOrder, repeated, wrongCheckpoints } from './support/ledger.js';
import { aimAt, eventsOf, healthUrl, loggedAt, MISFIT, untilEvent, untilLogged } from './support/misfit.js';
import { until } from './support/until.js';
import { useWorlds, type World } from './support/world.js';

const { startWorld } = useWorlds();

const RATE_KEPT = 0.95;
const BLOCK_MS = 10_000;
const REPORTED_WITHIN_MS = 5_000;
/** A record of a good shard takes so long: its rate is the handler's own, whatever the machine does besides. */
const PACE_MS = 50;
/** A batch every five seconds: the daemon has to deliver all the time, and its loop does not set the pace. */
const OPTIONS = { maxRecords: 100 };

const paced = (name: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({ id: `${name}-${n}`, more: { do: 'slow', ms: PACE_MS } }));

/** Records in a second. */
function rateOf(world: World, shardIds: readonly string[], [from, to]: readonly [number, number]): number {
  const count = world.handled().filter(({ shardId, at }) => shardIds.includes(shardId) && at >= from && at < to).length;
  return (count * 1_000) / (to - from);
}

async function rateDuring(world: World, shardIds: readonly string[], ms: number): Promise<number> {
  const from = Date.now();
  await sleep(ms);
  return rateOf(world, shardIds, [from, Date.now()]);
}

/** Each of these shards has handled something lately. */
async function untilFlowing(world: World, shardIds: readonly string[]): Promise<void> {
  const flows = (shardId: string): boolean => world.handled().filter((entry) => entry.shardId === shardId).length > 30;
  await until('every shard to flow', () => shardIds.every(flows), { last: () => world.describe() });
}

function report(what: string, before: number, during: number): void {
  const kept = ((during / before) * 100).toFixed(1);
  console.log(
    `${what}: ${before.toFixed(1)} records/s before, ${during.toFixed(1)} during (${kept} %, limit ${RATE_KEPT * 100} %)`,
  );
}

describe('a shard whose handler', () => {
  it('throws for ever, awaits for ever, prints, exits or leaks a timer that throws leaves the others their rate', async () => {
    const world = await startWorld({ shards: 7 });
    const { shardIds, put } = await aimAt(world);
    const [left = '', right = '', ...bad] = shardIds;
    const good = [left, right];
    for (const shardId of good) await put(shardId, paced(shardId, 700));
    const worker = world.startWorker({
      program: MISFIT,
      options: OPTIONS,
      retry: { initialDelayMs: 50, maxDelayMs: 200, timeoutMs: 4_000, then: 'hold' },
    });
    await untilFlowing(world, good);
    const [java, host] = [worker.pids('java'), worker.pids('host')];
    const before = await rateDuring(world, good, 6_000);
    for (const [index, deed] of ['throw', 'hang', 'print', 'exit', 'leakTimer'].entries())
      await put(bad[index] ?? '', [{ id: `bad-${deed}`, more: { do: deed } }, { id: `after-${deed}` }]);
    await until('every misdeed', () => new Set(eventsOf(world).map(({ payload }) => payload)).size === 5);
    const during = await rateDuring(world, good, 10_000);

    report('beside five misfits', before, during);
    expect(during / before).toBeGreaterThanOrEqual(RATE_KEPT);
    expect([worker.pids('java'), worker.pids('host')]).toEqual([java, host]);
    const handled = (payload: string): boolean => world.handled().some((entry) => entry.payload === payload);
    expect(['bad-print', 'after-print'].filter((payload) => !handled(payload))).toEqual([]);
    expect(['after-throw', 'after-hang', 'after-exit'].filter(handled)).toEqual([]);
    const stoppedAt = performance.now();
    expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
    console.log(`the end of a worker with a handler that never ends: ${Math.round(performance.now() - stoppedAt)} ms`);
    expect(await worker.leftovers()).toEqual([]);
    expect(wrongCheckpoints(await world.leases(), world.handled())).toEqual([]);

    world.startWorker({ program: MISFIT, env: { E2E_TAME: '1' } });
    const stored = await world.untilAllHandled();
    expect(missing(stored, world.handled())).toEqual([]);
    expect([repeated(world.handled()), outOfOrder(world.handled())]).toEqual([[], []]);
  });
});

describe('a handler that blocks the event loop', () => {
  it('is named with its stack within five seconds; the other host keeps its rate and nothing is lost', async () => {
    const world = await startWorld({ shards: 4 });
    const { shardIds, put } = await aimAt(world);
    for (const shardId of shardIds) await put(shardId, [{ id: `first-of-${shardId}` }]);
    const env = { MILLRACE_HOSTS: '2', MILLRACE_HEALTH_PORT: '0' };
    const worker = world.startWorker({ program: MISFIT, options: OPTIONS, env });
    const url = await healthUrl(worker);
    const first = await world.untilHandled(4);
    const java = worker.pids('java');
    const pidOf = new Map(first.map(({ shardId, pid }) => [shardId, pid]));
    const [victim = '', ...rest] = shardIds;
    const spared = rest.filter((shardId) => pidOf.get(shardId) !== pidOf.get(victim));
    expect(spared).toHaveLength(2);
    for (const shardId of spared) await put(shardId, paced(shardId, 700));
    await untilFlowing(world, spared);
    const before = await rateDuring(world, spared, 5_000);
    await put(victim, [{ id: 'blocker', more: { do: 'block', ms: BLOCK_MS, once: true } }, { id: 'behind' }]);

    const began = await untilEvent(world, 'began', 'blocker');
    const during = rateDuring(world, spared, BLOCK_MS - 1_500);
    const line = await untilLogged(worker, /^The event loop of host-\d has been blocked/);
    const reportedMs = loggedAt(line) - began.at;
    // The supervisor learns of it by itself, from a host that does not answer: a moment before or after the stack.
    await until('/live to say so', async () => (await fetch(`${url}/live`)).status === 503, { withinMs: 5_000 });
    report('on the other host', before, await during);
    console.log(`the blocked loop was reported after ${reportedMs} ms (limit ${REPORTED_WITHIN_MS} ms)`);
    expect(reportedMs).toBeLessThanOrEqual(REPORTED_WITHIN_MS);
    expect(line.msg).toMatch(/at computeForTooLong \(.*\/e2e\/fixtures\/misfit\.mjs:\d+:\d+\)/);
    expect((await during) / before).toBeGreaterThanOrEqual(RATE_KEPT);
    const stored = await world.untilAllHandled();
    expect(worker.pids('java')).toEqual(java);
    expect((await fetch(`${url}/live`)).status).toBe(200);
    expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
    const handled = world.handled();
    expect([missing(stored, handled), repeated(handled), outOfOrder(handled)]).toEqual([[], [], []]);
    expect(wrongCheckpoints(await world.leases(), handled)).toEqual([]);
    expect(await worker.leftovers()).toEqual([]);
  });

  it.each([
    { name: 'ends within the grace', blockMs: 5_000, lostTime: false },
    { name: 'outlasts the grace', blockMs: 25_000, lostTime: true },
  ])('and $name does not keep SIGTERM from ending the worker, and nothing is lost', async ({ blockMs, lostTime }) => {
    const world = await startWorld({ shards: 2 });
    const { shardIds, put } = await aimAt(world);
    const [shard = '', other = ''] = shardIds;
    await put(other, paced(other, 100));
    await put(shard, [
      { id: 'first' },
      { id: 'blocker', more: { do: 'block', ms: blockMs, once: true } },
      { id: 'last' },
    ]);
    const worker = world.startWorker({ program: MISFIT, checkpoint: { everyMs: 600_000 } });
    await untilEvent(world, 'began', 'blocker');
    await sleep(1_000);

    const stoppedAt = performance.now();
    const ended = await worker.stop(40_000);
    const tookMs = performance.now() - stoppedAt;
    console.log(
      `SIGTERM during a block of ${blockMs} ms: ended after ${Math.round(tookMs)} ms with code ${ended.code}`,
    );
    expect(ended, worker.tail()).toEqual({ code: 0, signal: null });
    // The grace is 10 s; a host that does not hear that it is over is ended 6 s later.
    expect(tookMs).toBeLessThan(lostTime ? 18_000 : 10_000);
    expect(await worker.leftovers()).toEqual([]);
    if (!lostTime) expect(wrongCheckpoints(await world.leases(), world.handled())).toEqual([]);

    world.startWorker({ program: MISFIT });
    const stored = await world.untilAllHandled();
    expect(missing(stored, world.handled())).toEqual([]);
    if (!lostTime) expect(repeated(world.handled())).toEqual([]);
    expect(outOfOrder(world.handled())).toEqual([]);
  });
});
