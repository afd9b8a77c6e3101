/** What becomes of a shard whose lease goes to somebody else while its handler runs, and of one that is held. */
import { afterEach, describe, expect, it } from 'vitest';
import { coveredBefore, missing, outOfOrder, repeated, wrongCheckpoints, type LeaseRow } from './support/ledger.js';
import { aimAt, eventsOf, healthUrl, MISFIT, untilEvent } from './support/misfit.js';
import { THIEF, Thief } from './support/thief.js';
import { until } from './support/until.js';
import { useWorlds, type World } from './support/world.js';
import type { Worker } from './support/worker.js';

const { startWorld } = useWorlds();

const FAILOVER_MS = 2_000;
/** lease-watch.ts looks at shards whose action has been open for so long. */
const WATCH_AFTER_MS = 10_000;
/** The status of hosts comes once a second. */
const STATUS_MS = 1_000;
const ABORT_WITHIN_MS = 2 * FAILOVER_MS;

let world: World;
let thief: Thief;

afterEach(() => thief.close());

async function start(shards: number): Promise<void> {
  world = await startWorld({ shards });
  thief = new Thief(world);
}

async function lease(shardId: string): Promise<LeaseRow | undefined> {
  return (await world.leases()).find((row) => row.shardId === shardId);
}

const placeOf = (row: LeaseRow | undefined): string => `${row?.shardId}:${row?.checkpoint}:${row?.subSequenceNumber}`;

/** Every shard has handled and checkpointed one record. */
async function settleFirst(shardIds: readonly string[]): Promise<void> {
  await world.untilHandled(shardIds.length);
  const settled = async (): Promise<boolean> =>
    wrongCheckpoints(await world.leases(), world.handled()).length === 0 &&
    (await world.leases()).every(({ checkpoint }) => /^\d+$/.test(checkpoint));
  await until('the first checkpoints', settled, { last: () => world.describe() });
}

function report(what: string, ms: number, limitMs: number): void {
  console.log(`${what}: ${Math.round(ms)} ms (limit ${limitMs} ms)`);
}

async function ownerOf(shardId: string): Promise<string> {
  return until('the owner', async () => (await lease(shardId))?.owner);
}

function javaOf(worker: Worker): number | undefined {
  return worker.pids('java')[0];
}

describe('a lease that was stolen during a long handler', () => {
  it('aborts the handler in time, and nothing is checkpointed any more; the others go on, and so does the worker', async () => {
    await start(3);
    const { shardIds, put } = await aimAt(world);
    const [early = '', late = '', other = ''] = shardIds;
    for (const shardId of shardIds) await put(shardId, [{ id: `first-of-${shardId}` }]);
    const worker = world.startWorker({ program: MISFIT, checkpoint: 'record', retry: { timeoutMs: 120_000 } });
    await settleFirst(shardIds);
    const java = javaOf(worker);
    const before = await world.leases();
    for (const shardId of [early, late])
      await put(shardId, [
        { id: `long-of-${shardId}`, more: { do: 'wait', ms: 120_000, once: true } },
        { id: `next-of-${shardId}` },
      ]);
    const began = await untilEvent(world, 'began', `long-of-${early}`);
    const lateBegan = await untilEvent(world, 'began', `long-of-${late}`);
    await thief.steal(early);
    await put(
      other,
      Array.from({ length: 20 }, (_, n) => ({ id: `other-${n}` })),
    );

    const aborted = await untilEvent(world, 'aborted', `long-of-${early}`);
    const sinceWatchMs = aborted.at - began.at - WATCH_AFTER_MS;
    report('stolen before the watch looked: aborted after it looks', sinceWatchMs, ABORT_WITHIN_MS + STATUS_MS);
    expect(sinceWatchMs).toBeLessThanOrEqual(ABORT_WITHIN_MS + STATUS_MS);
    expect(sinceWatchMs).toBeGreaterThan(-FAILOVER_MS);
    await until('the watch to look', () => Date.now() - lateBegan.at > WATCH_AFTER_MS + FAILOVER_MS);
    const stolenAt = await thief.steal(late);
    const lateAborted = await untilEvent(world, 'aborted', `long-of-${late}`);
    const sinceTheftMs = lateAborted.at - stolenAt;
    report('stolen while the watch looked: aborted after the theft', sinceTheftMs, ABORT_WITHIN_MS);
    expect(sinceTheftMs).toBeLessThanOrEqual(ABORT_WITHIN_MS);

    // Long enough for whatever would still be written.
    await until('the others', () => world.handled().filter(({ shardId }) => shardId === other).length === 21);
    await until('two failover times', () => Date.now() - lateAborted.at > 2 * FAILOVER_MS);
    const after = await world.leases();
    for (const shardId of [early, late]) {
      const [row, former] = [after, before].map((rows) => rows.find((one) => one.shardId === shardId));
      expect(placeOf(row)).toBe(placeOf(former));
      expect(row?.owner).toBe(THIEF);
    }
    expect(world.handled().filter(({ shardId }) => shardId !== other)).toHaveLength(2);
    expect(javaOf(worker)).toBe(java);

    // The thief dies: what it had comes back, from the last checkpoint on.
    thief.close();
    const stored = await world.untilAllHandled();
    expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
    const handled = world.handled();
    expect([missing(stored, handled), repeated(handled), outOfOrder(handled)]).toEqual([[], [], []]);
    expect(coveredBefore(before, handled.slice(3))).toEqual([]);
    expect(wrongCheckpoints(await world.leases(), handled)).toEqual([]);
    expect(await worker.leftovers()).toEqual([]);
  });
});

