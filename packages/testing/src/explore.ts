/**
 * `explore`: a consumer among deliveries, crashes, lost leases and failures in an order that nobody has thought of. It needs
 * fast-check, which draws the plans and shortens the one that fails.
 *
 * @packageDocumentation
 */
import { isMillraceError, MillraceError } from '@millrace/core';
import fc, { type Arbitrary } from 'fast-check';
import type { BedConsumer, TestBedOptions } from './bed-options.js';
import { check } from './matchers.js';
import { describeMove, MOVE_KINDS, plansOf, type Move, type MoveKind } from './moves.js';
import { finish, playMove } from './play-moves.js';
import type { TestRecord } from './record-builders.js';
import { toHaveLostNothing } from './shard-matchers.js';
import { testBed, type TestBed } from './test-bed.js';

/** One run's surroundings: fresh ones for each run. */
export interface ExploreWorld {
  /** Of the bed: shards, and stand-ins for what the consumer changes. */
  readonly options?: TestBedOptions;
  /** Called when everything is settled or held; throws when the consumer has not done what it should. */
  readonly check?: (bed: TestBed) => void | Promise<void>;
}

export interface ExploreOptions {
  /** What is delivered: an arbitrary of fast-check, or records to choose from. */
  readonly records: Arbitrary<TestRecord> | readonly TestRecord[];
  /** Called once for each run. @defaultValue a bed of one shard, and nothing to check but that no record is lost */
  readonly world?: () => ExploreWorld;
  /** What may happen; deliveries always may. @defaultValue all of it */
  readonly moves?: readonly MoveKind[];
  /** Of one plan. @defaultValue 12 */
  readonly maxMoves?: number;
  /** @defaultValue 100 */
  readonly runs?: number;
  /** After so many real milliseconds no further run begins, and no further attempt to shorten a plan. @defaultValue 4000 */
  readonly limitMs?: number;
  /** What an error has printed: plays that one plan again, and no other. */
  readonly replay?: string;
}

/** The shortest run that failed so far. */
interface Found {
  readonly error: unknown;
  readonly plan: readonly Move[];
  readonly timeline: string;
}

const RUNS = 100;
const LIMIT_MS = 4_000;
const MAX_MOVES = 12;

/**
 * Plays plans drawn at random on fresh beds. In each run, whatever came, every record has to settle or be held once nothing
 * fails any more, no checkpoint may cover a record that is not settled, every invariant of a bed has to hold, and so has your
 * own `check`. A plan that fails is shortened as long as it fails in the same way.
 *
 * @returns how many runs were made: fewer than `runs` when the time was up.
 * @throws MillraceError EXPLORATION_FAILED with the moves, what happened, and the `replay` for this one plan; its `cause` is
 * what was thrown. TEST_MISUSED for options that explore nothing.
 */
export async function explore(consumer: BedConsumer, options: ExploreOptions): Promise<number> {
  const { runs = RUNS, limitMs = LIMIT_MS, maxMoves = MAX_MOVES, moves = MOVE_KINDS, replay } = options;
  const plans = plansOf(arbitraryOf(options.records), { kinds: knownKinds(moves), maxMoves });
  let found: Found | undefined;
  const property = fc.asyncProperty(plans, async (plan) => {
    const failure = await run(consumer, options, plan);
    if (failure === undefined) return;
    // A shorter plan that fails in another way is another find, and says nothing of this one.
    if (found !== undefined && wayOf(failure.error) !== wayOf(found.error)) return;
    found = failure;
    throw failure.error;
  });
  const again = replay === undefined ? undefined : placeOf(replay);
  const outcome = await fc.check(property, {
    ...(again === undefined ? { numRuns: runs } : { ...again, numRuns: 1, endOnFailure: true }),
    interruptAfterTimeLimit: limitMs,
    markInterruptAsFailure: false,
  });
  if (found === undefined) return outcome.numRuns;
  throw failed(found, `${outcome.seed}:${outcome.counterexamplePath ?? '0'}`);
}

async function run(
  consumer: BedConsumer,
  { world }: ExploreOptions,
  plan: readonly Move[],
): Promise<Found | undefined> {
  const { options, check: look } = world?.() ?? {};
  const bed = await testBed(consumer, options);
  try {
    for (const move of plan) await playMove(bed, move);
    await finish(bed);
    if (bed.delivered.length > 0) check(toHaveLostNothing(bed));
    await look?.(bed);
    await bed.dispose();
    return undefined;
  } catch (error) {
    const timeline = bed.timeline();
    // The first thing that went wrong is the one to tell.
    await bed.dispose().catch(() => undefined);
    return { error, plan, timeline };
  }
}

function arbitraryOf(given: ExploreOptions['records']): Arbitrary<TestRecord> {
  if (!(Symbol.iterator in given)) return given;
  if (given.length > 0) return fc.constantFrom(...given);
  throw new MillraceError('TEST_MISUSED', 'explore() has no records to deliver: give at least one.');
}

function knownKinds(moves: readonly string[]): readonly MoveKind[] {
  const unknown = moves.filter((kind) => !(MOVE_KINDS as readonly string[]).includes(kind));
  if (unknown.length === 0) return MOVE_KINDS.filter((kind) => moves.includes(kind));
  throw new MillraceError(
    'TEST_MISUSED',
    `explore() knows no ${unknown.map((kind) => `move '${kind}'`).join(', ')}; it knows ${MOVE_KINDS.join(', ')}.`,
  );
}

function wayOf(error: unknown): string {
  if (isMillraceError(error)) return error.code;
  return error instanceof Error ? error.name : typeof error;
}

function placeOf(replay: string): { readonly seed: number; readonly path: string } {
  const [, seed, path] = /^(-?\d+):(\d+(?::\d+)*)$/.exec(replay) ?? [];
  if (seed !== undefined && path !== undefined) return { seed: Number(seed), path };
  throw new MillraceError(
    'TEST_MISUSED',
    `replay is what an error of explore() has printed, not ${JSON.stringify(replay)}.`,
  );
}

function failed({ error, plan, timeline }: Found, replay: string): MillraceError {
  const message = [
    error instanceof Error ? error.message : String(error),
    `To play it again: explore(consumer, { ...options, replay: '${replay}' })`,
    `The plan, ${plan.length} ${plan.length === 1 ? 'move' : 'moves'}:`,
    ...plan.map((move) => `  ${describeMove(move)}`),
    'What happened:',
    timeline,
  ].join('\n');
  return new MillraceError('EXPLORATION_FAILED', message, { cause: error, details: { replay } });
}
