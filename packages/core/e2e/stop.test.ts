/** The end in order, at any moment: exit code, last checkpoints, nothing left, and the next worker takes over. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { report, roomy } from './support/figures.js';
import { missing, outOfOrder, repeated, strange, wrongCheckpoints } from './support/ledger.js';
import { Load, untilMoving } from './support/load.js';
import { until } from './support/until.js';
import type { Worker } from './support/worker.js';
import { useWorlds, type WorkerPlan, type World } from './support/world.js';

const { startWorld } = useWorlds();

/** The fixture's grace is 10 s. */
const STOPPED_WITHIN_MS = 5_000;
const TAKEN_OVER_WITHIN_MS = 15_000;
const PROGRAM = fileURLToPath(new URL('./fixtures/consumer.mjs', import.meta.url));
const TERMINAL = fileURLToPath(new URL('./fixtures/terminal.py', import.meta.url));

/** When SIGTERM comes; what the worker has to have done by then. */
type Moment = (scene: { readonly world: World; readonly worker: Worker; readonly load: Load }) => Promise<void>;

const underLoad: Moment = async ({ world, load }) => {
  await untilMoving({ world, load }, { at: Date.now(), shards: 2 });
  await sleep(Math.random() * 2_000);
};

/** From the private folder, with which a worker begins, to about its first records. */
const whileStarting: Moment = async ({ world }) => {
  await until('the private folder', async () => (await readdir(scratchOf(world))).length > 0, { pollMs: 20 });
  await sleep(Math.random() * 4_000);
};

/** KCL 3.1.3 cannot end by itself then. */
const afterSplit: Moment = async ({ world, load }) => {
  await untilMoving({ world, load }, { at: Date.now(), shards: 2 });
  const [{ ShardId: parent = '' } = {}] = await world.openShards();
  await world.split(parent);
  await sleep(3_000);
};

const whileSleeping: Moment = async ({ world, load }) => {
  await untilMoving({ world, load }, { at: Date.now(), shards: 2 });
  await world.put([{ id: `sleeper-${Math.random()}`, more: { do: 'slow', ms: 2_000 } }]);
  await sleep(700);
};

it('ends in order on SIGTERM whenever it comes, and the next worker takes over', { timeout: 300_000 }, async () => {
  await Promise.all([
    stopAgainAndAgain([underLoad, whileSleeping, whileStarting, whileStarting, underLoad, whileStarting]),
    stopAgainAndAgain([whileStarting, underLoad, whileStarting, underLoad, whileStarting, afterSplit]),
  ]);
});

async function stopAgainAndAgain(moments: readonly Moment[]): Promise<void> {
  const world = await startWorld({ shards: 2 });
  await mkdir(scratchOf(world));
  const load = new Load(world, { records: 4 });
  for (const [index, moment] of moments.entries()) {
    const startedAt = Date.now();
    const worker = start(world);
    if (index > 0 && moment !== whileStarting) {
      const takenOverMs = await untilMoving({ world, load }, { at: startedAt, shards: 2 });
      report('taken over by the next worker', { takenOverMs });
      expect(takenOverMs).toBeLessThan(roomy(TAKEN_OVER_WITHIN_MS));
    }
    await moment({ world, worker, load });
    await stopInOrder(world, worker, moment.name);
  }
  await load.stop();
  const last = start(world);
  const stored = await world.untilAllHandled();
  await stopInOrder(world, last, 'at the end');
  const handled = world.handled();
  expect(missing(stored, handled)).toEqual([]);
  expect(strange(stored, handled)).toEqual([]);
  expect(repeated(handled)).toEqual([]);
  expect(outOfOrder(handled)).toEqual([]);
}

it('ends in order with a record that is held, and with a handler that never ends', { timeout: 120_000 }, async () => {
  const world = await startWorld({ shards: 2 });
  await mkdir(scratchOf(world));
  const retry = { attempts: 1, then: 'hold' } as const;
  await world.put([...some('early', 20), { id: 'held', more: { do: 'throw' } }, ...some('late', 20)]);
  const worker = start(world, { retry });
  await until('the held record', () => worker.logs.some(({ msg }) => /held on purpose|is held|hold/i.test(msg)), {
    last: () => worker.tail(),
  });
  await stopInOrder(world, worker, 'held');
  expect(world.handled().filter(({ payload }) => payload === 'held')).toEqual([]);

  await world.put([{ id: 'endless', more: { do: 'hang', once: true } }]);
  const next = start(world, { retry });
  await until('the endless handler', async () => (await readdir(world.folder)).includes('endless.done'));
  await stopInOrder(world, next, 'endless', 15_000);
});

