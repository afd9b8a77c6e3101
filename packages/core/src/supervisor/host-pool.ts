/**
 * The hosts of a worker: started together, given sessions evenly, started again when one is lost. What a host tells is
 * passed on to the daemon whose session it is about.
 */
import { hostChannel, type HostEvent } from '../diagnostics.js';
import { MillraceError, toError } from '../errors.js';
import type { FromHost, RelayProcess, SessionEndData, ToHost } from '../host/host-messages.js';
import type { Clock, Logger, Timer } from '../ports.js';
import { revivedError } from '../runtime/plain-event.js';
import type { WishAnswer } from '../runtime/orders.js';
import type { ShardStatus } from '../runtime/shard-status.js';
import { Asks, type Question } from './asks.js';
import { LIFECYCLE_LIMITS } from './lifecycle.js';

/** One host as the pool sees it: a process of its own, or a part of this one. */
export interface Host {
  readonly pid: number;
  send(message: ToHost): void;
  /** At once. */
  kill(): void;
  /** Resolves when it is gone. */
  readonly exited: Promise<HostExit>;
}

export interface HostExit {
  /** Continues a sentence whose subject is the host. */
  readonly how: string;
  readonly code: number | null;
  readonly signal: string | null;
}

export interface HostListener {
  message(message: FromHost): void;
}

export interface SessionListener {
  known(sessionId: string, shardId: string): void;
  ended(sessionId: string, end: SessionEndData): void;
  status(shards: readonly ShardStatus[]): void;
  /** A session asks for the end of the worker. */
  stop(cause: Error): void;
  hostLost(why: string): void;
}

export interface HostInspector {
  /** It may be asked soon. */
  prepare(): void;
  /** Where the event loop of a host stands, as V8 prints it. */
  stackOf(pid: number): Promise<string>;
}

export interface HostPoolOptions {
  readonly count: number;
  readonly startHost: (name: string, listener: HostListener) => Host;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Looks into a silent host; undefined where the host is this process. */
  readonly inspector: HostInspector | undefined;
  /** By application name, once it is known. */
  readonly retention: Promise<Readonly<Record<string, number | undefined>>>;
}

export interface HostFacts {
  readonly id: string;
  readonly pid: number;
  readonly responding: boolean;
  readonly silentMs: number;
  readonly sessions: number;
}

interface Slot {
  readonly name: string;
  host: Host | undefined;
  ready: boolean;
  heardAtMs: number;
  reportedSilent: boolean;
  /** Whether its inspector may be opened by SIGUSR1. */
  inspectable: boolean;
  readonly sessions: Map<string, string>;
  pause: Timer | undefined;
  shards: Readonly<Record<string, readonly ShardStatus[]>>;
}

/** Hosts speak once a second. */
const UNUSUAL_AFTER_MS = 2_000;
const SILENT_AFTER_MS = 3_000;
const LOOK_EVERY_MS = 500;
const SLOW_START_MS = 15_000;
const STOP_WITHIN_MS = 6_000;
const LOSSES_MAX = 8;
const LOSSES_WINDOW_MS = 300_000;

export class HostPool {
  private readonly slots: Slot[];
  private readonly listeners = new Map<string, SessionListener>();
  private readonly waiting: {
    readonly applicationName: string;
    readonly sessionId: string;
    readonly relay: RelayProcess;
  }[] = [];
  private readonly draining = new Set<string>();
  private losses: readonly number[] = [];
  private phase: 'new' | 'running' | 'stopping' = 'new';
  private readiness: { resolve: () => void; reject: (error: Error) => void } | undefined;
  private silenceTimer: { cancel(): void } | undefined;
  private readonly asks: Asks;

  constructor(private readonly options: HostPoolOptions) {
    this.asks = new Asks(options.clock);
    this.slots = Array.from({ length: options.count }, (_, index) => ({
      name: `host-${index}`,
      host: undefined,
      ready: false,
      heardAtMs: 0,
      reportedSilent: false,
      inspectable: true,
      sessions: new Map(),
      pause: undefined,
      shards: {},
    }));
  }

  listen(applicationName: string, listener: SessionListener): void {
    this.listeners.set(applicationName, listener);
  }

  /** Resolves when every host can serve; rejects with what kept one from it. */
  async start(): Promise<void> {
    this.phase = 'running';
    const ready = new Promise<void>((resolve, reject) => {
      this.readiness = { resolve, reject };
    });
    for (const slot of this.slots) this.launch(slot);
    this.watchSilence();
    await ready.finally(() => {
      this.readiness = undefined;
    });
  }

