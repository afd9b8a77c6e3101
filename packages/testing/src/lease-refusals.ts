/** Stands before a DynamoDB and lets it refuse checkpoints; everything else goes through, renewals of leases among it. */
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { MillraceError } from '@millrace/core';
import { FakeCheckpoints, type CheckpointFailure } from './fake-checkpoints.js';

/** What DynamoDB says, for KCL to say this. */
const CAUSES: Readonly<Record<string, string>> = {
  ThrottlingException: 'ProvisionedThroughputExceededException',
  KinesisClientLibDependencyException: 'AccessDeniedException',
  InvalidStateException: 'ResourceNotFoundException',
};

/** A client that tries again says so: the same checkpoint is refused once, however often it is tried. */
const INVOCATION = 'amz-sdk-invocation-id';

export class LeaseRefusals {
  readonly endpoint: string;
  readonly #behind: string;
  readonly #checkpoints: FakeCheckpoints;
  readonly #refused: Map<string, string>;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(behind: string, server: ReturnType<typeof createServer>) {
    const address = server.address();
    this.endpoint = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    this.#behind = behind;
    this.#server = server;
    this.#checkpoints = new FakeCheckpoints();
    this.#refused = new Map();
    server.on('request', (from: IncomingMessage, to: ServerResponse) => void this.#answer(from, to));
  }

  /** @param behind - the endpoint of the DynamoDB. */
  static async open(behind: string): Promise<LeaseRefusals> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new LeaseRefusals(behind, server);
  }

  /** @throws TEST_MISUSED for a failure that comes from elsewhere than DynamoDB. */
  fail(error: CheckpointFailure, times: number | undefined): void {
    const cause = Object.hasOwn(CAUSES, error) ? CAUSES[error] : undefined;
    if (cause === undefined)
      throw new MillraceError(
        'TEST_MISUSED',
        `KCL does not say ${error} because of DynamoDB. On the runtime daemon a checkpoint is refused with ${Object.keys(CAUSES).join(', ')}.`,
      );
    this.#checkpoints.fail(cause, times === undefined ? {} : { times });
  }

  recover(): void {
    this.#checkpoints.recover();
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(from: IncomingMessage, to: ServerResponse): Promise<void> {
    // A caller that was killed in the middle of a call.
    const body = await buffer(from).catch(() => undefined);
    if (body === undefined) return;
    const error = isCheckpoint(from, body) ? this.#refusalOf(String(from.headers[INVOCATION])) : undefined;
    if (error === undefined) this.#forward(from, to, body);
    else to.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify({ __type: error }));
  }

  #refusalOf(invocation: string): string | undefined {
    const error = this.#refused.get(invocation) ?? this.#checkpoints.next();
    if (error !== undefined) this.#refused.set(invocation, error);
    return error;
  }

  #forward({ method, url, headers }: IncomingMessage, to: ServerResponse, body: Buffer): void {
    const onward = request(this.#behind, { method, path: url, headers }, (answer) => {
      to.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(to);
    });
    // The caller sees a broken connection, as it would without us.
    onward.on('error', () => void to.destroy());
    onward.end(body);
  }
}

function isCheckpoint({ headers }: IncomingMessage, body: Buffer): boolean {
  return String(headers['x-amz-target']).endsWith('.UpdateItem') && body.includes('"checkpoint"');
}
