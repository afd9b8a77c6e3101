/** The protocol over this process's own standard input and output, kept apart from everything else that uses them. */
import { MillraceError } from '../errors.js';
import type { ByteChannel, ChannelListener, Logger } from '../ports.js';
import { pipeInput, pipeOutput } from './pipe-descriptor.js';
import { movePipeFromStdin, movePipeFromStdout } from './private-stdio.js';
import { redirectStdout } from './stdout-guard.js';
import { StreamChannel } from './stream-channel.js';
import type { ByteInput, ByteOutput } from './stream-channel.js';

let claimed = false;

/**
 * Claims standard input and output for the daemon, for the rest of the process's life. Call it once, first of all, before user code is loaded.
 * Pipes move to private descriptors, and whatever is then written to standard output, also by child processes, goes to standard error.
 * Where that cannot be done (Windows, sockets, files) console and process.stdout are redirected instead and `logger` gets a warning: there,
 * `fs.writeSync(1, ...)` and child processes with inherited output can still reach the daemon.
 * Throws TRANSPORT_FAILED the second time: a process has one pair of pipes, and they carry one shard.
 */
export function claimStdio(logger?: Logger): ByteChannel {
  if (claimed) {
    throw new MillraceError(
      'TRANSPORT_FAILED',
      'Standard input and output carry the protocol of one shard and are claimed already. Run one consumer per process here.',
    );
  }
  claimed = true;
  const input = movePipeFromStdin();
  const output = movePipeFromStdout();
  if (output === undefined) warnShared(logger, 'output', 'what child processes print');
  if (input === undefined) warnShared(logger, 'input', 'reads by child processes');
  return new StreamChannel(
    input === undefined ? sharedInput() : pipeInput(input),
    output === undefined ? sharedOutput() : pipeOutput(output),
  );
}

function warnShared(logger: Logger | undefined, stream: 'input' | 'output', danger: string): void {
  const message = `Standard ${stream} is no pipe that can be opened a second time, so ${danger} can reach the daemon's protocol. Give child processes streams of their own.`;
  if (logger === undefined) process.stderr.write(`${message}\n`);
  else logger.warn({ stream }, message);
}

function sharedInput(): ByteInput {
  const { stdin } = process;
  return {
    start(listener: ChannelListener) {
      stdin.on('data', (chunk: Uint8Array) => listener.data(chunk));
      stdin.once('end', () => listener.end());
      stdin.once('error', (error) => listener.end(error));
    },
    stop() {
      stdin.destroy();
    },
  };
}

/** Keeps the real write for itself and leaves everybody else one that leads to standard error. */
function sharedOutput(): ByteOutput {
  const { stdout } = process;
  const write = stdout.write.bind(stdout);
  stdout.on('error', () => undefined);
  redirectStdout();
  return {
    write(bytes, written) {
      write(bytes, written);
    },
    // Standard output ends with the process.
    stop: () => undefined,
  };
}
