/** The tables and first leases of a daemon whose DynamoDB is on this machine: nobody wants `dev` to make tables in AWS. */
import type { ResolvedConsumer } from '../../config/resolved.js';
import { dynamoEndpoint } from '../../daemon/aws-clients.js';
import type { Environment } from '../../definition/definition.js';
import { isMillraceError } from '../../errors.js';
import { isOnThisMachine } from '../../config/this-machine.js';
import { provisionConsumer } from '../provision/provision-consumer.js';

/**
 * `left`: the leases could not be written whole, and the worker writes them itself. Undefined: not on this machine.
 *
 * @throws MillraceError as `provision` does.
 */
export async function provisionHere(
  consumer: ResolvedConsumer,
  { env, leaseOwner }: { readonly env: Environment; readonly leaseOwner: string | undefined },
): Promise<'written' | 'kept' | 'left' | undefined> {
  const endpoint = dynamoEndpoint(consumer);
  if (endpoint === undefined || !isOnThisMachine(endpoint)) return undefined;
  const request = { leases: true, leaseOwner, dryRun: false };
  const surroundings = { env, say: () => undefined };
  try {
    const { leases } = await provisionConsumer(consumer, request, surroundings);
    return leases?.outcome;
  } catch (error) {
    if (!isMillraceError(error, 'LEASES_REFUSED')) throw error;
    await provisionConsumer(consumer, { ...request, leases: false }, surroundings);
    return 'left';
  }
}
