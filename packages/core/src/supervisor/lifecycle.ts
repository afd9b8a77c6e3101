/**
 * The life of one daemon, as a pure function: what the supervisor does when something happens. docs/daemon.md prints its
 * table.
 *
 * V1 Whatever the daemon exits with, an exit that nobody asked for is a failure, 0 included: it exits so when it gives up.
 * V2 Java is asked to end by SIGTERM and ended by SIGKILL to its session: when every session that was alive has ended
 *    with its last checkpoint, or when the grace is over. (KCL 3.1.3 cannot end by itself soon after a reshard.)
 * V3 The next Java starts only after the last one was reaped, so a worker id never has two.
 * V4 A lost host, relay or child cannot be replaced under a running daemon. Its shard would stand still, or the daemon ends
 *    by itself, after its whole grace, when it notices, and with idle shards it does not. So it starts anew at once, after
 *    the other sessions had a moment to finish what they do and to checkpoint.
 * V5 Failures in a row are answered by longer pauses; too many within the window end the worker.
 */
import { MillraceError } from '../errors.js';

export type DaemonState =
  | { readonly kind: 'new' }
  /** Java runs, and no shard has been initialized yet. */
  | { readonly kind: 'starting'; readonly history: History }
  | { readonly kind: 'serving'; readonly history: History; readonly sinceMs: number }
  /** Java has to start anew; sessions may finish their action. */
  | { readonly kind: 'leaving'; readonly history: History; readonly why: string }
  /** SIGTERM was sent, sessions drain. */
  | { readonly kind: 'stopping'; readonly cause: Error | undefined }
  /** SIGKILL was sent; only the exit is missing. */
  | { readonly kind: 'ending'; readonly next: Next }
  /** Between two lives. */
  | { readonly kind: 'waiting'; readonly history: History }
  | { readonly kind: 'ended'; readonly failure: Error | undefined };

export type Next =
  | { readonly kind: 'restart'; readonly history: History; readonly why: string }
  | { readonly kind: 'end'; readonly cause: Error | undefined };

/** When the daemon failed, within the window; empty again once it has served for long enough. */
export type History = readonly number[];

export type DaemonInput =
  | { readonly kind: 'start' }
  /** A shard was initialized. */
  | { readonly kind: 'initialized'; readonly atMs: number }
  /** Every session that was alive when the end began has ended. */
  | { readonly kind: 'sessionsGone' }
  /** The timer that was armed last. */
  | { readonly kind: 'timer' }
  | { readonly kind: 'stop'; readonly cause: Error | undefined }
  /** A host is lost, or a session ended without the daemon's goodbye: some shard stands still. */
  | { readonly kind: 'broken'; readonly why: string }
  | { readonly kind: 'exited'; readonly atMs: number; readonly how: string };

export type DaemonOutput =
  | { readonly kind: 'launch' }
  | { readonly kind: 'drain' }
  /** SIGTERM to Java. */
  | { readonly kind: 'terminate' }
  /** Sessions end when their action is acknowledged. */
  | { readonly kind: 'leave' }
  /** SIGKILL to Java's session. */
  | { readonly kind: 'kill' }
  /** One timer; arming takes the place of what was armed. */
  | { readonly kind: 'arm'; readonly delayMs: number }
  | { readonly kind: 'disarm' }
  | { readonly kind: 'restarting'; readonly delayMs: number; readonly why: string }
  | { readonly kind: 'ended'; readonly failure: Error | undefined };

export interface LifecycleLimits {
  readonly shutdownGraceMs: number;
  /** How long sessions of other hosts may finish their action. */
  readonly leaveMs: number;
  /** Pauses before the first, second, ... restart in a row; the last one repeats. */
  readonly pausesMs: readonly number[];
  /** Between two SIGKILLs to a Java that does not end. */
  readonly killAgainMs: number;
  readonly failuresMax: number;
  readonly windowMs: number;
}

export const LIFECYCLE_LIMITS: Omit<LifecycleLimits, 'shutdownGraceMs'> = {
  leaveMs: 3_000,
  pausesMs: [200, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000],
  killAgainMs: 1_000,
  failuresMax: 8,
  windowMs: 300_000,
};

export interface DaemonStep {
  readonly state: DaemonState;
  readonly outputs: readonly DaemonOutput[];
}

export function stepDaemon(state: DaemonState, input: DaemonInput, limits: LifecycleLimits): DaemonStep {
  switch (state.kind) {
    case 'new':
      return whenNew(state, input);
    case 'starting':
    case 'serving':
      return whenRunning(state, input, limits);
    case 'leaving':
      return whenLeaving(state, input, limits);
    case 'stopping':
      return whenStopping(state, input, limits);
    case 'ending':
      return whenEnding(state, input, limits);
    case 'waiting':
      return whenWaiting(state, input);
    case 'ended':
      return stay(state);
    default:
      return state satisfies never;
  }
}

function whenNew(state: DaemonState, input: DaemonInput): DaemonStep {
  if (input.kind === 'start') return { state: { kind: 'starting', history: [] }, outputs: [{ kind: 'launch' }] };
  return input.kind === 'stop' ? end(input.cause) : stay(state);
}

