/** A Maven repository on this machine whose files behave as a test wants, and a list of jars that it has. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../process-ports.js';
import type { Clock } from '../ports.js';
import { repositoryPath, type JarLock, type LockedJar } from './jar-lock.js';

export type Reply = (response: ServerResponse, request: IncomingMessage) => void;

export interface MavenServer {
  readonly url: string;
  /** `GET /path` for each request, in order. */
  readonly requests: { readonly path: string; readonly authorization: string | undefined }[];
  /** What the next requests for a path get; the last reply stays. */
  on(path: string, ...replies: readonly Reply[]): void;
  close(): Promise<void>;
}

export async function startMavenServer(files: Readonly<Record<string, Buffer>> = {}): Promise<MavenServer> {
  const replies = new Map<string, Reply[]>();
  const requests: { path: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\//, '');
    requests.push({ path, authorization: request.headers.authorization });
    const [reply, ...later] = replies.get(path) ?? [];
    if (reply !== undefined && later.length > 0) replies.set(path, later);
    const file = files[path];
    if (reply !== undefined) reply(response, request);
    else if (file === undefined) answer(404)(response, request);
    else response.end(file);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    on: (path, ...list) => void replies.set(path, [...list]),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function answer(statusCode: number, headers: Readonly<Record<string, string>> = {}): Reply {
  return (response) => response.writeHead(statusCode, headers).end('no jar');
}

export function send(content: Buffer): Reply {
  return (response) => response.end(content);
}

/** Says how long the file is, and stops before. */
export function breakOff(content: Buffer, after: number): Reply {
  return (response) => {
    response.writeHead(200, { 'content-length': String(content.length) });
    response.write(content.subarray(0, after), () => response.destroy());
  };
}

export interface ListedJars {
  readonly lock: JarLock;
  /** By their path in the repository. */
  readonly files: Readonly<Record<string, Buffer>>;
}

/** A list of jars of different sizes, the last one not needed. */
export function someJars(names: readonly string[] = ['one', 'two', 'three', 'spare']): ListedJars {
  const entries = names.map((name, index) => {
    const content = Buffer.from(`${name} `.repeat(40_000 + index));
    const artifact = `org.example.${name}:${name}:1.${index}`;
    const path = repositoryPath(artifact);
    const jar: LockedJar = {
      artifact,
      path,
      file: `${name}-1.${index}.jar`,
      bytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
      license: 'MIT',
      needed: name !== 'spare',
    };
    return { jar, path, content };
  });
  return {
    lock: { name: 'some-jars', root: 'org.example:root:1', jars: entries.map(({ jar }) => jar) },
    files: Object.fromEntries(entries.map(({ path, content }) => [path, content])),
  };
}

export function flipped(content: Buffer): Buffer {
  const copy = Buffer.from(content);
  copy[100] = (copy[100] ?? 0) ^ 1;
  return copy;
}

/** Waits for nothing, and tells what it was asked to wait. */
export function instantClock(): { readonly clock: Clock; readonly delaysMs: number[] } {
  const delaysMs: number[] = [];
  const clock: Clock = {
    ...systemClock,
    setTimer: (delayMs, callback) => {
      delaysMs.push(delayMs);
      const immediate = setImmediate(callback);
      return { cancel: () => clearImmediate(immediate) };
    },
  };
  return { clock, delaysMs };
}
