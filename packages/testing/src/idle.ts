/**
 * Quiet instead of sleeps: runs everything that can run, moves the virtual clock through back-offs and deadlines, and
 * stops when nothing is left to happen.
 *
 * A bed is idle when every action is answered, or when the shards that still owe an answer are held; background timers
 * of user code are followed up to the horizon. Work in real time (files, sockets) is waited for when `track` names it.
 */
import { MillraceError } from '@millrace/core';
import type { History } from './history.js';
import type { TestShard } from './test-shard.js';
import { trackedPromises } from './tracked.js';
import type { VirtualClock } from './virtual-clock.js';

export interface IdleTarget {
  readonly clock: VirtualClock;
  readonly history: History;
  readonly shards: readonly TestShard[];
  /** The deadlines of the consumer's handlers. */
  readonly timeoutsMs: ReadonlySet<number>;
  /** How far background timers are followed, in virtual milliseconds. */
  readonly horizonMs: number;
}

/** In real time: after this a handler that waits for the real world unannounced is reported. */
const REAL_LIMIT_MS = 2_000;
/** In real time: what a handler gets to finish real work before the clock moves on to its deadline. */
const REAL_GRACE_MS = 50;
/** A chain of promises moves on within a few turns of the event loop. */
const QUIET_TURNS = 3;

export async function untilIdle(target: IdleTarget): Promise<void> {
  const { clock } = target;
  const horizonMs = clock.elapsedMs + target.horizonMs;
  for (;;) {
    await untilStill(target);
    const owing = target.shards.filter((shard) => shard.unanswered > 0);
    if (owing.length > 0 && owing.every((shard) => shard.status.held !== undefined)) return;
    const { next } = clock;
    if (next === undefined) {
      if (owing.length === 0) return;
      await realTime(target, REAL_LIMIT_MS);
      continue;
    }
    if (owing.length === 0 && next.dueMs > horizonMs) return;
    if (target.timeoutsMs.has(next.delayMs) && owing.length > 0 && (await changesWithin(target, REAL_GRACE_MS))) continue;
    clock.runNext();
  }
}

/** Runs promises and callbacks until nothing moves; the clock stands. */
export async function untilStill(target: Pick<IdleTarget, 'clock' | 'history' | 'shards'>): Promise<void> {
  let before = activity(target);
  for (let still = 0; still < QUIET_TURNS; ) {
    await turn();
    if (trackedPromises() > 0) await untilUntracked(target);
    const now = activity(target);
    still = now === before ? still + 1 : 0;
    before = now;
  }
}

async function untilUntracked(target: Pick<IdleTarget, 'clock' | 'history' | 'shards'>): Promise<void> {
  const startedMs = performance.now();
  while (trackedPromises() > 0) {
    if (performance.now() - startedMs > REAL_LIMIT_MS) throw stillWaiting(target, 'a tracked promise has not settled');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function realTime(target: IdleTarget, limitMs: number): Promise<void> {
  if (await changesWithin(target, limitMs)) return;
  throw stillWaiting(target, 'nothing moves and no timer is set');
}

async function changesWithin(target: IdleTarget, limitMs: number): Promise<boolean> {
  const before = activity(target);
  const startedMs = performance.now();
  while (performance.now() - startedMs < limitMs) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (activity(target) !== before) return true;
  }
  return false;
}

function activity({ clock, history, shards }: Pick<IdleTarget, 'clock' | 'history' | 'shards'>): string {
  return `${history.entries.length}/${clock.changes}/${shards.map((shard) => shard.unanswered).join(',')}`;
}

function stillWaiting({ history, clock }: Pick<IdleTarget, 'clock' | 'history'>, why: string): MillraceError {
  const running = new Map<string, string>();
  for (const entry of history.entries) {
    if (entry.kind !== 'event') continue;
    const { event } = entry;
    if (event.kind === 'handlerStarted') running.set(event.recordId, `${event.handler} (record ${event.recordId}, attempt ${event.attempt}, since t+${entry.atMs} ms)`);
    if (event.kind === 'handlerEnded') running.delete(event.recordId);
  }
  const handlers = [...running.values()].join('; ') || 'no handler';
  return new MillraceError('HANDLER_TIMEOUT', `The bed is not idle after ${REAL_LIMIT_MS} ms of real time at t+${clock.elapsedMs} ms: ${why}. Running: ${handlers}. If it waits for real input or output, name that with track(promise).`);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