  /** Hands a session to the host with the fewest, of those that respond if any does; it waits while no host is ready. */
  serve(applicationName: string, sessionId: string, relay: RelayProcess): void {
    const [slot] = this.slots
      .filter(({ ready }) => ready)
      .toSorted(
        (left, right) =>
          Number(this.isSilent(left)) - Number(this.isSilent(right)) || left.sessions.size - right.sessions.size,
      );
    if (slot === undefined) {
      this.waiting.push({ applicationName, sessionId, relay });
      return;
    }
    slot.sessions.set(sessionId, applicationName);
    slot.host?.send({ kind: 'attach', applicationName, sessionId, relay });
  }

  /** To every host: those that do not know the session or application do nothing. */
  send(message: ToHost): void {
    if (message.kind === 'drain') this.draining.add(message.applicationName);
    for (const { host } of this.slots) host?.send(message);
  }

  facts(): readonly HostFacts[] {
    const now = this.options.clock.monotonicMs();
    return this.slots.flatMap(({ name, host, heardAtMs, ready, sessions }) => {
      if (host === undefined) return [];
      const silentMs = Math.round(now - heardAtMs);
      return [
        { id: name, pid: host.pid, responding: ready && silentMs < SILENT_AFTER_MS, silentMs, sessions: sessions.size },
      ];
    });
  }

  statusOf(applicationName: string): readonly ShardStatus[] {
    return this.slots.flatMap(({ shards }) => shards[applicationName] ?? []);
  }

  /** What an operator wants of a record, asked of every host. */
  ask(question: Question): Promise<WishAnswer | undefined> {
    const ready = this.slots.flatMap(({ name, host, ready }) =>
      ready && host !== undefined ? [{ name, send: (message: ToHost) => host.send(message) }] : [],
    );
    return this.asks.ask(ready, question);
  }

  /** Resolves when every host is gone. */
  async stop(): Promise<void> {
    this.phase = 'stopping';
    this.silenceTimer?.cancel();
    for (const { pause } of this.slots) pause?.cancel();
    this.send({ kind: 'end' });
    // Who does not hear would only use up the time that whoever stops us has.
    for (const slot of this.slots) if (slot.ready && this.isSilent(slot)) slot.host?.kill();
    const hosts = this.slots.flatMap(({ host }) => (host === undefined ? [] : [host]));
    const late = this.options.clock.setTimer(STOP_WITHIN_MS, () => {
      for (const host of hosts) host.kill();
    });
    await Promise.all(hosts.map(({ exited }) => exited));
    late.cancel();
  }

  private isSilent({ heardAtMs }: Slot): boolean {
    return this.options.clock.monotonicMs() - heardAtMs >= SILENT_AFTER_MS;
  }

  private launch(slot: Slot): void {
    slot.ready = false;
    slot.reportedSilent = false;
    slot.inspectable = true;
    slot.heardAtMs = this.options.clock.monotonicMs();
    const host = this.options.startHost(slot.name, {
      // The last words of a host can come after its end, and are not its successor's.
      message: (message) => {
        if (slot.host === undefined || slot.host === host) this.take(slot, message);
      },
    });
    slot.host = host;
    this.publish(slot, { kind: 'started' });
    void host.exited.then((exit) => this.lost(slot, host.pid, exit));
  }

  private take(slot: Slot, message: FromHost): void {
    slot.heardAtMs = this.options.clock.monotonicMs();
    switch (message.kind) {
      case 'hello':
        void this.options.retention.then((retentionMs) => slot.host?.send({ kind: 'welcome', retentionMs }));
        return;
      case 'ready':
        this.ready(slot);
        return;
      case 'failed':
        this.fail(revivedError(message.error));
        return;
      case 'known':
        this.listenerOf(slot, message.sessionId)?.known(message.sessionId, message.shardId);
        return;
      case 'ended':
        this.listenerOf(slot, message.sessionId)?.ended(message.sessionId, message.end);
        slot.sessions.delete(message.sessionId);
        return;
      case 'status':
        slot.shards = message.shards;
        for (const [name, listener] of this.listeners) listener.status(this.statusOf(name));
        return;
      case 'answer':
        this.asks.answered(slot.name, message.askId, message.answer);
        return;
      case 'stop':
        for (const listener of this.listeners.values()) listener.stop(revivedError(message.error));
        return;
      case 'keepsSigusr1':
        slot.inspectable = false;
        return;
      default:
        message satisfies never;
    }
  }

  private listenerOf({ sessions }: Slot, sessionId: string): SessionListener | undefined {
    return this.listeners.get(sessions.get(sessionId) ?? '');
  }

