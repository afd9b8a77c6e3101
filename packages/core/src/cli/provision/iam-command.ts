/** `millrace iam`: the least policy of the consumers of a module. */
import { policyNotes, policyOf } from '../../daemon/iam-policy.js';
import type { Terminal } from '../terminal.js';
import { resolveRequest, type ResolveRequest } from './resolve-request.js';

export interface IamRequest extends ResolveRequest {
  readonly account: string | undefined;
  readonly region: string | undefined;
  readonly provisioned: boolean;
}

/** @throws DefinitionError, ConfigurationError with every mistake of every consumer at once. */
export async function printPolicy(request: IamRequest, terminal: Terminal): Promise<void> {
  const consumers = await resolveRequest(request, terminal);
  const { account, region, provisioned } = request;
  const policy = policyOf(consumers, { account, region, environmentRegion: terminal.env['AWS_REGION'], provisioned });
  terminal.out(`${JSON.stringify(policy, null, 2)}\n`);
  for (const note of policyNotes(consumers, policy)) terminal.err(`note: ${note}\n`);
}
