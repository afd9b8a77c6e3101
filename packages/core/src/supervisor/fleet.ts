/**
 * What the daemons of one worker share: the private folder, the door for relays, the guard, the socket for hosts and
 * children, and the hosts themselves.
 */
import type { SessionHost } from '../host/session-host.js';
import type { FromHost, RelayProcess, ToHost } from '../host/host-messages.js';
import type { Environment } from '../definition/definition.js';
import { toError } from '../errors.js';
import { startTickOf } from '../local/process-birth.js';
import type { Clock, Logger } from '../ports.js';
import type { SessionSetup } from '../runtime/live-sessions.js';
import type { ErrandRunner } from './errand-process.js';
import { openDoor, type Door } from './door.js';
import { Guard } from './guard.js';
import { startHostProcess } from './host-process.js';
import { HostPool, type Host, type HostExit, type HostListener } from './host-pool.js';
import { clearLeftFolders } from './left-folders.js';
import { openLinkServer, type LinkServer, type Peer } from './link-server.js';
import { makePrivateFolder, type PrivateFolder } from './private-folder.js';

/** Who serves the shards. */
export type Hosting =
  /** Host processes, each for many shards. */
  | { readonly kind: 'processes'; readonly count: number }
  /** This very process, with what its sessions need, by application name. */
  | { readonly kind: 'here'; readonly consumers: ReadonlyMap<string, SessionSetup> }
  /** A process for each shard, started by the daemon. */
  | { readonly kind: 'perShard' };

export interface FleetOptions {
  readonly hosting: Hosting;
  readonly env: Environment;
  readonly errands: ErrandRunner;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Retention = Readonly<Record<string, number | undefined>>;

/** A daemon that takes sessions in. */
export interface Admission {
  admit(relay: RelayProcess): boolean;
  /** A child of process mode belongs to the daemon that started it. */
  admitChild(peer: Peer): boolean;
}

export class Fleet {
  readonly admissions = new Set<Admission>();
  private readonly welcomes = new Map<string, (peer: Peer) => void>();
  private readonly retention: Promise<Retention>;
  private resolveRetention: (retention: Retention) => void = () => undefined;
  private readonly locks = new Set<number>();
  private hostsStopped: Promise<void> | undefined;
  private sessionHost: typeof SessionHost | undefined;

  private constructor(
    readonly folder: PrivateFolder,
    private readonly options: FleetOptions,
    private readonly parts: {
      door: Door | undefined;
      guard: Guard | undefined;
      server: LinkServer | undefined;
      pool: HostPool | undefined;
    },
  ) {
    this.retention = new Promise((resolve) => {
      this.resolveRetention = resolve;
    });
  }

