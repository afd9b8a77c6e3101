/** A web application that has a worker: it decides when the worker starts and stops, and shows how it is. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Worker } from '@millrace/core';
import type { AwilixContainer } from 'awilix';
import type { Services } from './services.js';

export interface Application {
  /** Resolves with the port when requests and records are taken. */
  start(port: number): Promise<number>;
  /** Ends both in order: no request is answered from data that the worker is still changing. */
  stop(): Promise<void>;
}

export function createApplication(services: AwilixContainer<Services>, worker: Worker): Application {
  const server = createServer((request, response) => {
    const [, resource, id = ''] = (request.url ?? '').split('/');
    if (resource === 'health') answerHealth(response, worker);
    else if (resource === 'parcels') answer(response, services.cradle.parcels.find(decodeURIComponent(id)));
    else answer(response, undefined);
  });
  return {
    async start(port) {
      await worker.start();
      server.listen(port);
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    },
    async stop() {
      await closeServer(server);
      await worker.stop();
      await services.dispose();
    },
  };
}

/** Ready to take requests, which is not the same as alive: a held record needs people, not a restart. */
function answerHealth(response: ServerResponse, worker: Worker): void {
  const health = worker.health();
  response.writeHead(health.healthy ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(health));
}

function answer(response: ServerResponse, found: object | undefined): void {
  if (found === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found));
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  server.closeIdleConnections();
  await once(server, 'close');
}
