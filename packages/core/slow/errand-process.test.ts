import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { ManualClock } from '../test/support/manual-clock.js';
import { ErrandProcess } from '../src/supervisor/errand-process.js';
import { MARK, markedProcesses } from '../e2e/support/processes.js';

const SOURCE = new URL('../src/supervisor/errand-process.ts', import.meta.url).href;
const PROGRAM = new URL('../dist/errand.main.js', import.meta.url);

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const mark = randomUUID();
const clock = new ManualClock();
const errands = new ErrandProcess({
  env: { ...process.env, [MARK]: mark },
  clock,
  logger: silent,
  program: PROGRAM,
});
const ORDER = { kind: 'findLaunch', env: { MILLRACE_JARS: '/no/where' }, java: undefined } as const;

const sent = () => markedProcesses(mark, undefined).map(({ pid }) => pid);

async function untilGone(): Promise<void> {
  while (sent().length > 0) await new Promise(setImmediate);
}

afterEach(async () => {
  errands.close();
  await untilGone();
});

it('an errand is run by another process, whose error comes back with its code and details', async () => {
  const running = errands.run(ORDER);
  expect(sent()).toHaveLength(1);
  await expect(running).rejects.toMatchObject({ code: expect.any(String), details: expect.any(Object) });
});

it('the process serves one errand after the other, and ends when none has come for a while', async () => {
  await errands.run(ORDER).catch(() => undefined);
  const [first] = sent();
  await errands.run(ORDER).catch(() => undefined);
  expect(sent()).toEqual([first]);

  await clock.advance(2_000);
  await untilGone();
});

it('the process can be started for an errand that is yet to come', async () => {
  errands.warm('tables');
  const early = sent();
  expect(early).toHaveLength(1);
  await errands.run(ORDER).catch(() => undefined);
  expect(sent()).toEqual(early);
});

it('the process stays as long as somebody holds it', async () => {
  const release = errands.hold();
  await errands.run(ORDER).catch(() => undefined);
  await clock.advance(60_000);
  expect(sent()).toHaveLength(1);

  release();
  await clock.advance(2_000);
  await untilGone();
});

it('an errand whose process is killed is run in this one', async () => {
  const running = errands.run(ORDER);
  for (const pid of sent()) process.kill(pid, 'SIGKILL');
  await expect(running).rejects.toMatchObject({ code: expect.any(String) });
});

it('nobody waits for an errand that is given up', async () => {
  const given = new AbortController();
  const running = errands.run(ORDER, given.signal);
  given.abort(new Error('given up'));
  await expect(running).rejects.toThrow('given up');
});

it('an errand that is not done when the process is given up is given up, too', async () => {
  const running = errands.run(ORDER);
  errands.close();
  await expect(running).rejects.toMatchObject({ code: 'WORKER_STOPPED' });
});

it('a program waits for the answer, also when it has nothing else to do', async () => {
  const program = `
    const { ErrandProcess } = await import(${JSON.stringify(SOURCE)});
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const clock = { now: Date.now, monotonicMs: () => performance.now(), setTimer: () => ({ cancel() {} }) };
    const errands = new ErrandProcess({ env: process.env, clock, logger, program: new URL(${JSON.stringify(PROGRAM)}) });
    await errands.run(${JSON.stringify(ORDER)}).catch((error) => console.log(error.code));`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--import', '@oxc-node/core/register', '--input-type=module'],
    ...['-e', program],
  ]);
  expect(stdout).toMatch(/^[A-Z_]+\n$/);
});

it('is none of the process group that a terminal sends its signals to, and outlives a stop that is sent to all', async () => {
  await errands.run(ORDER).catch(() => undefined);
  const [pid = 0] = sent();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) process.kill(pid, signal);
  await errands.run(ORDER).catch(() => undefined);
  expect(sent()).toEqual([pid]);
});
