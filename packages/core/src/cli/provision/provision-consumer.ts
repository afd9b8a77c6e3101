/** The tables of one consumer, made with the credentials of an environment. */
import type { ResolvedConsumer } from '../../config/resolved.js';
import { listShards, openTables } from '../../daemon/provision-aws.js';
import { provision, type Provisioned, type ProvisionRequest } from '../../daemon/provision.js';
import type { Environment } from '../../definition/definition.js';
import { systemClock } from '../../process-ports.js';

export interface ProvisionSurroundings {
  readonly env: Environment;
  /** What takes long. */
  readonly say: (line: string) => void;
}

/** @throws MillraceError as `provision` does. */
export async function provisionConsumer(
  consumer: ResolvedConsumer,
  request: ProvisionRequest,
  { env, say }: ProvisionSurroundings,
): Promise<Provisioned> {
  const tables = await openTables(consumer, env);
  try {
    return await provision(consumer, request, {
      tables,
      listShards: (filter) => listShards(consumer, { filter, env }),
      clock: systemClock,
      say,
    });
  } finally {
    tables.close();
  }
}