  private ready(slot: Slot): void {
    slot.ready = true;
    slot.reportedSilent = false;
    // A host that came after the end began is in it, too.
    for (const applicationName of this.draining) slot.host?.send({ kind: 'drain', applicationName });
    this.publish(slot, { kind: 'ready' });
    for (const { applicationName, sessionId, relay } of this.waiting.splice(0))
      this.serve(applicationName, sessionId, relay);
    if (this.slots.every(({ ready }) => ready)) this.readiness?.resolve();
  }

  private lost(slot: Slot, pid: number, { how, code, signal }: HostExit): void {
    this.publish(slot, { kind: 'exited', code, signal, asked: this.phase === 'stopping' }, pid);
    this.asks.gone(slot.name);
    slot.host = undefined;
    slot.ready = false;
    slot.shards = {};
    if (this.phase === 'stopping') return;
    const why = `${slot.name} ${how}`;
    for (const name of new Set(slot.sessions.values())) this.listeners.get(name)?.hostLost(why);
    for (const [sessionId, name] of slot.sessions)
      this.listeners.get(name)?.ended(sessionId, { kind: 'ended', why: 'hostLost' });
    slot.sessions.clear();
    const now = this.options.clock.monotonicMs();
    this.losses = [...this.losses.filter((time) => now - time < LOSSES_WINDOW_MS), now];
    if (this.readiness !== undefined || this.losses.length >= LOSSES_MAX) {
      this.fail(
        new MillraceError('HOST_FAILED', `The host process ended ${this.losses.length} times; the last time ${why}.`),
      );
      return;
    }
    this.options.logger.error({ host: slot.name }, `A host is lost: ${why}. Another one takes its place.`);
    // One that dies at once must not use up all its lives before anybody can look.
    const delayMs = LIFECYCLE_LIMITS.pausesMs[Math.min(this.losses.length, LIFECYCLE_LIMITS.pausesMs.length) - 1] ?? 0;
    slot.pause = this.options.clock.setTimer(delayMs, () => this.launch(slot));
  }

  private fail(error: MillraceError): void {
    if (this.readiness === undefined) for (const listener of this.listeners.values()) listener.stop(error);
    else this.readiness.reject(error);
  }

  private watchSilence(): void {
    this.silenceTimer = this.options.clock.setTimer(LOOK_EVERY_MS, () => {
      for (const { id, silentMs, responding } of this.facts()) this.reportSilence(id, { silentMs, responding });
      this.watchSilence();
    });
  }

  private reportSilence(name: string, { silentMs, responding }: { silentMs: number; responding: boolean }): void {
    const slot = this.slots.find((one) => one.name === name);
    const { logger } = this.options;
    if (slot?.ready === false && !slot.reportedSilent && silentMs >= SLOW_START_MS) {
      slot.reportedSilent = true;
      logger.warn(
        { host: name, silentMs },
        `${name} is still starting: what is imported before run(), register() or the opening of a sink has not come to an end.`,
      );
    }
    if (slot === undefined || !slot.ready) return;
    if (responding && silentMs >= UNUSUAL_AFTER_MS) this.options.inspector?.prepare();
    if (slot.reportedSilent === !responding) return;
    slot.reportedSilent = !responding;
    if (responding) this.publish(slot, { kind: 'responding', silentMs });
    if (responding) logger.info({ host: name }, `${name} responds again.`);
    else {
      logger.warn(
        { host: name, silentMs },
        `${name} has not said anything for ${silentMs} ms: its event loop is blocked.`,
      );
      void this.reportStack(slot);
    }
  }

  private async reportStack(slot: Slot): Promise<void> {
    const { host, heardAtMs } = slot;
    const { logger, clock, inspector } = this.options;
    if (host === undefined || inspector === undefined || !slot.inspectable) return;
    try {
      const stack = await inspector.stackOf(host.pid);
      // Another one may be in its place by now.
      if (slot.host !== host) return;
      const silentMs = Math.round(clock.monotonicMs() - heardAtMs);
      this.publish(slot, { kind: 'blocked', silentMs, stack });
      logger.error(
        { host: slot.name, pid: host.pid, silentMs, stack },
        `The event loop of ${slot.name} has been blocked for ${silentMs} ms; its shards stand still until the code below lets go:\n${stack}`,
      );
    } catch (error) {
      logger.debug({ err: toError(error), host: slot.name }, 'Where a blocked host stands could not be found out.');
    }
  }

  /** For tools that listen on the diagnostics channel. */
  private publish(slot: Slot, event: BareHostEvent, pid = slot.host?.pid ?? 0): void {
    if (!hostChannel.hasSubscribers) return;
    hostChannel.publish({ ...event, at: this.options.clock.now(), hostId: slot.name, pid });
  }
}

type Bare<E> = E extends HostEvent ? Omit<E, 'at' | 'hostId' | 'pid'> : never;
type BareHostEvent = Bare<HostEvent>;
