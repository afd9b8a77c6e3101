import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogLines } from '../runtime/session.fixture.js';
import type { WorkerHealth } from '../runtime/worker-health.js';
import { hostHealth, workerHealth } from './health.fixture.js';
import { startHealthServer, type HealthServer, type HealthServerOptions } from './health-server.js';
import { SessionTotals } from './session-totals.js';

let health: WorkerHealth;
let logger: LogLines;
let server: HealthServer;

const start = (more: Partial<HealthServerOptions> = {}) =>
  startHealthServer({
    port: 0,
    host: '127.0.0.1',
    read: () => health,
    totals: new SessionTotals(),
    logger,
    ...more,
  });

beforeEach(async () => {
  health = workerHealth();
  logger = new LogLines();
  server = await start();
});
afterEach(() => server.close());

const get = (path: string, init: RequestInit = {}, port = server.port) =>
  fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers: { connection: 'close' } });

describe('the health port', () => {
  it('says that the worker lives and serves', async () => {
    const [live, ready] = [await get('/live'), await get('/ready?from=kubelet')];

    expect([live.status, await live.text()]).toEqual([200, 'live\n']);
    expect([ready.status, await ready.text()]).toEqual([200, 'ready\n']);
    expect(live.headers.get('cache-control')).toBe('no-store');
  });

  it('answers with 503 and every reason otherwise', async () => {
    health = workerHealth({ phase: 'starting', hosts: [hostHealth({ responding: false, silentMs: 40_000 })] });

    const [live, ready] = [await get('/live'), await get('/ready')];

    expect([live.status, ready.status]).toEqual([503, 503]);
    expect(await ready.text()).toBe('not ready\nthe worker is starting\nhost h1 (pid 12) has not responded for 40 s\n');
  });

  it('tells all it knows as JSON, also when something is wrong', async () => {
    health = workerHealth({ phase: 'stopping' });

    const answer = await get('/health');

    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      live: { ok: true, reasons: [] },
      ready: { ok: false, reasons: ['the worker is stopping'] },
      phase: 'stopping',
      consumers: [{ applicationName: 'mailer', shards: [{ shardId: 'shardId-000', state: 'running' }] }],
      hosts: [],
    });
  });

  it('has the metrics in the format of Prometheus', async () => {
    const answer = await get('/metrics');

    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await answer.text()).toContain('\nmillrace_up 1\n');
  });

  it('lists its paths to a person', async () => {
    const text = await (await get('/')).text();

    for (const path of ['/live', '/ready', '/health', '/metrics']) expect(text).toContain(path);
  });

  it('answers HEAD with the headers alone', async () => {
    const answer = await get('/live', { method: 'HEAD' });

    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([200, '5', '']);
  });

  it('names the paths that there are to who asks for another', async () => {
    const answer = await get('/healthz');

    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain('/live');
  });

  it('takes no other methods', async () => {
    const answer = await get('/live', { method: 'POST', body: 'x' });

    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('says 500 and logs why when the worker cannot be asked', async () => {
    const broken = await start({
      read: () => {
        throw new Error('broken');
      },
    });

    const answer = await get('/live', {}, broken.port);
    await broken.close();

    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('broken');
    expect(logger.lines).toContainEqual({ level: 'error', message: 'The health port could not answer.' });
  });
});

describe('the end of the health port', () => {
  it('does not wait for connections that are kept open or that never ask', async () => {
    const closed = ['idle', 'keep-alive'].map(async (what) => {
      const socket = connect(server.port, '127.0.0.1');
      await new Promise<void>((resolve) => socket.once('connect', resolve));
      if (what === 'keep-alive') {
        socket.write('GET /live HTTP/1.1\r\nhost: x\r\n\r\n');
        await new Promise<void>((resolve) => socket.once('data', () => resolve()));
      }
      return new Promise<void>((resolve) => {
        socket.on('error', () => resolve()).once('close', () => resolve());
        socket.resume();
      });
    });
    await answered();

    await server.close();

    await Promise.all(closed);
  });

  it('can come twice', async () => {
    await server.close();
    await server.close();
  });
});

/** Connections are accepted in order: when this one was answered, those before it are there. */
function answered(): Promise<void> {
  return new Promise((resolve, reject) => {
    request({ port: server.port, host: '127.0.0.1', agent: false }, (response) => {
      response.resume().once('end', resolve);
    })
      .once('error', reject)
      .end();
  });
}

describe('a port that cannot be had', () => {
  it('is told with what to do when somebody else has it', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;

    const failing = start({ port });

    await expect(failing).rejects.toMatchObject({
      code: 'HEALTH_PORT_FAILED',
      message: expect.stringMatching(/another process listens there.*MILLRACE_HEALTH_PORT/),
      details: { port, reason: 'EADDRINUSE' },
    });
    await new Promise((resolve) => other.close(resolve));
  });

  it('is told with what to do when the address is not of this machine', async () => {
    await expect(start({ host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'HEALTH_PORT_FAILED',
      message: expect.stringContaining('health.host'),
    });
  });
});
