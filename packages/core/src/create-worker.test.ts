import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWorker } from './create-worker.js';
import { KinesisConsumer } from './decorators/kinesis-consumer.js';
import { OnRecord } from './decorators/handlers.js';
import { defineConsumer, recordHandler } from './definition/define-consumer.js';
import type { SinkDescription } from './definition/definition.js';
import { MillraceError, StopWorkerError } from './errors.js';
import { exitCodeOf } from './exit-codes.js';
import type { Meter, MeterCallback } from './health/open-telemetry.js';
import { type KinesisServer, startKinesisServer } from '../test/support/kinesis-server.js';
import { LogLines } from './runtime/session.fixture.js';
import type { Worker, WorkerOptions } from './worker-options.js';

const handlers = [recordHandler({ name: 'placed', handle: () => undefined })];
const consumer = (applicationName = 'mailer', more: object = {}) =>
  defineConsumer({ name: 'Mailer', stream: 'orders', applicationName, handlers, ...more });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-worker-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

function worker(consumers: Parameters<typeof createWorker>[0], options: WorkerOptions = {}): Worker {
  return createWorker(consumers, {
    engine: 'local',
    env: {},
    logger: new LogLines(),
    checkpointFile: join(folder, 'checkpoints.json'),
    ...options,
  });
}

/** Whoever holds a gate decides when it opens. */
function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
}

/** A local port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A Meter in one hand: what the worker observes when it is asked. */
class TotalsMeter implements Meter {
  private callback: MeterCallback = () => undefined;
  createObservableGauge(name: string): { readonly name: string } {
    return { name };
  }
  createObservableCounter(name: string): { readonly name: string } {
    return { name };
  }
  addBatchObservableCallback(callback: MeterCallback): void {
    this.callback = callback;
  }
  removeBatchObservableCallback(): void {
    this.callback = () => undefined;
  }
  handled(): number {
    let total = 0;
    this.callback({
      observe: (instrument, value, { how }) => {
        const { name } = instrument as { readonly name: string };
        if (name === 'millrace_records_settled_total' && how === 'handled') total += value;
      },
    });
    return total;
  }
}

