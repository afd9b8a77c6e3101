import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { LazySignal } from './lazy-signal.js';
import { atMost, sleepUntilAborted, untilAborted } from './race.js';

/** A signal as long-lived as a session; whatever stays on it stays for millions of records. */
const session = () => new AbortController().signal;
const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('waiting leaves no listener on the signal it may be cut short by', () => {
  it.each([
    ['a promise that resolves', () => Promise.resolve()],
    ['a promise that rejects', () => Promise.reject(new Error('no'))],
  ])('%s', async (_, make) => {
    const signal = session();
    await untilAborted(make(), signal).catch(() => undefined);
    await atMost(make(), { clock: new ManualClock(), limitMs: 1_000, giveUp: signal }).catch(() => undefined);

    expect(listeners(signal)).toBe(0);
  });

  it('a sleep that ends', async () => {
    const [clock, one, other] = [new ManualClock(), session(), session()];
    const slept = sleepUntilAborted(clock, 100, one, other);
    await clock.advance(100);

    expect(await slept).toBe(true);
    expect(listeners(one) + listeners(other)).toBe(0);
  });
});

describe('atMost', () => {
  it.each([
    ['its limit', async (clock: ManualClock) => clock.advance(1_000)],
    ['its signal', async (_: ManualClock, giveUp: AbortController) => giveUp.abort()],
  ])('gives up at %s and leaves no timer', async (_, act) => {
    const [clock, giveUp] = [new ManualClock(), new AbortController()];
    const waiting = atMost(new Promise(() => undefined), { clock, limitMs: 1_000, giveUp: giveUp.signal });
    await act(clock, giveUp);

    expect(await waiting).toEqual({ kind: 'aborted' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives up at once on a signal that has aborted', async () => {
    const clock = new ManualClock();
    const waiting = atMost(new Promise(() => undefined), { clock, limitMs: 1_000, giveUp: AbortSignal.abort() });

    expect(await waiting).toEqual({ kind: 'aborted' });
  });
});

describe('a lazy signal', () => {
  it('that was released leaves nothing on its parent, also when somebody looks at it later', () => {
    const [used, unused] = [session(), session()];
    const early = new LazySignal(used);
    expect(early.signal.aborted).toBe(false);
    early.release();
    const late = new LazySignal(unused);
    late.release();
    expect(late.signal.aborted).toBe(false);

    expect(listeners(used) + listeners(unused)).toBe(0);
  });
});
