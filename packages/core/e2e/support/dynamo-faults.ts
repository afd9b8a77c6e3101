/** Stands before DynamoDB and lets calls fail or wait as told; everything else goes through. */
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

export interface DynamoCall {
  /** `UpdateItem`. */
  readonly operation: string;
  readonly table: string | undefined;
  readonly body: string;
}

/** `error` as DynamoDB names it, `ProvisionedThroughputExceededException`; `reset` breaks the connection. */
export type DynamoFault = { readonly error: string } | { readonly delayMs: number } | 'reset' | undefined;

export interface DynamoFaults {
  readonly endpoint: string;
  /** How many calls got a fault. */
  readonly count: number;
  /** Decides about every call from now on. */
  use(rule: ((call: DynamoCall) => DynamoFault) | undefined): void;
  stop(): void;
}

export async function startDynamoFaults(endpoint: string): Promise<DynamoFaults> {
  let rule: ((call: DynamoCall) => DynamoFault) | undefined;
  let count = 0;
  const server = createServer((from, to) => void answer(from, to)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  async function answer(from: IncomingMessage, to: ServerResponse): Promise<void> {
    // Callers get killed in the middle of a call.
    const body = await buffer(from).catch(() => undefined);
    if (body === undefined) return;
    const fault = rule?.(callOf(from, body.toString()));
    if (fault !== undefined) count += 1;
    if (fault === 'reset') return void to.destroy();
    if (fault !== undefined && 'error' in fault) return refuse(to, fault.error);
    if (fault !== undefined) await sleep(fault.delayMs);
    forward(from, to, { endpoint, body });
  }
  return {
    endpoint: `http://127.0.0.1:${port}`,
    get count() {
      return count;
    },
    use: (next) => void (rule = next),
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function callOf(from: IncomingMessage, body: string): DynamoCall {
  const operation = String(from.headers['x-amz-target']).split('.')[1] ?? '';
  const { TableName: table } = JSON.parse(body === '' ? '{}' : body) as { TableName?: string };
  return { operation, table, body };
}

function refuse(to: ServerResponse, error: string): void {
  to.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
  to.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${error}`, message: 'made by the test' }));
}

function forward(
  { method, url, headers }: IncomingMessage,
  to: ServerResponse,
  { endpoint, body }: { readonly endpoint: string; readonly body: Buffer },
): void {
  const onward = request(endpoint, { method, path: url, headers }, (answer) => {
    to.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(to);
  });
  // The caller sees a broken connection, as it would without us.
  onward.on('error', () => to.destroy());
  onward.end(body);
}