type Running = Extract<DaemonState, { kind: 'starting' | 'serving' }>;

function whenRunning(state: Running, input: DaemonInput, limits: LifecycleLimits): DaemonStep {
  switch (input.kind) {
    case 'initialized':
      if (state.kind === 'serving') return stay(state);
      return stay({ kind: 'serving', history: state.history, sinceMs: input.atMs });
    case 'stop':
      return {
        state: { kind: 'stopping', cause: input.cause },
        outputs: [{ kind: 'drain' }, { kind: 'terminate' }, { kind: 'arm', delayMs: limits.shutdownGraceMs }],
      };
    case 'broken':
      return {
        state: { kind: 'leaving', history: state.history, why: input.why },
        outputs: [{ kind: 'leave' }, { kind: 'arm', delayMs: limits.leaveMs }],
      };
    case 'exited':
      return failed(historyOf(state, input.atMs, limits), { atMs: input.atMs, why: input.how }, limits);
    case 'start':
    case 'sessionsGone':
    case 'timer':
      return stay(state);
    default:
      return input satisfies never;
  }
}

function whenLeaving(
  state: Extract<DaemonState, { kind: 'leaving' }>,
  input: DaemonInput,
  limits: LifecycleLimits,
): DaemonStep {
  switch (input.kind) {
    case 'sessionsGone':
    case 'timer':
      return kill({ kind: 'restart', history: state.history, why: state.why }, limits);
    case 'stop':
      return kill({ kind: 'end', cause: input.cause }, limits);
    case 'exited':
      return disarmed(failed(state.history, { atMs: input.atMs, why: state.why }, limits));
    case 'start':
    case 'initialized':
    case 'broken':
      return stay(state);
    default:
      return input satisfies never;
  }
}

function whenStopping(
  state: Extract<DaemonState, { kind: 'stopping' }>,
  input: DaemonInput,
  limits: LifecycleLimits,
): DaemonStep {
  switch (input.kind) {
    case 'sessionsGone':
    case 'timer':
      return kill({ kind: 'end', cause: state.cause }, limits);
    case 'stop':
      return stay({ kind: 'stopping', cause: state.cause ?? input.cause });
    case 'exited':
      return disarmed(end(state.cause));
    case 'start':
    case 'initialized':
    case 'broken':
      return stay(state);
    default:
      return input satisfies never;
  }
}

function whenEnding(
  state: Extract<DaemonState, { kind: 'ending' }>,
  input: DaemonInput,
  limits: LifecycleLimits,
): DaemonStep {
  const { next } = state;
  if (input.kind === 'stop' && next.kind === 'restart')
    return stay({ kind: 'ending', next: { kind: 'end', cause: input.cause } });
  // It must not be that one signal that went nowhere keeps everybody waiting.
  if (input.kind === 'timer')
    return { state, outputs: [{ kind: 'kill' }, { kind: 'arm', delayMs: limits.killAgainMs }] };
  if (input.kind !== 'exited') return stay(state);
  return disarmed(
    next.kind === 'end' ? end(next.cause) : failed(next.history, { atMs: input.atMs, why: next.why }, limits),
  );
}

function whenWaiting(state: Extract<DaemonState, { kind: 'waiting' }>, input: DaemonInput): DaemonStep {
  if (input.kind === 'stop') return disarmed(end(input.cause));
  if (input.kind !== 'timer') return stay(state);
  return { state: { kind: 'starting', history: state.history }, outputs: [{ kind: 'launch' }] };
}

/** A daemon that served for a whole window has nothing to do with its failures before. */
function historyOf(state: Running, atMs: number, { windowMs }: LifecycleLimits): History {
  return state.kind === 'serving' && atMs - state.sinceMs >= windowMs ? [] : state.history;
}

function failed(
  history: History,
  { atMs, why }: { readonly atMs: number; readonly why: string },
  { pausesMs, failuresMax, windowMs }: LifecycleLimits,
): DaemonStep {
  const recent = [...history.filter((time) => atMs - time < windowMs), atMs];
  if (recent.length >= failuresMax) {
    const message = `The daemon failed ${recent.length} times within ${windowMs / 1000} s; the last time ${why}.`;
    return end(new MillraceError('DAEMON_FAILED', message, { details: { failures: recent.length, why } }));
  }
  const delayMs = pausesMs[Math.min(recent.length, pausesMs.length) - 1] ?? 0;
  return {
    state: { kind: 'waiting', history: recent },
    outputs: [
      { kind: 'restarting', delayMs, why },
      { kind: 'arm', delayMs },
    ],
  };
}

function kill(next: Next, { killAgainMs }: LifecycleLimits): DaemonStep {
  return { state: { kind: 'ending', next }, outputs: [{ kind: 'kill' }, { kind: 'arm', delayMs: killAgainMs }] };
}

function end(failure: Error | undefined): DaemonStep {
  return { state: { kind: 'ended', failure }, outputs: [{ kind: 'ended', failure }] };
}

function disarmed({ state, outputs }: DaemonStep): DaemonStep {
  return { state, outputs: [{ kind: 'disarm' }, ...outputs] };
}

function stay(state: DaemonState): DaemonStep {
  return { state, outputs: [] };
}
