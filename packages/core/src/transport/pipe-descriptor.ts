/** Reading and writing a pipe by its descriptor, without the streams that process.stdin and process.stdout build on top. */
import { Socket } from 'node:net';
import type { OnReadOpts, SocketConstructorOpts } from 'node:net';
import type { ChannelListener } from '../ports.js';
import type { ByteInput, ByteOutput } from './stream-channel.js';

/** As much as a pipe holds. */
const SLAB_BYTES = 64 * 1024;
/** A rest smaller than this is given up, so that a long line does not arrive in crumbs. */
const SLAB_REST_BYTES = 16 * 1024;

/** Reads straight into slabs of its own. Every chunk is a part of a slab that is never written again, so the receiver may keep it. */
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
  let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  const onread: OnReadOpts = {
    // Asked again after each read, when the bytes just read are cut off.
    buffer: () => slab,
    callback: (bytes, buffer) => {
      slab = slab.length - bytes < SLAB_REST_BYTES ? Buffer.allocUnsafeSlow(SLAB_BYTES) : slab.subarray(bytes);
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
