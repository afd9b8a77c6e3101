/** Carries out what the lifecycle of a daemon decides: starts Java, ends it, follows its sessions. It runs no user code. */
import type { JavaExit, JavaProcess } from '../daemon/java-process.js';
import type { LeaseVerdict, LeaseWatch } from '../daemon/lease-watch.js';
import { MillraceError, toError } from '../errors.js';
import { endRelay } from '../host/attach-relay.js';
import type { RelayProcess, SessionEndData } from '../host/host-messages.js';
import { parentOf } from '../local/process-birth.js';
import type { Clock, Logger, Timer } from '../ports.js';
import type { ShardStatus } from '../runtime/shard-status.js';
import type { SessionListener } from './host-pool.js';
import { LIFECYCLE_LIMITS, stepDaemon, type DaemonInput, type DaemonOutput, type DaemonState } from './lifecycle.js';
import { SessionRoster } from './session-roster.js';

/** Those who serve the sessions of this daemon. */
export interface SessionServers {
  /** Host mode: a relay has announced itself. */
  serve(sessionId: string, relay: RelayProcess): void;
  doubt(sessionId: string, why: string): void;
  handOff(sessionId: string): void;
  drain(): void;
  leave(): void;
}

export interface DaemonSupervisorOptions {
  readonly applicationName: string;
  readonly shutdownGraceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly launch: () => Promise<JavaProcess>;
  readonly servers: SessionServers;
  readonly watchLeases: (
    onVerdict: (sessionId: string, verdict: LeaseVerdict) => void,
  ) => Pick<LeaseWatch, 'update' | 'close'>;
  /** Java was reaped: give up what it still holds. Never rejects. */
  readonly reaped: () => Promise<void>;
  /** Tells a stopped worker that a session, a handler or the policy wants the end. */
  readonly requestStop: (cause: Error) => void;
  /** Its state has changed, or hosts have told where sessions stand. */
  readonly onChange: (what: DaemonChange) => void;
}

export type DaemonChange =
  | { readonly kind: 'state' }
  | { readonly kind: 'status' }
  | { readonly kind: 'exited'; readonly exit: JavaExit; readonly asked: boolean }
  | { readonly kind: 'restarting'; readonly delayMs: number; readonly why: string };

export interface DaemonFacts {
  readonly state: DaemonState['kind'];
  readonly restarts: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly why: string | undefined;
}

