/**
 * Takes over the pipes that a relay keeps open, through /proc: the host speaks the protocol itself, and the relay sleeps.
 *
 * R1 The pipes are opened without blocking: a plain open would wait for ever when the daemon has just died.
 * R2 A relay lives as long as its session: the daemon drains and closes both pipes when it exits. It is ended when the
 *    host has let go of the pipes, for the daemon waits until every writer is gone.
 * R3 Process ids come again: the start time is compared after the pipes are open, and before the relay is ended.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { MillraceError, toError } from '../errors.js';
import { startTickOf } from '../local/process-birth.js';
import type { ByteChannel } from '../ports.js';
import { pipeInput, pipeOutput } from '../transport/pipe-descriptor.js';
import { StreamChannel } from '../transport/stream-channel.js';
import type { RelayProcess } from './host-messages.js';

export interface AttachedRelay {
  readonly channel: ByteChannel;
  /** Ends the relay; call it when the channel is closed. */
  release(): void;
}

/** Where relay.sh keeps the daemon's pipes. */
const FROM_DAEMON = 3;
const TO_DAEMON = 4;
const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;

/** @throws MillraceError TRANSPORT_FAILED when the relay has gone, or its pipes cannot be opened. */
export function attachRelay(relay: RelayProcess): AttachedRelay {
  const open: number[] = [];
  try {
    const input = openPipe(relay, FROM_DAEMON, O_RDONLY);
    open.push(input);
    const output = openPipe(relay, TO_DAEMON, O_WRONLY);
    open.push(output);
    if (startTickOf(relay.pid) !== relay.startTick) throw new Error('it has ended');
    return { channel: new StreamChannel(pipeInput(input), pipeOutput(output)), release: () => endRelay(relay) };
  } catch (error) {
    for (const fd of open) closeSync(fd);
    throw new MillraceError(
      'TRANSPORT_FAILED',
      `The pipes of relay ${relay.pid} cannot be taken over: ${toError(error).message}`,
      { cause: error, details: { pid: relay.pid } },
    );
  }
}

/** The daemon sees its pipes close, once nobody else holds them; how a relay ends, it does not care. */
export function endRelay({ pid, startTick }: RelayProcess): void {
  if (startTickOf(pid) !== startTick) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone between the look and the signal.
  }
}

function openPipe({ pid }: RelayProcess, descriptor: number, mode: number): number {
  const fd = openSync(`/proc/${pid}/fd/${descriptor}`, mode | O_NONBLOCK);
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw new Error(`its descriptor ${descriptor} is no pipe`);
}
