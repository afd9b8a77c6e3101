/**
 * A stable name for a worker: host name and slot. The slot is a lock that the operating system takes back from a dead
 * holder at once: a local socket in the abstract name space of Linux, so no file is left and none has to be writable.
 * The guard inherits its descriptor, so the name stays taken until a killed supervisor's daemon is dead, too.
 */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { hostname } from 'node:os';

export interface SlotLock {
  readonly workerId: string;
  /** To be inherited; undefined where the platform has none. */
  readonly descriptor: number | undefined;
  release(): void;
}

/** More workers of one application on one machine are nobody's plan. */
const SLOTS_MAX = 256;

/**
 * Free names, best first, each locked until it is released: `<host>-0`, `<host>-1`, ... Without abstract sockets
 * (anywhere but Linux) a random name, as KCL's own.
 *
 * @param scope - what tells applications apart: names of different scopes do not meet.
 */
export async function* freeSlots(scope: string): AsyncGenerator<SlotLock> {
  const host = hostname();
  if (process.platform !== 'linux') {
    yield { workerId: `${host}-${randomUUID()}`, descriptor: undefined, release: () => undefined };
    return;
  }
  for (let slot = 0; slot < SLOTS_MAX; slot += 1) {
    const lock = await lockName(`${host}-${slot}`, scope);
    if (lock !== undefined) yield lock;
  }
}

/** Undefined when a living process of this machine has the name. */
export async function lockName(workerId: string, scope: string): Promise<SlotLock | undefined> {
  if (process.platform !== 'linux') return { workerId, descriptor: undefined, release: () => undefined };
  const digest = createHash('sha256').update(`${scope}\0${workerId}`).digest('hex').slice(0, 40);
  const server = createServer((socket) => socket.destroy());
  try {
    // A leading zero byte: no file, and gone with its holder.
    server.listen(`\0millrace/${digest}`);
    await once(server, 'listening');
  } catch {
    // In use. Whatever else keeps us from listening keeps the name from being ours as well.
    return undefined;
  }
  server.unref();
  return { workerId, descriptor: descriptorOf(server), release: () => void server.close() };
}

/** Node keeps the descriptor of a listening socket to itself, but spawn inherits descriptors only by number. */
function descriptorOf(server: Server): number | undefined {
  const { _handle: handle } = server as Server & { readonly _handle?: { readonly fd?: number } };
  const fd = handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}