describe('a lease that is handed over during a long batch', () => {
  it('drains in order: the handler finishes, the watermark is written, the next owner gets exactly the rest', async () => {
    await start(2);
    const { shardIds, put } = await aimAt(world);
    const [shard = '', other = ''] = shardIds;
    await put(
      shard,
      Array.from({ length: 60 }, (_, n) => ({ id: `slow-${n}`, more: { do: 'slow', ms: 500 } })),
    );
    const worker = world.startWorker({ program: MISFIT, checkpoint: { everyMs: 600_000 } });
    const [first] = await world.untilHandled(1);
    const us = await ownerOf(shard);
    await until('the watch to look', () => Date.now() - (first?.at ?? 0) > WATCH_AFTER_MS + STATUS_MS);

    const askedAt = await thief.askFor(shard, us);
    const ours = (): number => world.handled().filter(({ shardId }) => shardId === shard).length;
    const given = await until(
      'the hand-over',
      async () => {
        const row = await lease(shard);
        const last = world.handled().findLast(({ shardId }) => shardId === shard);
        return placeOf(row) === last?.id ? { row, count: ours() } : false;
      },
      { withinMs: 30_000, pollMs: 100, last: () => world.describe() },
    );
    report('handed over: drained and checkpointed', Date.now() - askedAt, ABORT_WITHIN_MS);
    expect(Date.now() - askedAt).toBeLessThanOrEqual(ABORT_WITHIN_MS + STATUS_MS);
    expect(given.count).toBeLessThan(60);
    thief.renew(shard);
    await put(other, [{ id: 'other' }]);
    await until('the other shard', () => world.handled().some(({ shardId }) => shardId === other));
    await until('two failover times', () => Date.now() - askedAt > 4 * FAILOVER_MS);
    expect(ours()).toBe(given.count);
    expect((await lease(shard))?.owner).toBe(THIEF);

    await thief.drop(shard);
    const stored = await world.untilAllHandled();
    expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
    const handled = world.handled();
    expect([missing(stored, handled), repeated(handled), outOfOrder(handled)]).toEqual([[], [], []]);
    expect(wrongCheckpoints(await world.leases(), handled)).toEqual([]);
    expect(await worker.leftovers()).toEqual([]);
  });
});

