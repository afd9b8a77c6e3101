/** The port that orchestrators, Prometheus and people ask. It answers from what the worker says of itself and decides nothing. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MillraceError, toError } from '../errors.js';
import type { Logger } from '../ports.js';
import { takeSnapshot, type HealthSnapshot, type HealthSource } from './metrics.js';
import type { Probe } from './probes.js';
import { PrometheusPage } from './prometheus.js';

export interface HealthServerOptions extends HealthSource {
  /** 0 takes a free one. */
  readonly port: number;
  /**
   * Undefined: every interface, IPv4 and IPv6. Probes of Kubernetes come from outside of the container, to the address of the
   * pod, and so does Prometheus; on the loopback interface neither would reach it.
   */
  readonly host: string | undefined;
  readonly logger: Logger;
}

export interface HealthServer {
  readonly port: number;
  /** Cuts what is still open: nobody may hold up the end of a worker by reading slowly. */
  close(): Promise<void>;
}

const REQUEST_MS = 5000;
const IDLE_MS = 10_000;
const CONNECTIONS_MAX = 100;

/** @throws MillraceError HEALTH_PORT_FAILED when nothing can be listened on there. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const pages = healthPages(new PrometheusPage());
  const timeouts = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, connectionsCheckingInterval: REQUEST_MS };
  const server = createServer({ ...timeouts, keepAliveTimeout: IDLE_MS }, (request, response) => {
    void pageFor(request, { pages, options }).then((page) => send(response, page));
  });
  server.timeout = IDLE_MS;
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, options);
  server.on('error', (error) => options.logger.warn({ err: error }, 'The health port has trouble.'));
  // A TCP server that listens has an address with a port; a string is the path of a pipe.
  const { port } = server.address() as AddressInfo;
  return { port, close: () => close(server) };
}

function listen(server: Server, { port, host }: HealthServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(portFailed(error, port, host));
    server.once('error', failed);
    server.listen({ port, host }, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // The only error is that it was closed before, which is what was wanted.
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function portFailed(error: NodeJS.ErrnoException, port: number, host: string | undefined): MillraceError {
  const where = host === undefined ? `port ${port}` : `port ${port} of ${host}`;
  return new MillraceError(
    'HEALTH_PORT_FAILED',
    `Health and metrics cannot be served on ${where}: ${remedy(error, port)}`,
    { details: { port, host, reason: error.code }, cause: error },
  );
}

function remedy({ code, message }: NodeJS.ErrnoException, port: number): string {
  const otherPort = 'with MILLRACE_HEALTH_PORT or the option health.port';
  if (code === 'EADDRINUSE')
    return `another process listens there, maybe another worker on this machine. End it, or choose another port ${otherPort}; 0 takes a free one.`;
  if (code === 'EACCES')
    return `this user may not listen there${port < 1024 ? ', because ports below 1024 need a privilege' : ''}. Choose another port ${otherPort}.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return 'this machine has no such address. Correct the option health.host, or leave it out to listen on every interface.';
  return `${message}. Choose another port ${otherPort}, or leave it out to do without.`;
}

interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Pages = ReadonlyMap<string, (snapshot: HealthSnapshot) => Page | Promise<Page>>;

function healthPages(prometheus: PrometheusPage): Pages {
  return new Map<string, (snapshot: HealthSnapshot) => Page | Promise<Page>>([
    ['/', () => plain(200, PATHS)],
    ['/live', ({ live }) => probePage('live', live)],
    ['/ready', ({ ready }) => probePage('ready', ready)],
    ['/health', ({ health, live, ready }) => json({ live, ready, ...health })],
    ['/metrics', async (snapshot) => ({ status: 200, ...(await prometheus.render(snapshot)) })],
  ]);
}

const PATHS = [
  '/live     200 while the worker lives, 503 when only a new start helps',
  '/ready    200 while sessions can be served, 503 otherwise, with the reason',
  '/health   every daemon, host and shard as JSON',
  '/metrics  for Prometheus',
].join('\n');

/** Never rejects: whatever goes wrong becomes an answer. */
async function pageFor(
  { method, url = '/' }: IncomingMessage,
  { pages, options }: { readonly pages: Pages; readonly options: HealthServerOptions },
): Promise<Page> {
  if (method !== 'GET' && method !== 'HEAD')
    return { ...plain(405, 'Only GET and HEAD are answered here.'), headers: { allow: 'GET, HEAD' } };
  const page = pages.get(url.split('?', 1)[0] ?? '/');
  if (page === undefined) return plain(404, `Nothing is here. What there is:\n${PATHS}`);
  try {
    return await page(takeSnapshot(options));
  } catch (error) {
    options.logger.error({ err: toError(error) }, 'The health port could not answer.');
    return plain(500, 'The worker could not tell how it is; its log says why.');
  }
}

function send(response: ServerResponse, { status, contentType, text, headers }: Page): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  });
  // For HEAD, Node sends the headers alone.
  response.end(text);
}

function probePage(what: string, { ok, reasons }: Probe): Page {
  return ok ? plain(200, what) : plain(503, [`not ${what}`, ...reasons].join('\n'));
}

function plain(status: number, text: string): Page {
  return { status, contentType: 'text/plain; charset=utf-8', text: `${text}\n` };
}

function json(body: object): Page {
  return { status: 200, contentType: 'application/json', text: `${JSON.stringify(body, undefined, 2)}\n` };
}
