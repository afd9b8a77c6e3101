/** A session served by a process: its standard pipes on the worker's end of a channel. */
import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { ByteChannel, SessionOutcome } from '@millrace/core/internal';
import type { ShardServer } from './bed-parts.js';

export interface PipedProcess extends ChildProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
}

/** The session is over when the process has ended. */
export function processServer(channel: ByteChannel, start: () => PipedProcess): ShardServer {
  return {
    run: () => joined(start(), channel),
    // A process is asked to drain by its daemon.
    drain: () => undefined,
    get status(): never {
      throw new Error('What a process does is not seen from outside.');
    },
  };
}

function joined(child: PipedProcess, channel: ByteChannel): Promise<SessionOutcome> {
  // A process that is killed while it is written to; its end is told below.
  child.stdin.on('error', () => undefined);
  child.stdout.on('data', (chunk: Buffer) => channel.write(chunk));
  channel.start({
    // The chunk is the channel's again when this returns.
    data: (chunk) => void child.stdin.write(Uint8Array.from(chunk)),
    end: () => void child.stdin.end(),
  });
  return new Promise((resolve) => {
    child.once('close', () => {
      void channel.close();
      resolve({ kind: 'ended', why: 'endOfInput' });
    });
  });
}
