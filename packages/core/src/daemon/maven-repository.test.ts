import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startMavenServer, type MavenServer } from './maven-server.fixture.js';
import { openMavenRepository, reason } from './maven-repository.js';
import { readMavenSettings } from './maven-settings.js';

/** Tunnels, and notes where to and with which credentials. */
async function startProxy() {
  const tunnels: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket, head: Buffer) => {
    tunnels.push(`${request.url} ${request.headers['proxy-authorization'] ?? 'nobody'}`);
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    url: (user = '') => `http://${user}127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    tunnels,
    close: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}

let server: MavenServer;
let proxy: Awaited<ReturnType<typeof startProxy>>;
beforeEach(async () => {
  server = await startMavenServer({ 'a.jar': Buffer.from('content') });
  proxy = await startProxy();
});
afterEach(async () => {
  proxy.close();
  await server.close();
});

async function get(env: Readonly<Record<string, string>>) {
  const repository = openMavenRepository(readMavenSettings({ MILLRACE_MAVEN_URL: server.url, ...env }));
  try {
    const answer = await repository.get('a.jar', new AbortController().signal);
    if (answer.kind !== 'found') return answer;
    let text = '';
    for await (const chunk of answer.body) text += Buffer.from(chunk).toString();
    return text;
  } finally {
    await repository.close();
  }
}

describe('a proxy', () => {
  it('is used, with its own credentials', async () => {
    expect(await get({ HTTP_PROXY: proxy.url('me:pw@') })).toBe('content');
    const credentials = `Basic ${Buffer.from('me:pw').toString('base64')}`;
    expect(proxy.tunnels).toEqual([`${new URL(server.url).host} ${credentials}`]);
  });

  it('is left alone for hosts in NO_PROXY', async () => {
    expect(await get({ HTTP_PROXY: proxy.url(), NO_PROXY: 'example.com,127.0.0.1' })).toBe('content');
    expect(proxy.tunnels).toEqual([]);
  });

  it('that refuses is said to be unreachable, without its credentials', async () => {
    const closed = proxy.url('me:secret@');
    proxy.close();
    const answer = await get({ HTTP_PROXY: closed });
    expect(answer).toMatchObject({ kind: 'passing', why: expect.stringContaining('cannot be reached: ') });
    expect(JSON.stringify(answer)).not.toContain('secret');
  });
});

it.each([
  [new AggregateError([new Error('connect ECONNREFUSED ::1:443')]), 'AggregateError (connect ECONNREFUSED ::1:443)'],
  [new Error('fetch failed', { cause: new Error('bad certificate') }), 'fetch failed (bad certificate)'],
  [new Error('reset'), 'reset'],
])('finds the reason of %s', (error, text) => {
  expect(reason(error)).toBe(text);
});