describe('a lease that was stolen and given back during a long handler', () => {
  it.each([{ hosts: 1 }, { hosts: 2 }])(
    'the younger session puts the older one in doubt, with $hosts host(s)',
    async ({ hosts }) => {
      // A host that has no session yet gets the next one, so with two hosts one shard makes it change its process.
      await start(hosts === 2 ? 1 : 2);
      const { shardIds, put } = await aimAt(world);
      const [shard = ''] = shardIds;
      for (const shardId of shardIds) await put(shardId, [{ id: `first-of-${shardId}` }]);
      const env = { MILLRACE_HOSTS: String(hosts) };
      const worker = world.startWorker({ program: MISFIT, checkpoint: 'record', retry: { timeoutMs: 120_000 }, env });
      await settleFirst(shardIds);
      const java = javaOf(worker);
      await put(shard, [
        { id: 'long', more: { do: 'wait', ms: 60_000, once: true } },
        ...Array.from({ length: 10 }, (_, n) => ({ id: `after-${n}` })),
      ]);
      const began = await untilEvent(world, 'began', 'long');
      await thief.steal(shard);
      await until('the worker to notice', () => Date.now() - began.at > FAILOVER_MS);
      await thief.drop(shard);

      const aborted = await untilEvent(world, 'aborted', 'long');
      report('stolen and given back: aborted after the handler began', aborted.at - began.at, WATCH_AFTER_MS);
      console.log(aborted.reason);
      expect(aborted.at - began.at).toBeLessThan(WATCH_AFTER_MS);
      const stored = await world.untilAllHandled();
      const again = world.handled().find(({ payload }) => payload === 'long');
      if (hosts === 2) expect(again?.pid).not.toBe(began.pid);
      expect(javaOf(worker)).toBe(java);
      expect(eventsOf(world).filter(({ what }) => what === 'began')).toHaveLength(1);
      expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
      const handled = world.handled();
      expect([missing(stored, handled), repeated(handled), outOfOrder(handled)]).toEqual([[], [], []]);
      expect(wrongCheckpoints(await world.leases(), handled)).toEqual([]);
      expect(await worker.leftovers()).toEqual([]);
    },
  );
});

describe('a record that is held', () => {
  it('is red in health and green in /live; the others go on, and SIGTERM ends in order', async () => {
    await start(3);
    const { shardIds, put } = await aimAt(world);
    const [shard = '', ...others] = shardIds;
    await put(shard, [{ id: 'good' }, { id: 'bad', more: { do: 'throw' } }, { id: 'behind' }]);
    const env = { MILLRACE_HEALTH_PORT: '0' };
    const retry = { attempts: 2, initialDelayMs: 50, then: 'hold' } as const;
    const worker = world.startWorker({ program: MISFIT, checkpoint: { everyMs: 500 }, retry, env });
    const url = await healthUrl(worker);
    const held = await until('the record to be held', async () => {
      const health = await healthOf(url);
      return health.consumers[0]?.shards.find((one) => one.shardId === shard && one.state === 'held') && health;
    });
    const live = await fetch(`${url}/live`);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    for (const other of others)
      await put(
        other,
        Array.from({ length: 50 }, (_, n) => ({ id: `${other}-${n}` })),
      );
    await world.untilHandled(101);

    expect(live.status).toBe(200);
    expect(held.healthy).toBe(false);
    const bad = (await world.readStream()).find(({ data }) => Buffer.from(data).includes('"bad"'));
    expect(held.consumers[0]?.shards.find(({ shardId }) => shardId === shard)?.held?.recordId).toBe(bad?.id);
    expect(metrics).toMatch(new RegExp(`millrace_shard_held\\{[^}]*shard="${shard}"[^}]*\\} 1`));
    const stoppedAt = performance.now();
    expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
    report('end of a worker that holds a record', performance.now() - stoppedAt, 10_000);
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
    expect(wrongCheckpoints(await world.leases(), world.handled())).toEqual([]);
    expect(await worker.leftovers()).toEqual([]);

    world.startWorker({ program: MISFIT, env: { E2E_TAME: '1' } });
    const stored = await world.untilAllHandled();
    expect([repeated(world.handled()), outOfOrder(world.handled())]).toEqual([[], []]);
    expect(stored).toHaveLength(103);
  });
});

interface Health {
  readonly healthy: boolean;
  readonly consumers: readonly {
    readonly shards: readonly {
      readonly shardId: string;
      readonly state: string;
      readonly held?: { readonly recordId?: string };
    }[];
  }[];
}

async function healthOf(url: string): Promise<Health> {
  return (await (await fetch(`${url}/health`)).json()) as Health;
}
