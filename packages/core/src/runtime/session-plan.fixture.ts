/** Random sessions as data: who does what, and when. */
import fc from 'fast-check';
import type { Order } from './orders.js';

/** What the handler does with a record; record n gets behaviour n modulo their number. */
export type Behaviour =
  | { readonly kind: 'return' }
  /** Deaf: does not look at its signal. */
  | { readonly kind: 'work'; readonly delayMs: number; readonly deaf: boolean }
  | { readonly kind: 'throw'; readonly times: number; readonly final: boolean; readonly delayMs: number }
  | { readonly kind: 'defer'; readonly delayMs: number; readonly end: 'done' | 'fail' | 'twice' | 'never' }
  | { readonly kind: 'checkpoint'; readonly awaited: boolean; readonly thenThrow: boolean }
  | { readonly kind: 'hang' }
  | { readonly kind: 'stop' };

const SHORT_MS = [0, 1, 50, 400, 3_000] as const;
const ms = fc.constantFrom(...SHORT_MS);
const behaviour: fc.Arbitrary<Behaviour> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Behaviour>({ kind: 'return' }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('work' as const), delayMs: ms, deaf: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('throw' as const),
      times: fc.constantFrom(1, 2, 99),
      final: fc.boolean(),
      delayMs: fc.constantFrom(0, 0, 100),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('defer' as const),
      delayMs: ms,
      end: fc.constantFrom('done' as const, 'done' as const, 'fail' as const, 'twice' as const, 'never' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('checkpoint' as const),
      awaited: fc.boolean(),
      thenThrow: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Behaviour>({ kind: 'hang' }) },
  { weight: 1, arbitrary: fc.constant<Behaviour>({ kind: 'stop' }) },
);

/** What happens to a session from outside. */
export type Move =
  | { readonly kind: 'deliver'; readonly count: number; readonly again: number }
  | { readonly kind: 'advance'; readonly delayMs: number }
  /** Somebody kept the context of an earlier run. */
  | { readonly kind: 'staleContext'; readonly pick: number; readonly defers: boolean }
  | { readonly kind: 'checkpointErrors'; readonly names: readonly string[] }
  | { readonly kind: 'sinkFailures'; readonly failures: number }
  /** An operator decides over a record, or tries to. */
  | { readonly kind: 'order'; readonly pick: number; readonly order: Order }
  | { readonly kind: 'drain' | 'doubt' | 'shutdownRequested' };

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('deliver' as const),
      count: fc.nat({ max: 4 }),
      again: fc.constantFrom(0, 0, 0, 2),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('advance' as const), delayMs: ms }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('staleContext' as const),
      pick: fc.nat({ max: 9 }),
      defers: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('checkpointErrors' as const),
      names: fc.array(
        fc.constantFrom(
          'ThrottlingException',
          'ThrottlingException',
          'RuntimeException',
          'InvalidStateException',
          'ShutdownException',
        ),
        { minLength: 1, maxLength: 6 },
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('order' as const),
      pick: fc.nat({ max: 9 }),
      order: fc.constantFrom<Order[]>('retry', 'park', 'skip'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sinkFailures' as const), failures: fc.nat({ max: 7 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('drain' as const, 'doubt' as const, 'shutdownRequested' as const) }),
  },
);

export const plan = fc.record({
  shape: fc.constantFrom('record' as const, 'record' as const, 'batch' as const, 'batch' as const, 'strict' as const),
  /** How many handlers run at once; the keys are three. */
  perShard: fc.constantFrom(undefined, undefined, 1, 2, 4),
  /** Of batch handlers: the most items of a call, how long records gather, whether unexplained failures halve a batch. */
  maxItems: fc.constantFrom(undefined, 1, 2, 3),
  maxWaitMs: fc.constantFrom(undefined, 1, 200, 3_000),
  bisect: fc.boolean(),
  /** Whether what handlers throw tells one record from another. */
  alike: fc.boolean(),
  checkpoint: fc.constantFrom(
    'record' as const,
    'batch' as const,
    'manual' as const,
    'manual' as const,
    { everyMs: 300 },
    { everyRecords: 2 },
  ),
  then: fc.constantFrom(
    'deadLetter' as const,
    'deadLetter' as const,
    'hold' as const,
    'skip' as const,
    'stop' as const,
  ),
  sameKey: fc.constantFrom('continue' as const, 'hold' as const),
  maxInFlight: fc.constantFrom(1, 3, 1_000),
  /** Record n is left out by the filter when n modulo this is 1. */
  filterEvery: fc.constantFrom(undefined, undefined, 2, 4),
  /** What a dead process has left: how far it was, and that it may have died of some of these records. */
  past: fc.constantFrom(undefined, undefined, undefined, 'careful' as const, 'suspects' as const),
  /** How many failures in a row open the circuit breaker. */
  breaker: fc.constantFrom(undefined, undefined, undefined, 1, 3),
  behaviours: fc.array(behaviour, { minLength: 1, maxLength: 8 }),
  moves: fc.array(move, { minLength: 2, maxLength: 12 }),
  end: fc.constantFrom('heal', 'heal', 'shardEnd', 'leaseLost', 'handoff', 'endOfInput'),
});
export type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never;

/** Batch handlers have no lanes. */
export function lanesOf({ shape, perShard }: Pick<Plan, 'shape' | 'perShard'>): number | undefined {
  return shape === 'record' ? perShard : undefined;
}

/** How a batch handler groups its items; record handlers do not. */
export function groupingOf({ shape, maxItems, maxWaitMs, maxInFlight }: Plan): Grouping {
  if (shape === 'record') return { maxItems: undefined, maxWaitMs: undefined };
  return { maxItems: maxItems === undefined ? undefined : Math.min(maxItems, maxInFlight), maxWaitMs };
}

export interface Grouping {
  readonly maxItems: number | undefined;
  readonly maxWaitMs: number | undefined;
}

/** Whether deliveries are acknowledged while their records wait or run. */
export function isAhead(plan: Plan): boolean {
  return lanesOf(plan) !== undefined || groupingOf(plan).maxWaitMs !== undefined;
}

/** Stands for record n's partition key, as `wire(n)` gives it. */
export function keyOfRecord(n: number): number {
  return n % 3;
}

/** Of a past with suspects: what was in flight when the process died. */
export const SUSPECTS: readonly number[] = [1, 2, 5];

/** Of plans with a breaker, without what opens it. */
export const BREAKER = { windowMs: 2_000, openMs: 200, maxOpenMs: 500, probes: 2 };
