/** Stands before a service of AWS and lets calls fail or wait as told; everything else goes through. */
import { once } from 'node:events';
import { createServer as createHttp, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

export interface AwsCall {
  /** `UpdateItem`. */
  readonly operation: string;
  /** Of DynamoDB; undefined where the body is no JSON. */
  readonly table: string | undefined;
  readonly body: string;
}

/** `error` as the service names it, `ProvisionedThroughputExceededException`; `reset` breaks the connection. */
export type AwsFault =
  | {
      readonly error: string;
      /** @defaultValue 400 */
      readonly status?: number;
    }
  | { readonly delayMs: number }
  | 'reset'
  | undefined;

export interface AwsFaults {
  readonly endpoint: string;
  /** How many calls got a fault. */
  readonly count: number;
  /** Decides about every call from now on. */
  use(rule: ((call: AwsCall) => AwsFault) | undefined): void;
  stop(): void;
}

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** How a client that speaks HTTP/2 and nothing else begins, as Java's client of Kinesis. */
const HTTP2_PREFACE = 'PRI';

export async function startAwsFaults(endpoint: string): Promise<AwsFaults> {
  let rule: ((call: AwsCall) => AwsFault) | undefined;
  let count = 0;

  async function answer(from: Request, to: Response): Promise<void> {
    // Callers get killed in the middle of a call.
    const body = await buffer(from).catch(() => undefined);
    if (body === undefined) return;
    const fault = rule?.(callOf(from, body));
    if (fault !== undefined) count += 1;
    if (fault === 'reset') return breakOff(to);
    if (fault !== undefined && 'error' in fault) return refuse(from, to, fault);
    if (fault !== undefined) await sleep(fault.delayMs);
    forward(from, to, { endpoint, body });
  }

  const http = createHttp((from, to) => void answer(from, to));
  const http2 = createHttp2((from, to) => void answer(from, to));
  const [httpPort, http2Port] = await Promise.all([listen(http), listen(http2)]);
  const sockets = new Set<Socket>();
  // A server takes no connection over whose first bytes somebody else has read, so these go to it by a connection of their own.
  const front = createServer((socket) => {
    socket.once('data', (first) => {
      const port = first.toString('latin1').startsWith(HTTP2_PREFACE) ? http2Port : httpPort;
      const onward = connect(port, '127.0.0.1');
      for (const [one, other] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        sockets.add(one);
        one.on('error', () => undefined).once('close', () => void (sockets.delete(one), other.destroy()));
      }
      onward.write(first);
      socket.pipe(onward).pipe(socket);
    });
  });
  const port = await listen(front);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    get count() {
      return count;
    },
    use: (next) => void (rule = next),
    stop() {
      for (const server of [front, http, http2]) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function callOf(from: Request, body: Buffer): AwsCall {
  const operation = String(from.headers['x-amz-target']).split('.')[1] ?? '';
  const text = isCbor(from) ? '' : body.toString();
  const { TableName: table } = JSON.parse(text === '' ? '{}' : text) as { TableName?: string };
  return { operation, table, body: text };
}

function isCbor({ headers }: Request): boolean {
  return String(headers['content-type']).includes('cbor');
}

function breakOff(to: Response): void {
  if ('stream' in to) to.stream.session?.destroy();
  else to.destroy();
}

function refuse(from: Request, to: Response, { error, status = 400 }: { error: string; status?: number }): void {
  const fields = { __type: error, message: 'made by the test' };
  to.writeHead(status, { 'content-type': String(from.headers['content-type']), 'x-amzn-errortype': error });
  to.end(isCbor(from) ? cborOf(fields) : JSON.stringify(fields));
}

/** A map of at most 23 texts, none of them longer than 255 bytes. */
function cborOf(fields: Readonly<Record<string, string>>): Buffer {
  const texts = Object.entries(fields).flat();
  const encoded = texts.map((text) => Buffer.concat([Buffer.of(0x78, Buffer.byteLength(text)), Buffer.from(text)]));
  return Buffer.concat([Buffer.of(0xa0 + texts.length / 2), ...encoded]);
}

/** What belongs to one connection and not to the call. */
const OF_THE_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'http2-settings']);

function forward(
  { method, url, headers }: Request,
  to: Response,
  { endpoint, body }: { readonly endpoint: string; readonly body: Buffer },
): void {
  const own = Object.entries(headers).filter(([name]) => !name.startsWith(':') && !OF_THE_CONNECTION.has(name));
  const host = headers.host ?? String(headers[':authority']);
  const onward = request(endpoint, { method, path: url, headers: { ...Object.fromEntries(own), host } }, (answer) => {
    const given = Object.entries(answer.headers).filter(([name]) => !OF_THE_CONNECTION.has(name));
    to.writeHead(answer.statusCode ?? 502, Object.fromEntries(given) as Record<string, string>);
    answer.pipe(to);
  });
  // The caller sees a broken connection, as it would without us.
  onward.on('error', () => breakOff(to));
  onward.end(body);
}
