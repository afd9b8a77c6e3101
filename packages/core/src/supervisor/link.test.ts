import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectHostLink, type HostLink } from '../host/host-link.js';
import type { FromHost, ToHost } from '../host/host-messages.js';
import { LogLines } from '../runtime/session.fixture.js';
import { openLinkServer, type LinkServer, type Peer } from './link-server.js';

let folder: string;
let path: string;
let server: LinkServer;
let link: HostLink | undefined;
let peers: Peer[];
let welcome: (peer: Peer) => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-link-'));
  path = join(folder, 'supervisor');
  peers = [];
  welcome = () => undefined;
  server = await openLinkServer(path, {
    logger: new LogLines(),
    onPeer: (peer) => {
      peers.push(peer);
      welcome(peer);
    },
  });
});
afterEach(async () => {
  link?.close();
  server.close();
  await rm(folder, { recursive: true });
});

describe('a link', () => {
  it('begins with who speaks, and carries messages both ways', async () => {
    const heard: FromHost[] = [];
    welcome = (peer) => {
      peer.onMessage = (message) => void heard.push(message);
      peer.send({ kind: 'welcome', retentionMs: { app: 1 } });
    };
    link = await connectHostLink({ path, role: 'host', name: 'host-0' });
    const answered = new Promise<ToHost>((resolve) => link?.listen(resolve));
    link.tell({ kind: 'ready' });

    expect(await answered).toEqual({ kind: 'welcome', retentionMs: { app: 1 } });
    await expect.poll(() => heard).toEqual([{ kind: 'ready' }]);
    expect(peers).toMatchObject([{ role: 'host', name: 'host-0', pid: process.pid }]);
  });

  it('keeps what came before somebody listens', async () => {
    welcome = (peer) => {
      peer.send({ kind: 'doubt', sessionId: 's', why: 'first' });
      peer.send({ kind: 'end' });
    };
    link = await connectHostLink({ path, role: 'host', name: 'host-0' });
    await expect.poll(() => peers.length).toBe(1);
    const heard: string[] = [];
    link.listen(({ kind }) => heard.push(kind));

    await expect.poll(() => heard).toEqual(['doubt', 'end']);
  });

  it('tells each end that the other is gone', async () => {
    let gone = false;
    welcome = (peer) => {
      peer.onClosed = () => (gone = true);
    };
    link = await connectHostLink({ path, role: 'host', name: 'host-0' });
    await expect.poll(() => peers.length).toBe(1);
    server.close();

    await link.closed;
    await expect.poll(() => gone).toBe(true);
  });

  it('that a host closes itself does not tell it that its supervisor is gone', async () => {
    let closed = false;
    welcome = (peer) => {
      peer.onClosed = () => (closed = true);
    };
    const own = await connectHostLink({ path, role: 'host', name: 'host-0' });
    let gone = false;
    void own.closed.then(() => (gone = true));
    own.close();
    await expect.poll(() => closed).toBe(true);
    // A whole life of another link: time enough for the first one to hear of its end.
    link = await connectHostLink({ path, role: 'host', name: 'host-1' });
    await expect.poll(() => peers.length).toBe(2);

    expect(gone).toBe(false);
  });

  it('is cut to somebody who speaks no JSON', async () => {
    const stranger = connect(path);
    const closed = new Promise<void>((resolve) => stranger.once('close', () => resolve()));
    stranger.write('GET / HTTP/1.1\r\n\r\n');

    await closed;
    expect(peers).toEqual([]);
  });

  it('to a supervisor that is gone is an error', async () => {
    await expect(connectHostLink({ path: join(folder, 'nobody'), role: 'host', name: 'x' })).rejects.toMatchObject({
      code: 'HOST_FAILED',
    });
  });
});
