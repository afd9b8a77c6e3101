/** The end of a host: its sessions first, then what they use. Over a real relay, as the daemon's end is. */
import { EventEmitter, once } from 'node:events';
import { expect, it } from 'vitest';
import { composeWorker } from '../src/create-worker.js';
import type { SinkDescription } from '../src/definition/definition.js';
import { defineConsumer, recordHandler } from '../src/definition/define-consumer.js';
import type { ToHost } from '../src/host/host-messages.js';
import { startTickOf } from '../src/local/process-birth.js';
import { encodeDaemonMessage } from '../src/protocol/daemon-side.js';
import { LogLines } from '../src/runtime/session.fixture.js';
import { openDoor } from '../src/supervisor/door.js';
import { makePrivateFolder } from '../src/supervisor/private-folder.js';
import { spawnOnPipes } from './support/worker-process.js';

it('a host closes sinks and services only when no session runs any more', async () => {
  const order: string[] = [];
  const sink: SinkDescription = {
    sink: 'millrace.sink',
    label: 'noting',
    durable: true,
    open: async () => ({ durable: true, write: async () => undefined, close: async () => void order.push('sink') }),
  };
  const consumer = defineConsumer({
    name: 'mailer',
    stream: 'orders',
    applicationName: 'mailer',
    options: { regionName: 'eu-west-1' },
    create: () => ({}),
    deadLetter: { sink },
    handlers: [recordHandler({ name: 'all', handle: () => undefined })],
    hooks: { leaseLost: () => void order.push('session') },
  });
  const folder = await makePrivateFolder();
  const bell = new EventEmitter();
  const rung = once(bell, 'ring');
  const door = await openDoor(folder.path, (pid) => bell.emit('ring', pid));
  const relay = spawnOnPipes([`${folder.path}/relay.sh`, folder.path], { program: '/bin/sh' });
  const [pid] = (await rung) as [number];
  let say: (message: ToHost) => void = () => undefined;
  const told = new EventEmitter();
  const link = {
    tell: ({ kind }: { kind: string }) => void told.emit(kind),
    listen: (heard: (message: ToHost) => void) => void (say = heard),
    closed: new Promise<void>(() => undefined),
    close: () => undefined,
  };
  const worker = composeWorker([consumer], { env: {}, logger: new LogLines() }, { kind: 'host', link });
  const started = worker.start();
  await expect.poll(() => say.length).toBe(1);
  say({ kind: 'welcome', retentionMs: {} });
  await started;
  const known = once(told, 'known');
  say({
    kind: 'attach',
    applicationName: 'mailer',
    sessionId: 'mailer#1',
    relay: { pid, startTick: startTickOf(pid) ?? '' },
  });
  const start = { kind: 'initialize', shardId: 'A', sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 } as const;
  relay.stdin.write(encodeDaemonMessage(start));
  await known;
  await once(relay.stdout, 'data');

  say({ kind: 'end' });
  await new Promise((resolve) => setImmediate(resolve));
  relay.stdin.write(encodeDaemonMessage({ kind: 'leaseLost' }));
  relay.stdin.end();
  await worker.closed;
  door.close();
  await folder.remove();

  expect(order).toEqual(['session', 'sink']);
});
