/** What the workers of one stream share, and so what a bed has from the one whose shards it takes over. */
import { MillraceError, type ConsumerDefinition, type IdempotencyStore, type Logger } from '@millrace/core';
import type { TestBedOptions } from './bed-options.js';
import { openBedStore } from './bed-store.js';
import { DeliveredWires } from './delivered-wires.js';
import { Placement } from './placement.js';
import { VirtualClock } from './virtual-clock.js';

export interface BedEstate {
  readonly clock: VirtualClock;
  /** The stream goes on with its numbers. */
  readonly placement: Placement;
  /** Records are in the stream, whoever reads them. */
  readonly wires: DeliveredWires;
  /** Of idempotent handlers. */
  readonly store: IdempotencyStore;
}

const estates = new WeakMap<object, BedEstate>();

export async function openEstate(
  definition: ConsumerDefinition,
  { clock = new VirtualClock(), log }: { readonly clock: VirtualClock | undefined; readonly log: Logger },
): Promise<BedEstate> {
  const store = await openBedStore(definition, { clock, log });
  return { clock, placement: new Placement(() => clock.now()), wires: new DeliveredWires(), store };
}

export function keepEstate(bed: object, estate: BedEstate): void {
  estates.set(bed, estate);
}

/** That of the bed whose shards are taken over; undefined when none are. */
export function estateTaken({ takesOver, shards, clock }: TestBedOptions): BedEstate | undefined {
  if (takesOver === undefined) return undefined;
  const estate = estates.get(takesOver);
  if (estate !== undefined && shards === undefined && clock === undefined) return estate;
  throw new MillraceError(
    'TEST_MISUSED',
    estate === undefined
      ? 'takesOver is a bed that testBed() has given, not something else.'
      : 'A bed that takes over has the shards and the clock of the other bed: leave out shards and clock.',
  );
}
