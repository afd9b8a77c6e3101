import { ManualClock } from '../../test/support/manual-clock.js';
import { describe, expect, it } from 'vitest';
import type { ToHost } from '../host/host-messages.js';
import { ChildServers } from './child-servers.js';
import type { Peer } from './link-server.js';

function world() {
  const told: string[] = [];
  const heard: ToHost[] = [];
  const servers = new ChildServers({
    clock: new ManualClock(),
    applicationName: 'app',
    opened: () => undefined,
    listener: () => ({
      known: () => undefined,
      ended: (sessionId, end) => void told.push(`ended ${sessionId} ${end.kind}`),
      status: () => undefined,
      stop: (cause) => void told.push(`stop ${cause.message}`),
      hostLost: () => undefined,
    }),
  });
  const peer: Peer = {
    role: 'child',
    name: `app#${process.pid}`,
    pid: process.pid,
    send: (message) => void heard.push(message),
    close: () => undefined,
    onMessage: () => undefined,
    onClosed: () => undefined,
  };
  expect(servers.admit(peer, process.ppid)).toBe(true);
  return { told, heard, servers, peer };
}

describe('the child of one shard', () => {
  it('that cannot start is not silent about it', () => {
    const { told, peer } = world();
    const error = { name: 'MillraceError', code: 'SINK_FAILED', message: 'no bucket' } as never;
    peer.onMessage({ kind: 'failed', error, text: 'no bucket' });

    expect(told).toEqual(['stop no bucket']);
  });

  it('has not ended while its process disposes services: the daemon and its children are killed at the last end', () => {
    const { told, peer } = world();
    peer.onMessage({ kind: 'ended', sessionId: peer.name, end: { kind: 'ended', why: 'leaseLost' } });
    expect(told).toEqual([]);
    peer.onClosed();
    expect(told).toEqual([`ended ${peer.name} ended`]);
  });
});

it('passes what an operator wants on to the children, and their answers back', async () => {
  const { heard, servers, peer } = world();

  const answer = servers.operate('a:1:0', 'park');
  expect(heard).toEqual([{ kind: 'ask', askId: 1, applicationName: 'app', recordId: 'a:1:0', wish: 'park' }]);
  peer.onMessage({ kind: 'answer', askId: 1, answer: { kind: 'done', text: 'It is parked.' } });
  expect(await answer).toEqual({ kind: 'done', text: 'It is parked.' });

  const unanswered = servers.operate('a:1:0', 'park');
  peer.onClosed();
  expect(await unanswered).toBeUndefined();
});
