import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CircuitBreakerPolicy } from '../definition/definition.js';
import { type BreakerState, type CallEnd, closedBreaker, ended, mayStart, started } from './circuit-breaker.js';

const policy: CircuitBreakerPolicy = {
  failureRate: 0.5,
  windowMs: 1_000,
  minimumCalls: 4,
  openMs: 100,
  maxOpenMs: 350,
  probes: 2,
  only: undefined,
};

/** `s` succeeded, `f` failed, `n` neutral: calls one after the other, at the time given. */
function after(ends: string, nowMs = 0, from: BreakerState = closedBreaker()): BreakerState {
  const how = { s: 'succeeded', f: 'failed', n: 'neutral' } as const satisfies Record<string, CallEnd>;
  let state = from;
  for (const end of ends) {
    state = started(state);
    state = ended(state, { era: state.era, how: how[end as keyof typeof how] }, { policy, nowMs });
  }
  return state;
}

describe('a closed breaker', () => {
  it.each([
    ['three failures, one below the minimum', 'fff', 'closed'],
    ['four failures', 'ffff', 'open'],
    ['half of four', 'ssff', 'open'],
    ['less than half', 'sssff', 'closed'],
    ['a rate that is reached by a success', 'ffs', 'closed'],
    ['nothing but neutral ends', 'nnnnnnnn', 'closed'],
    ['neutral ends between failures, which are no calls', 'fnnfnnf', 'closed'],
  ])('after %s', (_, ends, kind) => {
    expect(after(ends).kind).toBe(kind);
  });

  it('opens for openMs, counted from the failure that opened it', () => {
    expect(after('ffff', 7)).toEqual({ kind: 'open', era: 1, untilMs: 107, openMs: 100 });
  });

  it('forgets what ended before its window', () => {
    const state = after('fff', 0);

    expect(after('f', 999, state).kind).toBe('open');
    expect(after('f', 1_000, state).kind).toBe('closed');
  });

  it('forgets it as well while the part of the window that is being counted goes on', () => {
    const state = after('s', 950, after('fff', 0));

    expect(after('f', 1_020, state).kind).toBe('closed');
  });

  it('adds up the parts of its window, at the time of day as at any other', () => {
    const noonMs = 1_800_000_000_000;
    const spread = after('f', noonMs + 700, after('f', noonMs + 350, after('f', noonMs)));

    expect(after('f', noonMs + 999, spread).kind).toBe('open');
    expect(after('f', noonMs + 1_000, spread).kind).toBe('closed');
  });

  it('keeps a few numbers, however many calls end', () => {
    let state: BreakerState = closedBreaker();
    for (let nowMs = 0; nowMs < 5_000; nowMs += 1) state = after('s', nowMs, state);

    expect(state.kind === 'closed' && state.counts.length).toBeLessThanOrEqual(11);
  });
});

describe('a call that started while the breaker was closed', () => {
  it.each<CallEnd>(['failed', 'succeeded'])('is no probe when it %s once the breaker is half open', (how) => {
    const halfOpen = started(after('ffff'));

    expect(halfOpen.kind).toBe('halfOpen');
    expect(ended(halfOpen, { era: 0, how }, { policy, nowMs: 150 })).toBe(halfOpen);
  });

  it('and one that started half open say nothing after the next opening', () => {
    const halfOpen = started(after('ffff'));
    const again = ended(halfOpen, { era: halfOpen.era, how: 'failed' }, { policy, nowMs: 150 });

    expect(again).toEqual({ kind: 'open', era: 3, untilMs: 350, openMs: 200 });
    const third = started(again);
    expect(ended(third, { era: halfOpen.era, how: 'failed' }, { policy, nowMs: 400 })).toBe(third);
  });
});

describe('an open breaker', () => {
  const open = after('ffff');

  it('lets nothing start until its time is over', () => {
    expect([0, 99, 100].map((nowMs) => mayStart(open, policy, nowMs))).toEqual([false, false, true]);
  });

  it('hears nothing of calls that started before it opened', () => {
    expect(ended(open, { era: 0, how: 'succeeded' }, { policy, nowMs: 50 })).toBe(open);
    expect(ended(open, { era: 0, how: 'failed' }, { policy, nowMs: 50 })).toBe(open);
  });
});

describe('a half-open breaker', () => {
  const half = started(after('ffff'));

  it('lets as many calls start as there are probes', () => {
    expect(half.kind).toBe('halfOpen');
    expect(mayStart(half, policy, 100)).toBe(true);
    expect(mayStart(started(half), policy, 100)).toBe(false);
  });

  it('counts those that have succeeded among its probes', () => {
    const one = ended(half, { era: half.era, how: 'succeeded' }, { policy, nowMs: 100 });
    expect(mayStart(started(one), policy, 100)).toBe(false);
  });

  it('closes after as many successes, and forgets what was', () => {
    const one = ended(half, { era: half.era, how: 'succeeded' }, { policy, nowMs: 100 });

    expect(one.kind).toBe('halfOpen');
    expect(after('s', 100, one)).toEqual({ ...closedBreaker(), era: 3 });
  });

  it('opens again at the first failure, twice as long up to the limit', () => {
    const times: number[] = [];
    let state: BreakerState = half;
    for (let round = 0; round < 4; round += 1) {
      state = ended(state, { era: state.era, how: 'failed' }, { policy, nowMs: 0 });
      if (state.kind === 'open') times.push(state.untilMs);
      state = started(state);
    }

    expect(times).toEqual([200, 350, 350, 350]);
  });

  it('lets another call start in the place of one that said nothing', () => {
    const full = started(half);
    const freed = ended(full, { era: full.era, how: 'neutral' }, { policy, nowMs: 100 });

    expect(mayStart(freed, policy, 100)).toBe(true);
  });

  it('is not closed by a call of an earlier era', () => {
    expect(ended(half, { era: 0, how: 'succeeded' }, { policy, nowMs: 100 })).toBe(half);
    expect(ended(half, { era: 1, how: 'failed' }, { policy, nowMs: 100 })).toBe(half);
  });
});

describe('any breaker', () => {
  it('always lets something start again, and never more than its probes before it is closed', () => {
    const step = fc.record({
      kind: fc.constantFrom('start' as const, 'end' as const),
      how: fc.constantFrom<CallEnd>('succeeded', 'failed', 'failed', 'neutral'),
      pick: fc.nat({ max: 20 }),
      passMs: fc.constantFrom(0, 1, 60, 400),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        let state: BreakerState = closedBreaker();
        let nowMs = 0;
        const running: number[] = [];
        for (const { kind, how, pick, passMs } of steps) {
          nowMs += passMs;
          if (kind === 'start' && mayStart(state, policy, nowMs)) {
            state = started(state);
            running.push(state.era);
          } else if (kind === 'end' && running.length > 0) {
            const [era = 0] = running.splice(pick % running.length, 1);
            state = ended(state, { era, how }, { policy, nowMs });
          }
          const ofEra = running.filter((era) => era === state.era).length;
          if (state.kind === 'halfOpen') {
            expect(state.running).toBe(ofEra);
            expect(state.running).toBeLessThanOrEqual(policy.probes);
          }
          // With nothing on its way, the next one may start when its time has come.
          if (ofEra === 0) expect(mayStart(state, policy, nowMs + policy.maxOpenMs)).toBe(true);
        }
      }),
    );
  });
});
