/** Stands before DynamoDB and notes which operation was called on which table. */
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface DynamoDbRecorder {
  readonly endpoint: string;
  /** `dynamodb:Query orders/index/ByOwner`, each once. */
  readonly calls: ReadonlySet<string>;
  stop(): void;
}

export async function recordDynamoDb(endpoint: string): Promise<DynamoDbRecorder> {
  const calls = new Set<string>();
  const server = createServer((from, to) => {
    void forward(from, to, { endpoint, calls });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    calls,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Recording {
  readonly endpoint: string;
  readonly calls: Set<string>;
}

async function forward(from: IncomingMessage, to: ServerResponse, { endpoint, calls }: Recording): Promise<void> {
  const body = await buffer(from);
  const operation = String(from.headers['x-amz-target']).split('.')[1];
  const { TableName, IndexName } = JSON.parse(body.toString()) as { TableName?: string; IndexName?: string };
  calls.add(`dynamodb:${operation} ${TableName}${IndexName === undefined ? '' : `/index/${IndexName}`}`);
  const onward = request(endpoint, { method: from.method, path: from.url, headers: from.headers }, (answer) => {
    to.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(to);
  });
  // The caller sees a broken connection, as it would without us.
  onward.on('error', () => to.destroy());
  onward.end(body);
}