it.each([
  { how: 'by itself', command: `${process.execPath} ${PROGRAM}`, shell: '/bin/sh', ends: { code: 0, signal: null } },
  // A shell between npm and the program ends as shells do that have heard of a Ctrl-C, and npm does as it did.
  { how: 'by npm', command: 'npm start --silent', shell: '/bin/sh', ends: { code: null, signal: 'SIGINT' } },
  // This one makes way for the program, which so hears of each Ctrl-C twice: from the terminal, and from npm.
  { how: 'by npm and bash', command: 'npm start --silent', shell: '/bin/bash', ends: { code: 0, signal: null } },
])(
  'ends in order by Ctrl-C in a terminal, started $how',
  { timeout: 120_000 },
  async ({ command, shell, how, ends }) => {
    const world = await startWorld({ shards: 2 });
    await mkdir(scratchOf(world));
    const manifest = { name: 'program', scripts: { start: `${process.execPath} ${PROGRAM}` } };
    await writeFile(join(world.folder, 'package.json'), JSON.stringify(manifest));
    const load = new Load(world);
    const worker = start(world, { node: TERMINAL, env: { E2E_COMMAND: command, npm_config_script_shell: shell } });
    await untilMoving({ world, load }, { at: Date.now(), shards: 2 });
    const at = Date.now();
    worker.signal('SIGUSR1');
    const ended = await worker.ended();
    report(`Ctrl-C, ${how}`, { endedMs: Date.now() - at });
    await load.stop();
    expect(ended, worker.tail()).toEqual(ends);
    await expectNothingLeft(world, worker);
  },
);

it.each([
  { first: 'SIGTERM', code: 143 },
  { first: 'SIGINT', code: 130 },
] as const)(
  'does not wait after a second $first, and leaves nothing',
  { timeout: 120_000 },
  async ({ first, code }) => {
    const world = await startWorld({ shards: 2 });
    await mkdir(scratchOf(world));
    await world.put(some('early', 20));
    const worker = start(world);
    await world.untilHandled(20);
    await world.put([{ id: 'sleeper', more: { do: 'slow', ms: 8_000, once: true } }]);
    await until('the sleeper', async () => (await readdir(world.folder)).includes('sleeper.done'));
    worker.signal(first);
    // Within a second of its hearing of the first, it takes a second for the same one.
    await sleep(2_000);
    const at = Date.now();
    worker.signal(first);
    expect(await worker.ended(), worker.tail()).toEqual({ code, signal: null });
    report(`second ${first}`, { endedMs: Date.now() - at });
    expect(await worker.leftovers()).toEqual([]);
    expect(await readdir(scratchOf(world))).toEqual([]);
  },
);

it('ends with 75 when a handler wants the end, and with 2 when something is wrong', { timeout: 120_000 }, async () => {
  const world = await startWorld({ shards: 2 });
  await mkdir(scratchOf(world));
  await world.put([...some('early', 20), { id: 'ender', more: { do: 'stop' } }]);
  const worker = start(world);
  const wrong = start(world, { options: { failoverTimeMillis: -1 } });
  const wrongInHost = start(world, { env: { E2E_HOST_FAULT: 'yes' } });

  expect(await worker.ended(), worker.tail()).toEqual({ code: 75, signal: null });
  expect(await wrong.ended(), wrong.tail()).toEqual({ code: 2, signal: null });
  expect(await wrongInHost.ended(), wrongInHost.tail()).toEqual({ code: 2, signal: null });
  for (const one of [worker, wrong, wrongInHost]) expect(await one.leftovers()).toEqual([]);
  expect(await readdir(scratchOf(world))).toEqual([]);
  expect(wrongCheckpoints(await world.leases(), world.handled())).toEqual([]);
});

it('ends in order when everything of it is sent SIGTERM, as by a service manager', { timeout: 120_000 }, async () => {
  const world = await startWorld({ shards: 2 });
  await mkdir(scratchOf(world));
  const load = new Load(world);
  const early = start(world);
  await until('a host', () => early.pids('host').length > 0, { pollMs: 10 });
  signalAll(early);
  expect(await early.ended(), early.tail()).toEqual({ code: 0, signal: null });
  await expectNothingLeft(world, early);

  const worker = start(world);
  await untilMoving({ world, load }, { at: Date.now(), shards: 2 });
  signalAll(worker);
  expect(await worker.ended(), worker.tail()).toEqual({ code: 0, signal: null });
  await load.stop();
  await expectNothingLeft(world, worker);
});

function signalAll(worker: Worker): void {
  for (const { pid } of worker.processes()) process.kill(pid, 'SIGTERM');
}

function some(name: string, count: number) {
  return Array.from({ length: count }, (_, n) => ({ id: `${name}-${n}` }));
}

/** A folder for temporary files of workers only, so that what they leave can be seen. */
function scratchOf({ folder }: World): string {
  return join(folder, 'tmp');
}

function start(world: World, plan: WorkerPlan = {}): Worker {
  return world.startWorker({ ...plan, env: { TMPDIR: scratchOf(world), ...plan.env } });
}

async function stopInOrder(world: World, worker: Worker, name: string, withinMs = STOPPED_WITHIN_MS): Promise<void> {
  const at = Date.now();
  expect(await worker.stop(), `${name}\n${worker.tail()}`).toEqual({ code: 0, signal: null });
  const endedMs = Date.now() - at;
  report(`SIGTERM ${name}`, { endedMs });
  expect(endedMs, name).toBeLessThan(roomy(withinMs));
  await expectNothingLeft(world, worker);
}

async function expectNothingLeft(world: World, worker: Worker): Promise<void> {
  expect(await worker.leftovers()).toEqual([]);
  expect(wrongCheckpoints(await world.leases(), world.handled())).toEqual([]);
  expect(await world.leader()).toBeUndefined();
  expect(await readdir(scratchOf(world))).toEqual([]);
}
