/** Messages as lines of JSON over a local socket: between the supervisor and the processes that serve shards. */
import type { Socket } from 'node:net';
import { toError } from '../errors.js';
import { LineSplitter } from '../protocol/line-splitter.js';

/** The longest message is the status of all shards of a worker: some hundred bytes for each. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;
/** What a peer that does not read may leave in our memory before it counts as gone. */
const BACKLOG_BYTES_MAX = 64 * 1024 * 1024;

export interface LinkListener<In> {
  message(message: In): void;
  /** Once; nothing more is heard or can be said. */
  closed(cause: Error | undefined): void;
}

export class LineLink<In, Out> {
  private readonly splitter = new LineSplitter(LINE_BYTES_MAX);
  private open = true;

  constructor(
    private readonly socket: Socket,
    private readonly listener: LinkListener<In>,
  ) {
    socket.on('data', (chunk) => this.take(chunk));
    socket.on('error', (error) => this.end(error));
    socket.on('close', () => this.end(undefined));
  }

  /** Says nothing to a peer that is gone: `closed` tells that. */
  send(message: Out): void {
    if (!this.open) return;
    this.socket.write(`${JSON.stringify(message)}\n`);
    if (this.socket.writableLength > BACKLOG_BYTES_MAX)
      this.end(new Error('The other process does not read any more.'));
  }

  close(): void {
    this.socket.end();
    this.open = false;
  }

  /** Ends the link without waiting for what was written. */
  destroy(): void {
    this.open = false;
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    try {
      // Both ends are this package in the same version; the socket lies in a folder that nobody else may enter.
      for (const line of this.splitter.push(chunk))
        this.listener.message(JSON.parse(Buffer.from(line).toString()) as In);
    } catch (error) {
      this.end(toError(error));
    }
  }

  private ended = false;

  private end(cause: Error | undefined): void {
    if (this.ended) return;
    this.ended = true;
    this.open = false;
    this.socket.destroy();
    this.listener.closed(cause);
  }
}
