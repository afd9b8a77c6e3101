/**
 * Quiet instead of sleeps. At every step the shards of a bed are asked what they wait for:
 *
 * - for nothing: they have answered every action, or they are held, or a deferred record waits for its handle
 * - for time: a back-off, `context.sleep`; then the virtual clock moves on to its next timer
 * - for the world: user code that runs and does not sleep, a tracked promise; then real time is given to it
 *
 * The clock never moves while anybody waits for the world, so a slow disk does not run into a deadline.
 */
import { isMillraceError, MillraceError } from '@millrace/core';
import type { History } from './history.js';
import { nextTurn, realMs, shortWait } from './real-time.js';
import type { TestShard } from './test-shard.js';
import { trackedPromises } from './tracked.js';
import type { UserCode } from './user-code.js';
import type { VirtualClock } from './virtual-clock.js';

export interface IdleTarget {
  readonly clock: VirtualClock;
  readonly history: History;
  readonly shards: readonly TestShard[];
  readonly userCode: UserCode;
}

export interface IdleLimits {
  /** How far the clock may move, in virtual milliseconds. */
  readonly horizonMs: number;
  /** In real milliseconds without any progress: after these it is an error. */
  readonly guardMs: number;
  /** The worker is stopping: what still runs is not waited for in real time but has until the drain budget is used up. */
  readonly stopping: boolean;
}

/** A chain of promises moves on within a few turns of the event loop. */
const QUIET_TURNS = 3;

type Waiting =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'time'; readonly what: string }
  | { readonly kind: 'world'; readonly what: string };

const NOTHING: Waiting = { kind: 'nothing' };

/** @throws TEST_NOT_IDLE naming what is waited for. */
export async function untilIdle(target: IdleTarget, limits: IdleLimits): Promise<void> {
  const { clock } = target;
  const untilMs = clock.elapsedMs + limits.horizonMs;
  for (;;) {
    await untilStill(target);
    const waiting = waitsFor(target, limits.stopping);
    switch (waiting.kind) {
      case 'nothing':
        return;
      case 'time':
        if (!clock.runNext(untilMs)) throw tooFar(target, limits, waiting.what);
        break;
      case 'world':
        if (!(await changesWithin(target, limits.guardMs))) throw tooLong(target, limits, waiting.what);
        break;
      default:
        waiting satisfies never;
    }
  }
}

/**
 * A worker that stops has until the horizon. Then its daemon ends as well: the end of a shard that is held stays unanswered, and
 * the next worker gets it.
 */
export async function untilStopped(target: IdleTarget, limits: Omit<IdleLimits, 'stopping'>): Promise<void> {
  try {
    await untilIdle(target, { ...limits, stopping: true });
  } catch (error) {
    const ending = target.shards.filter((shard) => shard.ending);
    if (ending.length === 0 || !isMillraceError(error, 'TEST_NOT_IDLE')) throw error;
    for (const shard of ending) await shard.close();
    await untilIdle(target, { ...limits, stopping: true });
  }
}

/** Runs promises and callbacks until nothing moves; the clock stands, and nobody is waited for. */
export async function untilStill(target: IdleTarget): Promise<void> {
  let before = activity(target);
  for (let still = 0; still < QUIET_TURNS;) {
    await nextTurn();
    const now = activity(target);
    still = now === before ? still + 1 : 0;
    before = now;
  }
}

/** The world goes first: as long as it is waited for, time stands still. */
function waitsFor(target: IdleTarget, stopping: boolean): Waiting {
  const tracked = trackedPromises();
  if (tracked > 0) return { kind: 'world', what: `${tracked} tracked ${tracked === 1 ? 'promise' : 'promises'}` };
  const all = target.shards.map((shard) => shardWaitsFor(target, shard, stopping));
  return all.find(({ kind }) => kind === 'world') ?? all.find(({ kind }) => kind === 'time') ?? NOTHING;
}

function shardWaitsFor({ clock, userCode }: IdleTarget, shard: TestShard, stopping: boolean): Waiting {
  if (shard.ended !== undefined) return NOTHING;
  const { status, unanswered } = shard;
  const sleeps = clock.isAwaitedBy(status.sessionId);
  const [call] = userCode.running(status.sessionId);
  if (call !== undefined) {
    const where = call.recordId === undefined ? `on shard ${shard.name}` : `for the record ${call.recordId}`;
    const what = `${call.name} ${where}, since t+${call.sinceMs} ms`;
    return { kind: sleeps || stopping ? 'time' : 'world', what };
  }
  if (unanswered === undefined) return sleeps && status.unsettled > 0 ? { kind: 'time', what: 'a sleep' } : NOTHING;
  const what = `the answer to ${unanswered} on shard ${shard.name}`;
  if (stopping || (sleeps && status.held === undefined)) return { kind: 'time', what };
  // A session that drains waits for its deferred records only; so does the end of a shard.
  const awaitsHandles = status.state === 'draining' || (unanswered === 'shardEnded' && status.unsettled > 0);
  return status.held !== undefined || awaitsHandles ? NOTHING : { kind: 'world', what };
}

async function changesWithin(target: IdleTarget, limitMs: number): Promise<boolean> {
  const before = activity(target);
  const startedMs = realMs();
  while (realMs() - startedMs < limitMs) {
    await shortWait();
    if (activity(target) !== before) return true;
  }
  return false;
}

/** Changes whenever anything does. */
function activity({ clock, history, userCode, shards }: IdleTarget): string {
  const answers = shards.map((shard) => shard.answers).join();
  return `${history.entries.length}/${clock.changes}/${userCode.changes}/${trackedPromises()}/${answers}`;
}

function tooLong({ clock }: IdleTarget, { guardMs }: IdleLimits, what: string): MillraceError {
  return new MillraceError(
    'TEST_NOT_IDLE',
    `Nothing has moved for ${guardMs} ms of real time, at t+${clock.elapsedMs} ms. Still waiting for ${what}. ` +
      'If it waits for its signal or its deadline, move the clock with bed.advance(delayMs); if it needs more real time, raise guardMs; if the test itself holds it up, use bed.settle().',
  );
}

function tooFar({ clock }: IdleTarget, { horizonMs }: IdleLimits, what: string): MillraceError {
  return new MillraceError(
    'TEST_NOT_IDLE',
    `The bed is not idle after ${horizonMs} ms of virtual time, at t+${clock.elapsedMs} ms. Still waiting for ${what}. ` +
      'To go on, raise horizonMs or use bed.advance(delayMs).',
  );
}