describe('a worker that cannot start', () => {
  it('lists the mistakes of every consumer at once, before anything runs', () => {
    @KinesisConsumer('', 'a-mailer')
    class NoStream {
      @OnRecord()
      placed(): void {
        // Never called.
      }
    }
    @KinesisConsumer('orders', 'b-mailer')
    class NoHandler {}

    expect(() => worker([NoStream, NoHandler])).toThrow(
      expect.objectContaining({ issues: [expect.anything(), expect.objectContaining({ code: 'NO_HANDLER' })] }),
    );
  });

  it('wants at least one consumer', () => {
    expect(() => worker([])).toThrow(
      expect.objectContaining({ issues: [expect.objectContaining({ code: 'NO_CONSUMER' })] }),
    );
  });

  it('says which engines there are when MILLRACE_ENGINE is none of them', async () => {
    const env = { MILLRACE_ENGINE: 'demon' };
    const refused = createWorker([consumer()], { env, logger: new LogLines() });

    await expect(refused.start()).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('There is no engine "demon"'),
    });
    expect(await refused.closed).toMatchObject({ kind: 'failed', error: { code: 'ENGINE_UNAVAILABLE' } });
  });

  it('runs the daemon when no engine was chosen, and says what that needs before it starts anything', async () => {
    const env = { PATH: '/nowhere', AWS_REGION: 'eu-west-1', MILLRACE_KINESIS_ENDPOINT: 'http://127.0.0.1:9' };
    const refused = createWorker([consumer()], { env, logger: new LogLines() });

    await expect(refused.start()).rejects.toMatchObject({ code: 'JAVA_UNUSABLE' });
  });

  it('refuses two consumers with one application name: they would share a lease table', async () => {
    const starting = worker([consumer('mailer'), consumer('mailer')]).start();

    await expect(starting).rejects.toMatchObject({ issues: [{ code: 'DUPLICATE_APPLICATION_NAME' }] });
  });

  it('files the properties of several consumers under their application names', async () => {
    const properties = { first: { maxRecords: 5 }, second: { maxRecords: 999_999 } };
    const starting = worker([consumer('first'), consumer('second')], { properties }).start();

    await expect(starting).rejects.toMatchObject({
      issues: [{ code: 'OUT_OF_RANGE', message: expect.stringContaining('maxRecords') }],
    });
  });

  it('names a properties file that cannot be read', async () => {
    const starting = worker([consumer()], { propertiesFile: join(folder, 'none.properties') }).start();

    await expect(starting).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('none.properties'),
    });
  });

  it('does not run the local engine in production unless that is said', async () => {
    const starting = worker([consumer()], { env: { NODE_ENV: 'production' } }).start();

    await expect(starting).rejects.toMatchObject({ code: 'ENGINE_REFUSED' });
  });

  it('closes the sinks that were open when a later one fails', async () => {
    const closed: string[] = [];
    const good: SinkDescription = {
      sink: 'millrace.sink',
      label: 'good',
      durable: true,
      open: async () => ({ durable: true, write: async () => undefined, close: async () => void closed.push('good') }),
    };
    const bad: SinkDescription = { ...good, label: 'bad', open: () => Promise.reject(new Error('no permission')) };
    const twoSinks = consumer('mailer', {
      deadLetter: { sink: good },
      handlers: [recordHandler({ name: 'placed', handle: () => undefined, deadLetter: { sink: bad } })],
    });

    await expect(worker([twoSinks]).start()).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringContaining('"bad"'),
    });
    expect(closed).toEqual(['good']);
  });

  it('says which package a sink needs, as a mistake that starting again does not mend', async () => {
    const missing = new MillraceError('DEPENDENCY_MISSING', 'Run `npm install @aws-sdk/client-sqs`.');
    const sink: SinkDescription = {
      sink: 'millrace.sink',
      label: 'sqs https://queue',
      durable: true,
      open: () => Promise.reject(missing),
    };
    await expect(worker([consumer('mailer', { deadLetter: { sink } })]).start()).rejects.toMatchObject({
      code: 'DEPENDENCY_MISSING',
      message: expect.stringContaining('npm install @aws-sdk/client-sqs'),
    });
  });

  it('says within seconds that nobody answers at the endpoint, and disposes its services', async () => {
    const disposed: string[] = [];
    class Pool {
      dispose(): void {
        disposed.push('pool');
      }
    }
    const port = await closedPort();
    const refused = worker([consumer()], {
      properties: { kinesisEndpoint: `http://127.0.0.1:${port}`, regionName: 'us-east-1' },
      register: (container) => void container.register('pool', { useValue: new Pool() }),
    });

    await expect(refused.start()).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' });
    expect(disposed).toEqual(['pool']);
    expect((await refused.closed).kind).toBe('failed');
  });

  it('takes a container of the user or services for its own, not both', async () => {
    const starting = worker([consumer()], {
      container: { openScope: () => Promise.reject(new Error('unused')) },
      overrides: [],
    }).start();

    await expect(starting).rejects.toMatchObject({ code: 'INJECTION_FAILED' });
  });

  it('starts once', async () => {
    const once = worker([consumer()], { env: { NODE_ENV: 'production' } });
    await once.start().catch(() => undefined);

    await expect(once.start()).rejects.toMatchObject({ code: 'WORKER_STOPPED' });
  });
});

describe('stop', () => {
  it('ends a worker that was never started', async () => {
    expect(await worker([consumer()]).stop()).toEqual({ kind: 'stopped' });
  });

  it('ends a worker that is starting', async () => {
    const port = await closedPort();
    const starting = worker([consumer()], {
      properties: { kinesisEndpoint: `http://127.0.0.1:${port}`, regionName: 'us-east-1' },
    });
    const started = starting.start().catch((error: unknown) => error);

    const outcome = await starting.stop();

    expect(await started).toMatchObject({ code: 'WORKER_STOPPED' });
    expect(outcome).toEqual({ kind: 'stopped' });
  });
});

