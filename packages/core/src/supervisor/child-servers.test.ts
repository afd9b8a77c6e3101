import { describe, expect, it } from 'vitest';
import { ChildServers } from './child-servers.js';
import type { Peer } from './link-server.js';

function world() {
  const told: string[] = [];
  const servers = new ChildServers({
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
    send: () => undefined,
    close: () => undefined,
    onMessage: () => undefined,
    onClosed: () => undefined,
  };
  expect(servers.admit(peer, process.ppid)).toBe(true);
  return { told, peer };
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
