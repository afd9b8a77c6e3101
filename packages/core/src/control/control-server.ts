/** A worker's control socket: `millrace status`, `retry`, `park` and `skip` ask here. */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { basename } from 'node:path';
import type { Environment } from '../definition/definition.js';
import { toError } from '../errors.js';
import type { Logger } from '../ports.js';
import type { Wish, WishAnswer } from '../runtime/orders.js';
import type { WorkerHealth } from '../runtime/worker-health.js';
import { isListening } from './control-client.js';
import { makeControlFolder, removeIfEmpty, socketName, socketsIn } from './control-folder.js';
import { readRequest, type ControlAnswer, type ControlRequest } from './control-messages.js';
import { readJsonLine } from './read-line.js';

/** What the socket tells of, and passes on to. */
export interface ControlSource {
  health(): WorkerHealth;
  /** Undefined when the record does not wait in this application. */
  operate(applicationName: string, recordId: string, wish: Wish): Promise<WishAnswer | undefined>;
}

export interface ControlOptions {
  readonly source: ControlSource;
  /** Of the first consumer; it names the socket. */
  readonly applicationName: string;
  readonly env: Environment;
  readonly logger: Logger;
}

export interface ControlServer {
  /** The address of the socket. */
  readonly path: string;
  /** Never rejects. */
  close(): Promise<void>;
}

const REQUEST_LIMITS = { maxBytes: 64 * 1024, withinMs: 5_000 };
const CONNECTIONS_MAX = 16;
/** Another worker may remove the folder between two calls of ours, or have our process id in another container. */
const TRIES = 3;

/** @throws whatever keeps the socket from being made; a worker can do without. */
export async function openControl(options: ControlOptions): Promise<ControlServer> {
  const { applicationName, env } = options;
  const base = socketName(applicationName, process.pid);
  for (let tries = 1; ; tries += 1) {
    const { folder, path } = await makeControlFolder(env, tries === 1 ? base : `${base}-${tries}`);
    await clearLeftSockets(folder);
    try {
      return await listen(path, folder, options);
    } catch (error) {
      if (tries >= TRIES) throw error;
    }
  }
}

async function listen(path: string, folder: string, options: ControlOptions): Promise<ControlServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // Whoever asked has gone: there is nobody left to tell.
    socket.on('error', () => socket.destroy());
    void serve(socket, options);
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(path);
  await once(server, 'listening');
  const { logger } = options;
  server.on('error', (error) => logger.debug({ err: error }, 'The control socket did not take a connection.'));
  // It waits for others; a worker that has ended otherwise must not live on because of it.
  server.unref();
  return {
    path,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await rm(path, { force: true }).catch(() => undefined);
      await removeIfEmpty(folder);
    },
  };
}

async function serve(socket: Socket, { source, logger }: ControlOptions): Promise<void> {
  let answer: ControlAnswer;
  try {
    const request = readRequest(await readJsonLine(socket, REQUEST_LIMITS));
    answer =
      request === undefined
        ? { kind: 'error', text: 'The worker does not understand this request; it may be of another version.' }
        : await answerTo(request, source);
  } catch (error) {
    logger.debug({ err: toError(error) }, 'A request on the control socket was not served.');
    answer = { kind: 'error', text: toError(error).message };
  }
  if (socket.destroyed) return;
  socket.setTimeout(REQUEST_LIMITS.withinMs, () => socket.destroy());
  socket.end(`${JSON.stringify(answer)}\n`);
}

async function answerTo(request: ControlRequest, source: ControlSource): Promise<ControlAnswer> {
  switch (request.kind) {
    case 'status':
      return { kind: 'status', pid: process.pid, health: source.health() };
    case 'operate':
      return {
        kind: 'operated',
        answer: await source.operate(request.applicationName, request.recordId, request.wish),
      };
    default:
      return request satisfies never;
  }
}

/** Those of workers that were killed: nobody listens there, and their process is gone. */
async function clearLeftSockets(folder: string): Promise<void> {
  await Promise.all(
    (await socketsIn(folder)).map(async (path) => {
      // One that is being made refuses connections for a moment.
      if (isAlive(pidIn(path)) || (await isListening(path))) return;
      await rm(path, { force: true });
    }),
  );
}

function pidIn(path: string): number {
  return Number(/-(\d+)(?:-\d)?\.sock$/.exec(basename(path))?.[1]);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