  /** @throws MillraceError DAEMON_FAILED when this machine gives no folder for it. */
  static async open(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(await makePrivateFolder(), options, {
      door: undefined,
      guard: undefined,
      server: undefined,
      pool: undefined,
    });
    try {
      await fleet.openParts();
      return fleet;
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  /** Undefined in process mode. */
  get pool(): HostPool | undefined {
    return this.parts.pool;
  }

  /** What hosts wait for before they are ready: the retention of each stream, by application name. */
  knowRetention(retention: Retention): void {
    this.resolveRetention(retention);
  }

  async startHosts(): Promise<void> {
    await this.pool?.start();
  }

  /** Java, and everything in its session, must not outlive this process. */
  async protect(pid: number): Promise<void> {
    await this.parts.guard?.protect(pid);
  }

  async unprotect(pid: number): Promise<void> {
    await this.parts.guard?.release(pid);
  }

  /** Keeps the lock on a worker id until the guard is gone, too. */
  keepLocked(descriptor: number | undefined): void {
    if (descriptor === undefined) return;
    this.locks.add(descriptor);
    this.parts.guard?.renew();
  }

  /** Resolves when no host is left, this process as a host included. Call it when every daemon has ended. Never rejects. */
  stopHosts(): Promise<void> {
    this.hostsStopped ??= this.parts.pool?.stop().catch(this.failed) ?? Promise.resolve();
    return this.hostsStopped;
  }

  /** As stopHosts, and everything else with them. Never rejects. */
  async close(): Promise<void> {
    await this.stopHosts();
    await this.parts.guard?.close();
    this.parts.server?.close();
    this.parts.door?.close();
    await this.folder.remove().catch(this.failed);
  }

  private readonly failed = (error: unknown): void =>
    this.options.logger.warn({ err: toError(error) }, 'A part of the daemon was left behind.');

  private async openParts(): Promise<void> {
    const { hosting, logger, clock, errands } = this.options;
    const { path } = this.folder;
    this.parts.server = await openLinkServer(this.folder.socket, { logger, onPeer: (peer) => this.welcome(peer) });
    if (process.platform === 'linux') {
      this.parts.door = await openDoor(path, (pid) => this.ring(pid));
      this.parts.guard = new Guard({ folder: path, logger, keepOpen: () => [...this.locks] });
      await this.parts.guard.start();
      await clearLeftFolders(this.folder).catch((error: unknown) =>
        logger.debug({ err: toError(error) }, 'What killed workers may have left was not looked for.'),
      );
    }
    if (hosting.kind === 'perShard') return;
    // Only where this very process serves sessions is there anything that does it in its memory.
    if (hosting.kind === 'here') this.sessionHost = (await import('../host/session-host.js')).SessionHost;
    this.parts.pool = new HostPool({
      count: hosting.kind === 'processes' ? hosting.count : 1,
      startHost: (name, listener) =>
        hosting.kind === 'here' ? this.hostHere(hosting.consumers, listener) : this.hostProcess(name, listener),
      clock,
      logger,
      inspector:
        hosting.kind === 'here'
          ? undefined
          : { prepare: () => errands.warm('host'), stackOf: (pid) => errands.run({ kind: 'stackOfHost', pid }) },
      retention: this.retention,
    });
  }

  /** A relay has announced itself; the daemon that started it takes it in. */
  private ring(pid: number): void {
    const startTick = startTickOf(pid);
    if (startTick === undefined) return;
    const relay = { pid, startTick };
    for (const daemon of this.admissions) if (daemon.admit(relay)) return;
    this.options.logger.warn({ pid }, 'A process announced itself as a relay, and none of our daemons has started it.');
  }

  private welcome(peer: Peer): void {
    if (peer.role === 'child') {
      for (const daemon of this.admissions) if (daemon.admitChild(peer)) return;
      peer.close();
      return;
    }
    const expected = this.welcomes.get(peer.name);
    if (expected === undefined) peer.close();
    else expected(peer);
  }

  private hostProcess(name: string, listener: HostListener): Host {
    const { env, logger } = this.options;
    const failed = (error: unknown): void => logger.warn({ err: toError(error) }, 'The guard did not hear of a host.');
    return startHostProcess(name, listener, {
      socket: this.folder.socket,
      env,
      onPeer: (name, welcome) => this.welcomes.set(name, welcome),
      started: (pid) => void this.protect(pid).catch(failed),
      gone: (pid) => void this.unprotect(pid).catch(failed),
    });
  }

  /** The same messages without a process in between; in order, but never inside the call that sends them. */
  private hostHere(consumers: ReadonlyMap<string, SessionSetup>, listener: HostListener): Host {
    const { clock, logger } = this.options;
    let leave: (how: string) => void = () => undefined;
    const exited = new Promise<HostExit>((resolve) => {
      leave = (how) => resolve({ how, code: null, signal: null });
    });
    const tell = (message: FromHost): void => queueMicrotask(() => listener.message(message));
    const { sessionHost: Sessions } = this;
    let host: SessionHost | undefined;
    const take = (message: ToHost): void => {
      if (message.kind === 'welcome' && Sessions !== undefined) {
        const withRetention = new Map(
          [...consumers].map(([name, setup]) => [name, { ...setup, retentionMs: message.retentionMs[name] }]),
        );
        host = new Sessions({ consumers: withRetention, clock, logger, tell });
        tell({ kind: 'ready' });
      } else if (message.kind === 'end') {
        const ending = host;
        ending?.close();
        void Promise.resolve(ending?.ended()).then(() => leave('ended'));
      } else if (message.kind !== 'welcome') host?.take(message);
    };
    tell({ kind: 'hello', role: 'host', name: 'host-0', pid: process.pid });
    return {
      pid: process.pid,
      exited,
      send: (message) => queueMicrotask(() => take(message)),
      kill: () => leave('was given up'),
    };
  }
}
