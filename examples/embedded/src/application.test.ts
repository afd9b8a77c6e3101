import type { Worker, WorkerHealth, WorkerOutcome } from '@millrace/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApplication, type Application } from './application.js';
import { createServices } from './services.js';

/** A worker is an interface of four members: a test can hold one in its hand. */
class HandWorker implements Worker {
  readonly events: string[] = [];
  healthy = true;
  failure: Error | undefined;
  #close: (outcome: WorkerOutcome) => void = () => undefined;
  readonly closed = new Promise<WorkerOutcome>((resolve) => {
    this.#close = resolve;
  });

  async start(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.events.push('started');
  }

  stop(): Promise<WorkerOutcome> {
    this.events.push('stopped');
    this.#close({ kind: 'stopped' });
    return this.closed;
  }

  health(): WorkerHealth {
    return { phase: 'running', healthy: this.healthy, consumers: [], hosts: [] };
  }
}

describe('the application', () => {
  let worker: HandWorker;
  let application: Application;
  let services: ReturnType<typeof createServices>;
  beforeEach(() => {
    worker = new HandWorker();
    services = createServices();
    application = createApplication(services, worker);
  });
  afterEach(() => application.stop());

  const get = (port: number, path: string) => fetch(`http://127.0.0.1:${port}${path}`);

  it('answers from what the consumer has written', async () => {
    const scan = { parcel: 'p/1', place: 'Berlin', at: '2026-01-02T10:00:00Z' };
    services.cradle.parcels.seen(scan);
    const port = await application.start(0);

    expect(await (await get(port, '/parcels/p%2F1')).json()).toEqual(scan);
    expect((await get(port, '/parcels/p-2')).status).toBe(404);
  });

  it('is healthy while the worker is', async () => {
    const port = await application.start(0);

    expect((await get(port, '/health')).status).toBe(200);
    worker.healthy = false;
    expect((await get(port, '/health')).status).toBe(503);
  });

  it('takes no request when the worker does not start', async () => {
    worker.failure = new Error('there is no such stream');

    await expect(application.start(0)).rejects.toThrow('there is no such stream');
  });

  it('stops the worker, and is not there any more', async () => {
    const port = await application.start(0);

    await application.stop();

    expect(worker.events).toEqual(['started', 'stopped']);
    await expect(get(port, '/health')).rejects.toThrow('fetch failed');
  });
});