describe('a worker that runs', () => {
  let kinesis: KinesisServer;
  beforeEach(async () => {
    kinesis = await startKinesisServer();
  });
  afterEach(() => kinesis.close());

  const handling = (applicationName: string, handle: () => void, more: object = {}) =>
    defineConsumer({
      name: applicationName,
      stream: 'orders',
      applicationName,
      options: { kinesisEndpoint: kinesis.endpoint, idleTimeBetweenReadsInMillis: 250 },
      handlers: [recordHandler({ name: 'placed', handle })],
      checkpoint: 'batch',
      ...more,
    });
  const ownFiles = { checkpointFile: (name: string) => join(folder, `${name}.json`) };

  it('reads, handles and stops in order', async () => {
    const { open: handled, opened } = gate();
    const reading = worker([handling('app-a', handled)], ownFiles);
    kinesis.records.push({ n: 1 });
    await reading.start();
    await opened;

    expect(await reading.stop()).toEqual({ kind: 'stopped' });
    expect(await readFile(join(folder, 'app-a.json'), 'utf8')).toContain(String(10n ** 55n + 1n));
  });

  it('answers on its health port until it has ended, and keeps the count of a session that is gone', async () => {
    const { open: handled, opened } = gate();
    const logger = new LogLines();
    const meter = new TotalsMeter();
    const last: unknown[] = [];
    const lastLook = async () => void last.push(meter.handled(), (await get('/live')).status);
    const watched = worker([handling('app-a', handled)], {
      ...ownFiles,
      logger,
      meter,
      health: { port: 0, host: '127.0.0.1' },
      // Services are disposed when every session has ended.
      register: (container) => void container.register('last', { useValue: { dispose: lastLook } }),
    });
    kinesis.records.push({ n: 1 });
    await watched.start();
    await opened;
    const said = logger.lines.find(({ message }) => message.startsWith('Health and metrics'))?.message ?? '';
    const port = Number(/:(\d+)\//.exec(said)?.[1]);
    const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });

    const ready = await get('/ready');
    const health = await (await get('/health')).json();
    await watched.stop();

    expect(ready.status).toBe(200);
    expect(health).toMatchObject({ phase: 'running', healthy: true, consumers: [{ applicationName: 'app-a' }] });
    expect(watched.health()).toMatchObject({ phase: 'ended', hosts: [], consumers: [{ shards: [] }] });
    expect(last).toEqual([1, 200]);
    await expect(get('/live')).rejects.toThrow('fetch failed');
  });

  it('ends although its checkpoint file cannot be let go of, and says so', async () => {
    const logger = new LogLines();
    const held = worker([handling('app-a', () => undefined)], { ...ownFiles, logger });
    await held.start();
    // A claim that has become a folder cannot be removed as a file.
    const claim = (await readdir(folder)).find((name) => name.startsWith('app-a.json.lock.')) ?? '';
    await rm(join(folder, claim));
    await mkdir(join(folder, claim, 'in the way'), { recursive: true });

    expect(await held.stop()).toEqual({ kind: 'stopped' });
    expect(logger.lines).toContainEqual({ level: 'error', message: expect.stringContaining('did not close') });
  });

  it('says what stopped it when a handler did so while other consumers were starting', async () => {
    const logger = new LogLines();
    const stops = (): void => {
      throw new StopWorkerError('enough');
    };
    // Looks at the worker's log at each turn of the event loop: it answers once the worker has heard of the end.
    const answer = (response: ServerResponse): void => {
      if (logger.lines.some(({ message }) => message === 'The worker stops.')) response.writeHead(400).end('{}');
      else setImmediate(() => answer(response));
    };
    const slow = createHttpServer((_, response) => answer(response));
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    const kinesisEndpoint = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
    const stopped = worker(
      [handling('app-a', stops), handling('app-b', () => undefined), handling('app-c', () => undefined)],
      { ...ownFiles, logger, properties: { 'app-b': { kinesisEndpoint } } },
    );
    kinesis.records.push({ n: 1 });

    await expect(stopped.start()).rejects.toMatchObject({ code: 'STOP_WORKER', message: 'enough' });
    expect(await stopped.closed).toMatchObject({ kind: 'failed', error: { message: 'enough' } });
    slow.closeAllConnections();
    slow.close();
  });
});

describe('exit codes', () => {
  it.each([
    ['ENGINE_REFUSED', 2],
    ['PROTOCOL_VIOLATION', 70],
    ['STOP_WORKER', 75],
    ['STREAM_NOT_FOUND', 1],
  ] as const)('%s ends with %i', async (code, exitCode) => {
    const { MillraceError } = await import('./errors.js');

    expect(exitCodeOf(new MillraceError(code, 'x'))).toBe(exitCode);
  });

  it('anything unknown ends with 1', () => {
    expect(exitCodeOf(new Error('x'))).toBe(1);
  });
});
