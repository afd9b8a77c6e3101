/** Several records of a shard at once, with batches acknowledged ahead, on the real daemon, killed again and again under load. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { report } from './support/figures.js';
import { keysOutOfOrder, missing, repeated, strange, wrongCheckpoints } from './support/ledger.js';
import { duplicatesSince, Load, untilMoving } from './support/load.js';
import type { Worker } from './support/worker.js';
import { useWorlds } from './support/world.js';

const { startWorld } = useWorlds();

const SHARDS = 2;
const KILLS = 6;
const SETTLED_WITHIN_MS = 1_500;

it(
  `loses nothing and keeps the order of each key over ${KILLS} kills of hosts and of Java`,
  { timeout: 300_000 },
  async () => {
    const world = await startWorld({ shards: SHARDS });
    const load = new Load(world, { records: 25 });
    const start = (name: string): Worker => world.startWorker({ name, env: { E2E_LANES: '16' } });
    let worker = start('first');
    await world.untilHandled(100);
    let again = 0;

    for (let kill = 0; kill < KILLS; kill += 1) {
      const role = kill % 3 === 2 ? 'java' : 'host';
      // A worker whose daemon has failed eight times within five minutes gives up, as it should.
      if (kill === KILLS / 2) {
        expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
        worker = start('second');
        await untilMoving({ world, load }, { at: Date.now(), shards: SHARDS });
      }
      await sleep(Math.random() * SETTLED_WITHIN_MS);
      const [victim] = worker.pids(role);
      if (victim === undefined) throw new Error(`There is no ${role}.\n${worker.tail()}`);
      process.kill(victim, 'SIGKILL');
      const at = Date.now();
      const durable = await world.leases();
      await untilMoving({ world, load }, { at, shards: SHARDS });
      const since = duplicatesSince(at, { entries: world.handled(), durable });
      expect(since.forbidden, `kill ${kill} (${role})`).toEqual([]);
      expect(since.again.length, `kill ${kill} (${role})`).toBeLessThanOrEqual(since.allowed);
      again += since.again.length;
    }

    await load.stop();
    const stored = await world.untilAllHandled();
    expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
    const handled = world.handled();
    report(`${KILLS} kills with lanes`, { records: stored.length, again });
    expect(missing(stored, handled)).toEqual([]);
    expect(strange(stored, handled)).toEqual([]);
    expect(keysOutOfOrder(handled)).toEqual([]);
    expect(repeated(handled).length).toBeGreaterThan(0);
    expect(wrongCheckpoints(await world.leases(), handled)).toEqual([]);
    expect(await worker.leftovers()).toEqual([]);
  },
);