export class DaemonSupervisor implements SessionListener {
  /** Resolves once, with what went wrong or nothing; never rejects. */
  readonly closed: Promise<Error | undefined>;
  private readonly roster: SessionRoster;
  private readonly watch: Pick<LeaseWatch, 'update' | 'close'>;
  private readonly relays = new Map<string, RelayProcess>();
  private readonly inputs: DaemonInput[] = [];
  private state: DaemonState = { kind: 'new' };
  private feeding = false;
  private java: JavaProcess | undefined;
  private timer: Timer | undefined;
  private restarts = 0;
  private since: number;
  private why: string | undefined;
  private releasing: Promise<void> = Promise.resolve();
  private resolveClosed: (failure: Error | undefined) => void = () => undefined;
  private launched: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(private readonly options: DaemonSupervisorOptions) {
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve;
    });
    this.since = options.clock.now();
    this.roster = new SessionRoster(options.applicationName, () => this.feed({ kind: 'sessionsGone' }));
    this.watch = options.watchLeases((sessionId, verdict) => this.judge(sessionId, verdict));
  }

  /** Resolves when Java runs; rejects when it could not be started for the first time. */
  start(): Promise<void> {
    const launched = new Promise<void>((resolve, reject) => {
      this.launched = { resolve, reject };
    });
    this.feed({ kind: 'start' });
    return launched;
  }

  requestEnd(cause: Error | undefined): void {
    this.feed({ kind: 'stop', cause });
  }

  facts(): DaemonFacts {
    return { state: this.state.kind, restarts: this.restarts, since: this.since, why: this.why };
  }

  /** Asked anew after each wait. */
  private phase(): DaemonState['kind'] {
    return this.state.kind;
  }

  /** Undefined between two lives of the daemon. */
  get javaPid(): number | undefined {
    return this.java?.pid;
  }

  /** A process that says it is a relay gets a session, if our Java has started it. */
  admit(relay: RelayProcess): boolean {
    if (this.java === undefined || parentOf(relay.pid) !== this.java.pid) return false;
    const sessionId = this.roster.open();
    this.relays.set(sessionId, relay);
    this.options.servers.serve(sessionId, relay);
    return true;
  }

  /** The child of one shard (process mode) has connected. */
  admitChild(sessionId: string): void {
    this.roster.open(sessionId);
  }

  known(sessionId: string, shardId: string): void {
    // Of a former life of the daemon.
    if (!this.roster.has(sessionId)) return;
    for (const older of this.roster.know(sessionId, shardId))
      this.options.servers.doubt(older, `a younger session of ${shardId} has started`);
    this.feed({ kind: 'initialized', atMs: this.options.clock.monotonicMs() });
  }

  ended(sessionId: string, end: SessionEndData): void {
    if (!this.roster.has(sessionId)) return;
    const relay = this.relays.get(sessionId);
    this.relays.delete(sessionId);
    const why = brokenBy(end, this.roster.shardOf(sessionId));
    if (why !== undefined) {
      // A host that cannot take a relay over may not be able to end it either, and Java waits for it without limit.
      if (relay !== undefined) endRelay(relay);
      this.feed({ kind: 'broken', why });
    }
    this.roster.close(sessionId);
  }

  status(shards: readonly ShardStatus[]): void {
    this.options.onChange({ kind: 'status' });
    this.watch.update(
      shards.flatMap(({ sessionId, shardId, action }) =>
        shardId === undefined ? [] : [{ sessionId, shardId, openMs: action?.openMs ?? 0 }],
      ),
    );
  }

  stop(cause: Error): void {
    this.options.requestStop(cause);
  }

  hostLost(why: string): void {
    this.feed({ kind: 'broken', why });
  }

  private judge(sessionId: string, verdict: LeaseVerdict): void {
    switch (verdict) {
      case 'ours':
        return;
      case 'handedOver':
        this.options.servers.handOff(sessionId);
        return;
      case 'lost':
        this.options.servers.doubt(sessionId, 'its lease row names another owner');
        return;
      default:
        verdict satisfies never;
    }
  }

  /** One input after the other, also when carrying out an output makes the next one. */
  private feed(input: DaemonInput): void {
    this.inputs.push(input);
    if (this.feeding) return;
    this.feeding = true;
    try {
      for (let next = this.inputs.shift(); next !== undefined; next = this.inputs.shift()) {
        const { shutdownGraceMs } = this.options;
        const before = this.state.kind;
        const { state, outputs } = stepDaemon(this.state, next, { ...LIFECYCLE_LIMITS, shutdownGraceMs });
        this.state = state;
        if (state.kind !== before) this.since = this.options.clock.now();
        for (const output of outputs) this.perform(output);
        if (state.kind !== before) this.options.onChange({ kind: 'state' });
      }
    } finally {
      this.feeding = false;
    }
  }

  private perform(output: DaemonOutput): void {
    const { clock, logger, servers } = this.options;
    switch (output.kind) {
      case 'launch':
        void this.launch();
        return;
      case 'drain':
        servers.drain();
        this.roster.awaitEnd();
        return;
      case 'terminate':
        this.java?.terminate();
        return;
      case 'leave':
        servers.leave();
        this.roster.awaitEnd();
        return;
      case 'kill':
        this.java?.killSession();
        return;
      case 'arm':
        this.timer?.cancel();
        this.timer = clock.setTimer(output.delayMs, () => this.feed({ kind: 'timer' }));
        return;
      case 'disarm':
        this.timer?.cancel();
        return;
      case 'restarting':
        this.restarts += 1;
        this.why = output.why;
        this.options.onChange(output);
        logger.error({ why: output.why, delayMs: output.delayMs }, `The daemon has to start anew: ${output.why}.`);
        return;
      case 'ended':
        void this.close(output.failure);
        return;
      default:
        output satisfies never;
    }
  }

  private async launch(): Promise<void> {
    await this.releasing;
    if (this.phase() !== 'starting') {
      this.exited('it was not started any more');
      return;
    }
    try {
      this.java = await this.options.launch();
    } catch (error) {
      // Whoever starts it for the first time is told; what has run before is tried again.
      if (this.launched !== undefined) this.feed({ kind: 'stop', cause: toError(error) });
      this.launched?.reject(toError(error));
      this.launched = undefined;
      this.exited(`it could not be started: ${toError(error).message}`);
      return;
    }
    this.launched?.resolve();
    this.launched = undefined;
    // Asked to end while it was being started: nobody has told it yet.
    if (this.phase() === 'stopping') this.java.terminate();
    if (this.phase() === 'ending') this.java.killSession();
    const { java } = this;
    const exit = await java.exited;
    const asked = this.phase() === 'stopping' || this.phase() === 'ending';
    this.options.onChange({ kind: 'exited', exit, asked });
    this.exited(describeExit(exit, java.lastLines()));
  }

  private exited(how: string): void {
    // Relays that have not rung yet, and in process mode children that do not hear, are in its session still.
    this.java?.killSession();
    this.java = undefined;
    // Those that no host has taken over yet have nobody to serve; the others are ended by their hosts, and now.
    for (const relay of this.relays.values()) endRelay(relay);
    this.relays.clear();
    this.roster.clear();
    this.releasing = this.options.reaped();
    this.feed({ kind: 'exited', atMs: this.options.clock.monotonicMs(), how });
  }

  private async close(failure: Error | undefined): Promise<void> {
    this.watch.close();
    await this.releasing;
    this.launched?.reject(failure ?? new MillraceError('WORKER_STOPPED', 'The worker was stopped while it started.'));
    this.resolveClosed(failure);
  }
}

/** Why a session's end leaves its shard standing still; undefined for one that ended in order, or before it began. */
function brokenBy(end: SessionEndData, shardId: string | undefined): string | undefined {
  if (end.kind === 'failed') return `the session of ${shardId ?? 'a shard'} failed: ${end.error.message}`;
  const { why } = end;
  // A daemon that ends starts children that it never speaks to.
  if (shardId === undefined) return undefined;
  const inOrder = why === 'leaseLost' || why === 'shardEnded' || why === 'left';
  return inOrder ? undefined : `the session of ${shardId} was cut off (${why})`;
}

const OUT_OF_MEMORY = 3;

/** Continues "The daemon has to start anew: ". */
function describeExit({ code, signal }: JavaExit, lastLines: readonly string[]): string {
  const last = lastLines.at(-1);
  const said = last === undefined ? '' : `; the last it said: ${last}`;
  if (signal !== undefined) return `it was ended by ${signal}${said}`;
  if (code === OUT_OF_MEMORY)
    return `it ran out of memory (exit code 3): give it more by the option heapMegabytes, or fewer shards by maxLeasesForWorker${said}`;
  if (code === 0) return `it gave up by itself (exit code 0), as it does when it cannot use DynamoDB or Kinesis${said}`;
  return `it ended with exit code ${code ?? 'none'}${said}`;
}
