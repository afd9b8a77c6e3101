/**
 * Takes a daemon of ours that is dead off the lists that other workers go by, so that its shards go on elsewhere at once: the
 * lead of the application, which KCL lets nobody have for two minutes, and its sign of life, which counts for another one.
 */
import type { Coordination } from '../daemon/coordination.js';
import { releaseLeader } from '../daemon/release-leader.js';
import { toError } from '../errors.js';
import type { Clock, Logger } from '../ports.js';
import { openRemoteCoordination, type CoordinationRequest } from './remote-coordination.js';

export interface LeadOptions extends CoordinationRequest {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Never rejects. */
export async function takeLeave(options: LeadOptions, workerId: string): Promise<void> {
  const { logger } = options;
  let coordination: Coordination;
  try {
    coordination = await openRemoteCoordination(options);
  } catch (error) {
    logger.warn(
      { err: toError(error) },
      'The tables cannot be reached; other workers learn within two minutes that this one is gone.',
    );
    return;
  }
  await Promise.all([giveLeadBack(coordination, options, workerId), forget(coordination, options, workerId)]);
  coordination.close();
}

const WITHIN_MS = 5_000;

async function giveLeadBack(
  coordination: Coordination,
  { clock, logger }: LeadOptions,
  workerId: string,
): Promise<void> {
  try {
    const signal = AbortSignal.timeout(WITHIN_MS);
    await releaseLeader({ coordination, workerId, twinsRuledOut: true, clock, signal });
  } catch (error) {
    logger.warn(
      { err: toError(error) },
      'The lead could not be given back; until it expires (120 s) no lease is assigned.',
    );
  }
}

async function forget(coordination: Coordination, { logger }: LeadOptions, workerId: string): Promise<void> {
  try {
    await coordination.forgetWorker(workerId, AbortSignal.timeout(WITHIN_MS));
  } catch (error) {
    logger.warn(
      { err: toError(error) },
      'The metrics of this worker could not be deleted; for a minute other workers take it for alive.',
    );
  }
}
