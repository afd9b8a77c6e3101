/** What an operator wants of a record that a host holds: over a real relay, with the supervisor's own pool. */
import { EventEmitter, once } from 'node:events';
import { expect, it } from 'vitest';
import { composeWorker } from '../src/create-worker.js';
import { defineConsumer, recordHandler } from '../src/definition/define-consumer.js';
import { NonRetryableError } from '../src/errors.js';
import type { FromHost, ToHost } from '../src/host/host-messages.js';
import { startTickOf } from '../src/local/process-birth.js';
import { encodeDaemonMessage } from '../src/protocol/daemon-side.js';
import { LogLines, wire } from '../src/runtime/session.fixture.js';
import type { ShardStatus } from '../src/runtime/shard-status.js';
import { openDoor } from '../src/supervisor/door.js';
import { HostPool, type HostExit, type HostListener } from '../src/supervisor/host-pool.js';
import { makePrivateFolder } from '../src/supervisor/private-folder.js';
import { systemClock } from '../src/process-ports.js';
import { spawnOnPipes } from './support/worker-process.js';

const consumer = defineConsumer({
  name: 'mailer',
  stream: 'orders',
  applicationName: 'mailer',
  options: { regionName: 'eu-west-1' },
  checkpoint: 'manual',
  handlers: [
    recordHandler({
      name: 'all',
      handle: () => {
        throw new NonRetryableError('cannot be mailed');
      },
    }),
  ],
});

/** A host of the pool that is a part of this process, behind the messages that processes exchange. */
function hostHere(listener: HostListener) {
  const early: ToHost[] = [];
  let say = (message: ToHost): void => void early.push(message);
  const exited = new Promise<HostExit>(() => undefined);
  const link = {
    // As over the socket: what JSON cannot carry does not arrive.
    tell: (message: FromHost) => listener.message(JSON.parse(JSON.stringify(message)) as FromHost),
    listen(heard: (message: ToHost) => void) {
      say = heard;
      for (const message of early.splice(0)) heard(message);
    },
    closed: new Promise<void>(() => undefined),
    close: () => undefined,
  };
  const worker = composeWorker([consumer], { env: {}, logger: new LogLines() }, { kind: 'host', link });
  void worker.start();
  void Promise.resolve().then(() =>
    listener.message({ kind: 'hello', role: 'host', name: 'host-0', pid: process.pid }),
  );
  return { worker, host: { pid: process.pid, exited, kill: () => undefined, send: (message: ToHost) => say(message) } };
}

it('a host does what an operator wants of a record that it holds', async () => {
  const folder = await makePrivateFolder();
  const bell = new EventEmitter();
  const rung = once(bell, 'ring');
  const door = await openDoor(folder.path, (pid) => bell.emit('ring', pid));
  const relay = spawnOnPipes([`${folder.path}/relay.sh`, folder.path], { program: '/bin/sh' });
  const [pid] = (await rung) as [number];
  let shards: readonly ShardStatus[] = [];
  const hosts: ReturnType<typeof hostHere>[] = [];
  const pool = new HostPool({
    count: 1,
    clock: systemClock,
    logger: new LogLines(),
    inspector: undefined,
    retention: Promise.resolve({}),
    startHost: (_, listener) => {
      const made = hostHere(listener);
      hosts.push(made);
      return made.host;
    },
  });
  pool.listen('mailer', {
    known: () => undefined,
    ended: () => undefined,
    status: (told) => void (shards = told),
    stop: () => undefined,
    hostLost: () => undefined,
  });
  await pool.start();
  pool.serve('mailer', 'mailer#1', { pid, startTick: startTickOf(pid) ?? '' });
  const said: string[] = [];
  relay.stdout.on('data', (chunk) => said.push(String(chunk)));
  const say = (message: Parameters<typeof encodeDaemonMessage>[0]) => relay.stdin.write(encodeDaemonMessage(message));
  say({ kind: 'initialize', shardId: 'A', sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 });
  await expect.poll(() => said.join('')).toContain('initialize');

  say({ kind: 'processRecords', records: [wire(1)], millisBehindLatest: 0 });
  await expect
    .poll(() => shards[0]?.heldRecords, { timeout: 5_000 })
    .toMatchObject([{ recordId: `A:${wire(1).sequenceNumber}:0`, error: { message: 'cannot be mailed' } }]);
  const recordId = shards[0]?.held?.recordId ?? '';
  const wishes = (['find', 'park', 'skip'] as const).map((wish) => ({ applicationName: 'mailer', recordId, wish }));
  const answers = [];
  for (const question of wishes) answers.push(await pool.ask(question));
  await expect.poll(() => said.join('')).toContain('processRecords');

  expect(answers.map((answer) => answer?.kind)).toEqual(['found', 'refused', 'done']);
  expect(await pool.ask({ applicationName: 'mailer', recordId, wish: 'find' })).toBeUndefined();
  say({ kind: 'leaseLost' });
  relay.stdin.end();
  hosts[0]?.host.send({ kind: 'end' });
  await hosts[0]?.worker.closed;
  door.close();
  await folder.remove();
});
