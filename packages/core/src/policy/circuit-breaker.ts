/**
 * A circuit breaker as a pure table: calls start and end, and its state says whether another one may start.
 *
 * - closed: everything may start. It opens when, of at least `minimumCalls` within `windowMs`, the part that failed
 *   reaches `failureRate`.
 * - open: nothing may start until `untilMs`.
 * - halfOpen: as many calls as `probes` may start. As many successes close it; one failure opens it for twice as long.
 *
 * Each change of state begins a new era: a call that started in an earlier one says nothing about the downstream of now.
 */
import type { CircuitBreakerPolicy } from '../definition/definition.js';

export type BreakerState =
  | {
      readonly kind: 'closed';
      readonly era: number;
      /** The part of the window that is being counted; apart from the others, because each call changes it. */
      readonly current: Count | undefined;
      readonly counts: readonly Count[];
    }
  | { readonly kind: 'open'; readonly era: number; readonly untilMs: number; readonly openMs: number }
  | {
      readonly kind: 'halfOpen';
      readonly era: number;
      /** How long it was open before. */
      readonly openMs: number;
      readonly running: number;
      readonly succeeded: number;
    };

/** What ended within one part of the window. */
export interface Count {
  readonly sinceMs: number;
  readonly calls: number;
  readonly failures: number;
}

export type CallEnd =
  | 'succeeded'
  | 'failed'
  /** It says nothing of the downstream: the record is at fault, or the session gave it up. */
  | 'neutral';

/** Counting each call by its own time would keep them all in memory. */
const PARTS = 10;

export function closedBreaker(): Closed {
  return { kind: 'closed', era: 0, current: undefined, counts: [] };
}

export function mayStart(state: BreakerState, { probes }: CircuitBreakerPolicy, nowMs: number): boolean {
  switch (state.kind) {
    case 'closed':
      return true;
    case 'open':
      return nowMs >= state.untilMs;
    case 'halfOpen':
      return state.running + state.succeeded < probes;
    default:
      return state satisfies never;
  }
}

/** A call that may start has started; it belongs to the era of the state that comes back. */
export function started(state: BreakerState): BreakerState {
  switch (state.kind) {
    case 'closed':
      return state;
    case 'open':
      return { kind: 'halfOpen', era: state.era + 1, openMs: state.openMs, running: 1, succeeded: 0 };
    case 'halfOpen':
      return { ...state, running: state.running + 1 };
    default:
      return state satisfies never;
  }
}

export interface EndedCall {
  readonly era: number;
  readonly how: CallEnd;
}

export function ended(
  state: BreakerState,
  call: EndedCall,
  { policy, nowMs }: { readonly policy: CircuitBreakerPolicy; readonly nowMs: number },
): BreakerState {
  if (call.era !== state.era) return state;
  switch (state.kind) {
    case 'closed':
      return call.how === 'neutral' ? state : counted(state, call.how, { policy, nowMs });
    case 'open':
      return state;
    case 'halfOpen':
      return probed(state, call.how, { policy, nowMs });
    default:
      return state satisfies never;
  }
}

type At = { readonly policy: CircuitBreakerPolicy; readonly nowMs: number };
type Closed = Extract<BreakerState, { kind: 'closed' }>;
type HalfOpen = Extract<BreakerState, { kind: 'halfOpen' }>;

function counted(state: Closed, how: 'succeeded' | 'failed', { policy, nowMs }: At): BreakerState {
  const { windowMs, minimumCalls, failureRate, openMs } = policy;
  const failures = how === 'failed' ? 1 : 0;
  const { era, current: last } = state;
  let { counts } = state;
  let current: Count = { sinceMs: nowMs, calls: 1, failures };
  if (last !== undefined && nowMs - last.sinceMs < windowMs / PARTS)
    current = { sinceMs: last.sinceMs, calls: last.calls + 1, failures: last.failures + failures };
  else if (last !== undefined) counts = [...counts, last].filter(({ sinceMs }) => nowMs - sinceMs < windowMs);
  if (failures === 1) {
    const total = rateOf([...counts.filter(({ sinceMs }) => nowMs - sinceMs < windowMs), current]);
    if (total.calls >= minimumCalls && total.failures >= failureRate * total.calls)
      return { kind: 'open', era: era + 1, untilMs: nowMs + openMs, openMs };
  }
  return { kind: 'closed', era, current, counts };
}

function probed(state: HalfOpen, how: CallEnd, { policy, nowMs }: At): BreakerState {
  const { probes, maxOpenMs } = policy;
  if (how === 'failed') {
    const openMs = Math.min(maxOpenMs, state.openMs * 2);
    return { kind: 'open', era: state.era + 1, untilMs: nowMs + openMs, openMs };
  }
  const succeeded = state.succeeded + (how === 'succeeded' ? 1 : 0);
  if (succeeded >= probes) return { ...closedBreaker(), era: state.era + 1 };
  return { ...state, running: state.running - 1, succeeded };
}

function rateOf(counts: readonly Count[]): { readonly calls: number; readonly failures: number } {
  let calls = 0;
  let failures = 0;
  for (const count of counts) {
    calls += count.calls;
    failures += count.failures;
  }
  return { calls, failures };
}
