import { describe, expect, it } from 'vitest';
import type { PlainSessionEvent } from '../../runtime/plain-event.js';
import { NOTHING_SEEN, observe, rateOf, sumTotals, type LiveView } from './live-view.js';

type Bare<E> = E extends unknown ? Omit<E, 'at' | 'sessionId' | 'shardId'> : never;
type Step = Bare<PlainSessionEvent> & { readonly at?: number; readonly sessionId?: string };

const started: Step = { kind: 'sessionStarted', sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 };
const none = { handled: 0, parked: 0, skipped: 0, filtered: 0, deduplicated: 0 };
const progress = (handled: number, more: { at?: number; parked?: number; retries?: number } = {}): Step => ({
  kind: 'progress',
  settled: { ...none, handled, parked: more.parked ?? 0 },
  retries: more.retries ?? 0,
  at: more.at ?? 0,
});
const held: Step = { kind: 'held', recordId: 'A:1:0', why: 'w', error: { name: 'E', code: undefined, message: 'm' } };

function play(...steps: readonly Step[]): LiveView {
  return steps.reduce<LiveView>(
    (view, step) => observe(view, { at: 0, sessionId: 'mailer/A#1', shardId: 'A', ...step }),
    NOTHING_SEEN,
  );
}
const rowOf = (view: LiveView) => view.get('mailer/A')!;

describe('the state of a shard', () => {
  it.each<[string, readonly Step[]]>([
    ['starting', [started]],
    ['ready', [started, { kind: 'sessionReady' }]],
    ['running', [started, { kind: 'sessionReady' }, { kind: 'delivered', records: 2, millisBehindLatest: 5 }]],
    ['ready', [started, { kind: 'sessionReady' }, { kind: 'delivered', records: 0, millisBehindLatest: 0 }]],
    [
      'ready',
      [
        { kind: 'delivered', records: 2, millisBehindLatest: 5 },
        { kind: 'acknowledged', action: 'processRecords', unsettled: 0 },
      ],
    ],
    [
      'running',
      [
        { kind: 'delivered', records: 2, millisBehindLatest: 5 },
        { kind: 'acknowledged', action: 'processRecords', unsettled: 1 },
      ],
    ],
    ['held', [started, held]],
    ['running', [started, held, { kind: 'released', recordId: 'A:1:0' }]],
    ['stuck', [{ kind: 'stuck', recordId: 'A:1:0', handler: 'h', runningMs: 1 }]],
    ['doubt', [{ kind: 'leaseDoubt', why: 'w' }]],
    ['draining', [{ kind: 'draining', reason: 'r' }]],
    ['ended', [started, { kind: 'sessionEnded', why: 'leaseLost', abandoned: 0 }]],
    [
      'shard end',
      [
        { kind: 'checkpointAnswered', target: 'SHARD_END', error: undefined },
        { kind: 'sessionEnded', why: 'shardEnded', abandoned: 0 },
      ],
    ],
  ])('is %s', (state, steps) => {
    expect(rowOf(play(...steps)).state).toBe(state);
  });
});

it('shows the last checkpoint that was stored, not one that failed', () => {
  const at = (sequenceNumber: string) => ({ sequenceNumber, subSequenceNumber: 0 });
  const view = play(
    { kind: 'checkpointAnswered', target: at('5'), error: undefined },
    { kind: 'checkpointRequested', target: at('7') },
    { kind: 'checkpointAnswered', target: at('7'), error: 'ThrottlingException' },
  );
  expect(rowOf(view).checkpoint).toEqual(at('5'));
});

it('keeps the last known lag', () => {
  const view = play(
    { kind: 'delivered', records: 1, millisBehindLatest: 9 },
    { kind: 'delivered', records: 1, millisBehindLatest: undefined },
  );
  expect(rowOf(view).millisBehindLatest).toBe(9);
});

it('forgets a hold with its session', () => {
  expect(rowOf(play(held, started)).held).toBeUndefined();
  expect(rowOf(play(held, { kind: 'sessionEnded', why: 'leaseLost', abandoned: 1 })).held).toBeUndefined();
});

it('adds up the sessions of a shard, each of which counts from zero', () => {
  const view = play(
    started,
    progress(5, { parked: 1, retries: 2 }),
    progress(8, { parked: 1, retries: 3 }),
    started,
    progress(2, { retries: 1 }),
  );
  expect(rowOf(view).totals).toEqual({ handled: 10, parked: 1, skipped: 0, filtered: 0, deduplicated: 0, retries: 4 });
});

it('keeps shards of two applications apart, though their ids are the same', () => {
  const view = play(progress(1), { ...progress(2), sessionId: 'billing/A#1' });
  expect([...view.keys()]).toEqual(['mailer/A', 'billing/A']);
  expect(sumTotals(view).handled).toBe(3);
});

describe('the rate', () => {
  const rate = (now: number, ...steps: readonly Step[]) => rateOf(rowOf(play(...steps)), now);

  it('is what settled in the last five seconds', () => {
    expect(rate(5_000, progress(10, { at: 1_000 }), progress(30, { at: 4_000 }))).toBe(6);
  });

  it('does not count what is older', () => {
    expect(rate(9_000, progress(10, { at: 1_000 }), progress(30, { at: 5_000 }))).toBe(4);
    expect(rate(20_000, progress(10, { at: 1_000 }), progress(30, { at: 5_000 }))).toBe(0);
  });

  it('is none before anything settled', () => {
    expect(rate(0, started)).toBe(0);
  });
});

it('keeps no more samples than the rate needs', () => {
  const view = play(...Array.from({ length: 100 }, (_, n) => progress(n, { at: n * 1_000 })));
  expect(rowOf(view).samples.length).toBeLessThan(10);
});

it('is the same view after an event that changes nothing', () => {
  const view = play(started);
  const same = observe(view, {
    at: 0,
    sessionId: 'mailer/A#1',
    shardId: 'A',
    kind: 'checkpointRequested',
    target: 'SHARD_END',
  });
  expect(same).toBe(view);
});
