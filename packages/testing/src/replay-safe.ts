/** `replaySafe`: crashes a consumer wherever it can crash, and compares what it has done with what it does undisturbed. */
import { isDeepStrictEqual, inspect } from 'node:util';
import { MillraceError } from '@millrace/core';
import type { BedConsumer, TestBedOptions } from './bed-options.js';
import { CRASH_MOMENTS, momentOf, type Crash, type CrashMoment } from './crash-moments.js';
import type { TestRecord } from './record-builders.js';
import { testBed, type TestBed } from './test-bed.js';

/** One run's surroundings: fresh ones for each run. */
export interface ReplayWorld {
  /** Of the bed: stand-ins for what the consumer changes. */
  readonly options?: TestBedOptions;
  /** What the consumer has done to the world, as data that can be compared: the mails sent, the rows written. */
  readonly look: (bed: TestBed) => unknown;
}

export interface ReplaySafeOptions {
  /** Batches in the order of their delivery, to the bed's first shard. */
  readonly deliver: readonly (readonly TestRecord[])[];
  /** Called once for each run. */
  readonly world: () => ReplayWorld;
  /** @defaultValue all of them */
  readonly moments?: readonly CrashMoment[];
}

interface Run {
  readonly world: unknown;
  readonly timeline: string;
  readonly moments: readonly CrashMoment[];
}

/**
 * Runs a consumer undisturbed, and then once for each moment at which its process could die: it dies there, starts anew from
 * what is stored, and gets again what no checkpoint covers. What it has done to the world has to be the same in the end.
 *
 * An asynchronous handler that runs when the process dies here runs on, as JavaScript cannot be killed: its effect happens,
 * and happens again in the next life, which is the harder case. No other code of the consumer runs in a dead process.
 *
 * @returns how many crashes were tried.
 * @throws MillraceError NOT_REPLAY_SAFE with the moment, both worlds and the timeline; TEST_MISUSED when there is nothing
 * to compare; what `testBed` and `idle` throw.
 */
export async function replaySafe(consumer: BedConsumer, options: ReplaySafeOptions): Promise<number> {
  const undisturbed = await run(consumer, options, undefined);
  const wanted = new Set(options.moments ?? CRASH_MOMENTS);
  const crashes = CRASH_MOMENTS.filter((moment) => wanted.has(moment)).flatMap((moment) => {
    const times = undisturbed.moments.filter((each) => each === moment).length;
    return Array.from({ length: times }, (_, index): Crash => ({ moment, nth: index + 1 }));
  });
  if (crashes.length === 0)
    throw new MillraceError('TEST_MISUSED', 'There is no moment to crash at: deliver at least one record.');
  for (const crash of crashes) {
    const disturbed = await run(consumer, options, crash);
    if (!isDeepStrictEqual(disturbed.world, undisturbed.world)) throw notSafe(crash, undisturbed, disturbed);
  }
  return crashes.length;
}

async function run(consumer: BedConsumer, options: ReplaySafeOptions, crash: Crash | undefined): Promise<Run> {
  const { options: bedOptions, look } = options.world();
  const bed = await testBed(consumer, bedOptions);
  try {
    if (crash !== undefined) bed.crashAt(crash.moment, crash.nth);
    for (const batch of options.deliver) {
      bed.shard().deliver(...batch);
      await bed.idle();
    }
    const moments = bed.history.entries.flatMap((entry) => momentOf(entry) ?? []);
    return { world: look(bed), timeline: bed.timeline(), moments };
  } finally {
    await bed.dispose();
  }
}

function notSafe({ moment, nth }: Crash, undisturbed: Run, disturbed: Run): MillraceError {
  const message = [
    `A process that dies at '${moment}' for the ${ordinal(nth)} time, and starts anew, leaves another world behind. Make the effect idempotent: key it by record.id, or use @Idempotent.`,
    `Undisturbed: ${inspect(undisturbed.world, { depth: 6 })}`,
    `After the crash: ${inspect(disturbed.world, { depth: 6 })}`,
    'What happened:',
    disturbed.timeline,
  ].join('\n');
  return new MillraceError('NOT_REPLAY_SAFE', message, { details: { moment, nth } });
}

function ordinal(nth: number): string {
  const suffix = nth % 100 >= 11 && nth % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][nth % 10] ?? 'th');
  return `${nth}${suffix}`;
}
