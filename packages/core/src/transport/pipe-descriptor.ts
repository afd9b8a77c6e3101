/** Reading and writing a pipe by its descriptor, without the streams that process.stdin and process.stdout build on top. */
import { Socket } from 'node:net';
import type { OnReadOpts, SocketConstructorOpts } from 'node:net';
import type { ChannelListener } from '../ports.js';
import type { ByteInput, ByteOutput } from './stream-channel.js';

/**
 * As much as a pipe holds. All pipes of a process read into it, one after the other: whoever hears of bytes is done with them when
 * the call returns.
 */
const SLAB_BYTES = 64 * 1024;
let sharedSlab: Buffer | undefined;

/** Reads without a copy: a chunk is valid until its listener returns. */
export function pipeInput(fd: number): ByteInput {
  let socket: Socket | undefined;
  return {
    start(listener) {
      socket = readingSocket(fd, listener);
    },
    stop() {
      socket?.destroy();
    },
  };
}

function readingSocket(fd: number, listener: ChannelListener): Socket {
  const slab = (sharedSlab ??= Buffer.allocUnsafeSlow(SLAB_BYTES));
  const onread: OnReadOpts = {
    buffer: slab,
    callback: (bytes, buffer) => {
      listener.data(buffer.subarray(0, bytes));
      return true;
    },
  };
  // Documented, but missing in the type of these options.
  const options: SocketConstructorOpts & { onread: OnReadOpts } = { fd, readable: true, writable: false, onread };
  const socket = new Socket(options);
  socket.once('end', () => listener.end());
  socket.once('error', (error) => listener.end(error));
  return socket;
}

/** Writes in order. What the daemon does not read yet waits in memory: the event loop never waits for the pipe. */
export function pipeOutput(fd: number): ByteOutput {
  const socket = new Socket({ fd, readable: false, writable: true });
  // Every failure is told to the write it befell; without a listener it would end the process.
  socket.on('error', () => undefined);
  return {
    write(bytes, written) {
      socket.write(bytes, written);
    },
    stop() {
      socket.destroy();
    },
  };
}
