import { describe, expect, it } from 'vitest';
import { VirtualClock } from './virtual-clock.js';

function ticking(): { readonly clock: VirtualClock; readonly ran: string[]; set(name: string, delayMs: number): void } {
  const clock = new VirtualClock(1_000);
  const ran: string[] = [];
  return { clock, ran, set: (name, delayMs) => void clock.setTimer(delayMs, () => ran.push(name)) };
}

describe('a virtual clock', () => {
  it('stands still until it is moved', () => {
    const { clock, ran, set } = ticking();
    set('now', 0);

    expect([clock.now(), clock.monotonicMs(), clock.elapsedMs, ran]).toEqual([1_000, 0, 0, []]);
  });

  it('runs timers in the order in which they are due, those of one time in the order they were set', () => {
    const { clock, ran, set } = ticking();
    set('b', 20);
    set('a', 10);
    set('c', 20);

    while (clock.runNext());

    expect(ran).toEqual(['a', 'b', 'c']);
    expect([clock.elapsedMs, clock.now()]).toEqual([20, 1_020]);
  });

  it('runs nothing that is due later than asked for', () => {
    const { clock, ran, set } = ticking();
    set('late', 11);

    expect(clock.runNext(10)).toBe(false);
    clock.skipTo(10);

    expect([ran, clock.elapsedMs, clock.nextDueMs]).toEqual([[], 10, 11]);
  });

  it('never goes back', () => {
    const { clock, set } = ticking();
    set('a', 5);
    clock.skipTo(100);

    clock.runNext();

    expect(clock.elapsedMs).toBe(100);
  });

  it('forgets what is cancelled', () => {
    const { clock, ran } = ticking();
    const timer = clock.setTimer(10, () => ran.push('cancelled'));

    timer.cancel();
    timer.cancel();

    expect([clock.runNext(), ran, clock.nextDueMs]).toEqual([false, [], undefined]);
  });

  it('knows who waits for time to pass: pauses, not deadlines, and only of that owner', () => {
    const { clock } = ticking();
    const [a, b] = [clock.heldBy('a'), clock.heldBy('b')];
    b.setTimer(10, () => undefined);
    const pause = a.setTimer(10, () => undefined, 'pause');
    expect([clock.isAwaitedBy('a'), clock.isAwaitedBy('b')]).toEqual([true, false]);

    pause.cancel();

    expect(clock.isAwaitedBy('a')).toBe(false);
  });

  it('counts every use, so that somebody can see it stand unused', () => {
    const { clock, set } = ticking();
    const seen = [clock.changes];
    set('a', 1);
    seen.push(clock.changes);
    clock.runNext();
    seen.push(clock.changes);

    expect(seen).toEqual([0, 1, 2]);
  });
});
