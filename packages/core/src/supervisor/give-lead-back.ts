/** Gives the lead of the application back for a daemon of ours that is dead, so that somebody else can assign leases at once. */
import type { ResolvedConsumer } from '../config/resolved.js';
import { openCoordination } from '../daemon/coordination-aws.js';
import type { Coordination } from '../daemon/coordination.js';
import { releaseLeader } from '../daemon/release-leader.js';
import type { Environment } from '../definition/definition.js';
import { toError } from '../errors.js';
import type { Clock, Logger } from '../ports.js';

export interface LeadOptions {
  readonly consumer: ResolvedConsumer;
  readonly env: Environment;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Never rejects. Until it is given back, nobody assigns leases: KCL waits two minutes for a dead leader. */
export async function giveLeadBack({ consumer, env, clock, logger }: LeadOptions, workerId: string): Promise<void> {
  const signal = AbortSignal.timeout(RELEASE_WITHIN_MS);
  let coordination: Coordination | undefined;
  try {
    coordination = await openCoordination(consumer, env);
    await releaseLeader({ coordination, workerId, twinsRuledOut: true, clock, signal });
  } catch (error) {
    logger.warn(
      { err: toError(error) },
      'The lead could not be given back; until it expires (120 s) no lease is assigned.',
    );
  } finally {
    coordination?.close();
  }
}

const RELEASE_WITHIN_MS = 5_000;
