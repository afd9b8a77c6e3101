/** Takes the name under which a worker owns leases, and locks it. */
import { propertyOf } from '../daemon/effective-property.js';
import { findIdentity } from '../daemon/worker-identity.js';
import { MillraceError } from '../errors.js';
import type { Clock } from '../ports.js';
import { sleepUntilAborted } from '../runtime/race.js';
import { openRemoteCoordination } from './remote-coordination.js';
import { takeLeave, type LeadOptions } from './take-leave.js';
import { freeSlots, lockName, type SlotLock } from './slot-lock.js';

export interface IdentityOptions extends LeadOptions {
  readonly signal: AbortSignal;
}

/**
 * The name of last time, if nobody else has it: then a killed worker's leases are its own again at once.
 *
 * @throws MillraceError DAEMON_FAILED when the workerId that the user chose is taken; what coordination throws.
 */
export async function takeIdentity(options: IdentityOptions): Promise<SlotLock> {
  const { consumer } = options;
  const scope = [
    propertyOf(consumer, 'dynamoDBEndpoint') ?? 'aws',
    consumer.settings.regionName ?? '',
    propertyOf(consumer, 'tableName') ?? consumer.applicationName,
  ].join('\0');
  const given = consumer.settings.workerId;
  return findSlot(given === undefined ? freeSlots(scope) : onlySlot(given, { scope, clock: options.clock }), options);
}

/** How long a killed worker's guard may take to end what that has left; until then it keeps the name. */
const GUARD_WITHIN_MS = 3_000;
const RETRY_MS = 250;

async function* onlySlot(
  workerId: string,
  { scope, clock }: { readonly scope: string; readonly clock: Clock },
): AsyncGenerator<SlotLock> {
  for (let waitedMs = 0; waitedMs <= GUARD_WITHIN_MS; waitedMs += RETRY_MS) {
    const lock = await lockName(workerId, scope);
    if (lock !== undefined) {
      yield lock;
      return;
    }
    await sleepUntilAborted(clock, RETRY_MS);
  }
  throw new MillraceError(
    'DAEMON_FAILED',
    `Another process on this machine is the worker "${workerId}" of this application, and two workers of one id run the same shards. Leave workerId out: Millrace makes one of the host name and a free slot.`,
    { details: { workerId } },
  );
}

async function findSlot(slots: AsyncIterable<SlotLock>, options: IdentityOptions): Promise<SlotLock> {
  const { consumer, clock, logger, signal } = options;
  const taken = new Map<string, SlotLock>();
  async function* candidates(): AsyncGenerator<string> {
    for await (const lock of slots) {
      taken.set(lock.workerId, lock);
      yield lock.workerId;
    }
  }
  const coordination = await openRemoteCoordination(options);
  let chosen: string | undefined;
  let inherited: readonly string[] = [];
  try {
    const found = await findIdentity({
      candidates: candidates(),
      coordination,
      clock,
      renewEveryMs: consumer.settings.failoverTimeMs / 3,
      chosen: consumer.settings.workerId !== undefined,
      signal,
    });
    for (const { message } of found.rejected) logger.warn({}, message);
    if (found.inherited.length > 0)
      logger.info(
        { workerId: found.workerId, shards: found.inherited },
        'Taking up the leases that this worker had before.',
      );
    ({ workerId: chosen, inherited } = found);
  } finally {
    coordination.close();
    for (const [workerId, lock] of taken) if (workerId !== chosen) lock.release();
  }
  const lock = chosen === undefined ? undefined : taken.get(chosen);
  if (lock === undefined) throw new RangeError('The id that was found was no candidate.');
  // Its leases stood still while they were watched, so no twin lives that could lead: the lead is a dead predecessor's.
  if (inherited.length > 0) await takeLeave(options, lock.workerId);
  return lock;
}
