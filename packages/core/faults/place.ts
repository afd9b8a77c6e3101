/** Where the sessions of a life are served: by children on the daemon's pipes, or by a host that takes over those of relays. */
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startTickOf } from '../src/local/process-birth.js';
import { openDoor } from '../src/supervisor/door.js';
import { openLinkServer, type Peer } from '../src/supervisor/link-server.js';
import { makePrivateFolder } from '../src/supervisor/private-folder.js';
import { spawnOnPipes, type WorkerProcess } from '../test/support/worker-process.js';

const PROGRAM = fileURLToPath(new URL('fixtures/ledger.mjs', import.meta.url));
const silent = { debug() {}, info() {}, warn() {}, error() {} };

export interface Place {
  /** The pipes of each shard, as the daemon holds them. */
  readonly pipes: readonly WorkerProcess[];
  /** Lines of standard error of whatever runs handlers. */
  onLine: (line: string) => void;
  /** SIGKILL to what serves the first shard: its child, or the host of all. */
  kill(): void;
  /** To everything that runs handlers, as a terminal does it. */
  signalAll(signal: NodeJS.Signals): void;
  /** The supervisor is gone, with all that only it holds. Only hosts have one. */
  loseSupervisor(): void;
  /** The life is over: resolves with how what runs handlers has ended, when no process of this life is left. */
  ended(): Promise<readonly Exit[]>;
  /** SIGKILL to whatever is left. */
  destroy(): Promise<void>;
}

/** A code, or `killed`. */
export type Exit = number | 'killed';

export interface PlaceOptions {
  readonly folder: string;
  readonly shards: number;
  readonly env: Readonly<Record<string, string>>;
}

export function openChildren({ folder, shards, env }: PlaceOptions): Place {
  const options = { cwd: folder, env: { ...env, MILLRACE_ENGINE: 'stdio', TMPDIR: folder } };
  const children = Array.from({ length: shards }, () => spawnOnPipes([PROGRAM], options));
  const place: Place = {
    pipes: children,
    onLine: () => undefined,
    kill: () => children[0]?.kill('SIGKILL'),
    signalAll(signal) {
      for (const child of children) child.kill(signal);
    },
    loseSupervisor: () => undefined,
    ended: async () => (await Promise.all(children.map(({ exited }) => exited))).map((code) => code ?? 'killed'),
    async destroy() {
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(children.map(({ exited }) => exited));
    },
  };
  for (const { stderr } of children) readLines(stderr, (line) => place.onLine(line));
  return place;
}

export async function openHost({ folder, shards, env }: PlaceOptions): Promise<Place> {
  const own = await makePrivateFolder();
  const rings = new Map<number, () => void>();
  const door = await openDoor(own.path, (pid) => rings.get(pid)?.());
  const news = new EventEmitter();
  const connected = once(news, 'peer');
  const server = await openLinkServer(own.socket, { logger: silent, onPeer: (peer) => news.emit('peer', peer) });
  const host = spawn(process.execPath, [PROGRAM], {
    cwd: folder,
    env: { ...env, TMPDIR: folder, MILLRACE_LINK: own.socket, MILLRACE_HOST: 'host-1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(host, 'exit').then(([code]) => (code as number | null) ?? 'killed');
  const [peer] = (await connected) as [Peer];
  const ready = once(news, 'ready');
  peer.onMessage = ({ kind }) => news.emit(kind);
  peer.send({ kind: 'welcome', retentionMs: {} });
  await ready;
  const relays = await Promise.all(
    Array.from({ length: shards }, async () => {
      const relay = spawnOnPipes([`${own.path}/relay.sh`, own.path], { program: '/bin/sh', env });
      const { pid } = relay;
      await new Promise<void>((resolve) => rings.set(pid, resolve));
      const birth = { pid, startTick: startTickOf(pid) ?? '' };
      peer.send({ kind: 'attach', applicationName: 'ledger', sessionId: `ledger#${pid}`, relay: birth });
      return relay;
    }),
  );
  // What the supervisor does when a host is gone; where it is gone itself, its door does.
  void exited.then(() => {
    if (!lost) for (const relay of relays) relay.kill('SIGKILL');
  });
  let lost = false;
  const loseSupervisor = (): void => {
    lost = true;
    server.close();
    door.close();
  };
  const place: Place = {
    pipes: relays,
    onLine: () => undefined,
    kill: () => void host.kill('SIGKILL'),
    signalAll: (signal) => void host.kill(signal),
    loseSupervisor,
    async ended() {
      if (!lost) peer.send({ kind: 'end' });
      const exit = await exited;
      await Promise.all(relays.map((relay) => relay.exited));
      return [exit];
    },
    async destroy() {
      host.kill('SIGKILL');
      for (const relay of relays) relay.kill('SIGKILL');
      await Promise.all([exited, ...relays.map((relay) => relay.exited)]);
      if (!lost) loseSupervisor();
      await own.remove();
    },
  };
  readLines(host.stderr, (line) => place.onLine(line));
  return place;
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}
