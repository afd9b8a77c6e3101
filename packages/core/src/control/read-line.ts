/** One line of JSON from a local socket, within limits: the other end may be anything that the user runs. */
import type { Socket } from 'node:net';
import { MillraceError } from '../errors.js';
import { LineSplitter } from '../protocol/line-splitter.js';

export interface LineLimits {
  readonly maxBytes: number;
  readonly withinMs: number;
}

/** @throws LINE_TOO_LONG, TRANSPORT_FAILED when the line does not come, or what the socket and the JSON throw. */
export function readJsonLine(socket: Socket, { maxBytes, withinMs }: LineLimits): Promise<unknown> {
  const splitter = new LineSplitter(maxBytes);
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => fail(`did not come within ${withinMs} ms`), withinMs);
    const finish = (end: () => void): void => {
      clearTimeout(late);
      socket.off('data', onData);
      end();
    };
    const fail = (why: string): void =>
      finish(() => reject(new MillraceError('TRANSPORT_FAILED', `A line on the control socket ${why}.`)));
    const onData = (chunk: Buffer): void => {
      try {
        for (const line of splitter.push(chunk)) {
          const value: unknown = JSON.parse(Buffer.from(line).toString());
          finish(() => resolve(value));
          return;
        }
      } catch (error) {
        finish(() => reject(error));
      }
    };
    socket.on('data', onData);
    socket.once('error', (error) => finish(() => reject(error)));
    socket.once('close', () => fail('was cut off: its other end is gone'));
  });
}
