/** Process mode: the daemon has started a process for each shard, and each has connected to the supervisor. */
import type { SessionEndData } from '../host/host-messages.js';
import { parentOf } from '../local/process-birth.js';
import type { Clock } from '../ports.js';
import type { Wish, WishAnswer } from '../runtime/orders.js';
import { revivedError } from '../runtime/plain-event.js';
import type { ShardStatus } from '../runtime/shard-status.js';
import { Asks } from './asks.js';
import type { SessionServers } from './daemon-supervisor.js';
import type { SessionListener } from './host-pool.js';
import type { Peer } from './link-server.js';

export interface ChildServersOptions {
  readonly applicationName: string;
  readonly listener: () => SessionListener;
  readonly opened: (sessionId: string) => void;
  readonly clock: Clock;
}

export class ChildServers implements SessionServers {
  private readonly children = new Map<string, Peer>();
  private readonly shards = new Map<string, readonly ShardStatus[]>();
  private readonly asks: Asks;
  private draining = false;

  constructor(private readonly options: ChildServersOptions) {
    this.asks = new Asks(options.clock);
  }

  /** Takes a process in that our Java has started; its session has the name that it gave itself. */
  admit(peer: Peer, javaPid: number | undefined): boolean {
    if (javaPid === undefined || !peer.name.startsWith(`${this.options.applicationName}#`)) return false;
    // Unknown where there is no /proc; nobody else may enter the folder of the socket.
    if ((parentOf(peer.pid) ?? javaPid) !== javaPid) return false;
    const sessionId = peer.name;
    this.children.set(sessionId, peer);
    this.options.opened(sessionId);
    let end: SessionEndData = { kind: 'ended', why: 'its process has ended' };
    peer.onMessage = (message) => {
      if (message.kind === 'known') this.options.listener().known(sessionId, message.shardId);
      if (message.kind === 'status') this.status(sessionId, message.shards[this.options.applicationName] ?? []);
      // Told when the process is gone: until then it disposes its services, and the last end is the end of them all.
      if (message.kind === 'ended') end = message.end;
      if (message.kind === 'failed') this.options.listener().stop(revivedError(message.error));
      if (message.kind === 'answer') this.asks.answered(sessionId, message.askId, message.answer);
      if (message.kind === 'stop') this.options.listener().stop(revivedError(message.error));
    };
    peer.onClosed = () => {
      this.children.delete(sessionId);
      this.shards.delete(sessionId);
      this.asks.gone(sessionId);
      this.options.listener().ended(sessionId, end);
    };
    if (this.draining) peer.send({ kind: 'drain', applicationName: this.options.applicationName });
    return true;
  }

  status(sessionId: string, shards: readonly ShardStatus[]): void {
    this.shards.set(sessionId, shards);
    this.options.listener().status(this.all());
  }

  all(): readonly ShardStatus[] {
    return [...this.shards.values()].flat();
  }

  operate(recordId: string, wish: Wish): Promise<WishAnswer | undefined> {
    const { applicationName } = this.options;
    return this.asks.ask([...this.children.values()], { applicationName, recordId, wish });
  }

  /** Relays are for hosts. */
  serve(): void {}

  doubt(sessionId: string, why: string): void {
    this.children.get(sessionId)?.send({ kind: 'doubt', sessionId, why });
  }

  handOff(sessionId: string): void {
    this.children.get(sessionId)?.send({ kind: 'handOff', sessionId });
  }

  drain(): void {
    this.draining = true;
    for (const peer of this.children.values())
      peer.send({ kind: 'drain', applicationName: this.options.applicationName });
  }

  leave(): void {
    const { applicationName } = this.options;
    for (const peer of this.children.values()) peer.send({ kind: 'leave', applicationName, how: 'afterAction' });
  }
}
