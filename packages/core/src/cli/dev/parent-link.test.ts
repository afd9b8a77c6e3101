import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { PlainSessionEvent } from '../../runtime/plain-event.js';
import type { FromWorker, ToWorker } from './dev-events.js';
import { ParentLink, type ParentProcess } from './parent-link.js';

/** A parent that reads nothing until `read` is called. */
function silentParent() {
  const emitter = new EventEmitter();
  const sent: FromWorker[] = [];
  const unread: (() => void)[] = [];
  const parent = {
    connected: true,
    send: (message: FromWorker, done: (error: Error | null) => void) => {
      sent.push(message);
      unread.push(() => done(null));
      return true;
    },
    on: (event: string, listener: (message: ToWorker) => void) => emitter.on(event, listener),
  };
  return {
    parent: parent as ParentProcess & { connected: boolean },
    sent,
    say: (message: ToWorker) => emitter.emit('message', message),
    disconnect: () => {
      parent.connected = false;
      emitter.emit('disconnect');
    },
    read: () => {
      for (const done of unread.splice(0)) done();
    },
  };
}

const event: PlainSessionEvent = { kind: 'sessionReady', at: 0, sessionId: 's', shardId: 'A' };
const endpoint: ToWorker = { kind: 'emulators', kinesis: { endpoint: 'e', region: 'r' }, dynamoDb: undefined };

it('hands messages to who waits for them', async () => {
  const { parent, say } = silentParent();
  const next = new ParentLink(parent).next();
  say(endpoint);
  expect(await next).toBe(endpoint);
});

it('asks for the end when the parent does', () => {
  const { parent, say } = silentParent();
  const link = new ParentLink(parent);
  say({ kind: 'stop' });
  expect(link.stop.aborted).toBe(true);
});

it('asks for the end when the parent is gone, and sends nothing any more', async () => {
  const { parent, sent, disconnect } = silentParent();
  const link = new ParentLink(parent);
  disconnect();
  expect(link.stop.aborted).toBe(true);
  await link.send({ kind: 'workerRunning' });
  expect(sent).toEqual([]);
});

it('resolves a message when it has left', async () => {
  const { parent, read } = silentParent();
  let left = false;
  const sending = new ParentLink(parent).send({ kind: 'workerRunning' }).then(() => (left = true));
  await Promise.resolve();
  expect(left).toBe(false);
  read();
  await sending;
  expect(left).toBe(true);
});

it('keeps ten thousand events at most for a parent that does not read, and says how many were dropped', async () => {
  const { parent, sent, read } = silentParent();
  const link = new ParentLink(parent);
  for (let n = 0; n < 10_003; n += 1) link.sendEvent(event);
  expect(sent).toHaveLength(10_000);
  read();
  link.sendEvent(event);
  expect(sent.slice(10_000)).toEqual([
    { kind: 'eventsDropped', count: 3 },
    { kind: 'session', event },
  ]);
});
