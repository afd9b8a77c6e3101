/** Puts a scripted child where a bed has its runner. */
import type { ByteChannel, SessionOutcome } from '@millrace/core/internal';
import type { ShardServer } from '../../src/bed-parts.js';

/** The child's end of the bed's channel, as lines. */
export interface ChildPipes {
  write(line: string): void;
  /** The child is gone. */
  close(): void;
}

export interface ChildListener {
  read(line: string): void;
  /** End of input. */
  end(): void;
}

/** A server whose session ends with the channel. What a status would say of it, nobody asks here. */
export function serverOf(channel: ByteChannel, open: (pipes: ChildPipes) => ChildListener): ShardServer {
  return {
    run: () =>
      new Promise<SessionOutcome>((resolve) => {
        const ended = (): void => resolve({ kind: 'ended', why: 'endOfInput' });
        const listener = open({
          write: (line) => channel.write(Buffer.from(`\n${line}\n`)),
          close: () => void channel.close().then(ended),
        });
        let rest = '';
        channel.start({
          data: (chunk) => {
            const lines = (rest + Buffer.from(chunk).toString('utf8')).split('\n');
            rest = lines.pop() ?? '';
            for (const line of lines) listener.read(line);
          },
          end: () => {
            listener.end();
            ended();
          },
        });
      }),
    drain: () => undefined,
    get status(): never {
      throw new Error('A scripted child has no status.');
    },
  };
}
