/** `millrace provision`: the tables of the consumers of a module, made or printed. */
import { planTables } from '../../daemon/provision-tables.js';
import { renderTemplate, type TemplateKind } from '../../daemon/provision-templates.js';
import type { Terminal } from '../terminal.js';
import { describeProvisioned, summarizeProvisioned } from './describe-provisioned.js';
import { provisionConsumer } from './provision-consumer.js';
import { resolveRequest, type ResolveRequest } from './resolve-request.js';

export interface ProvisionTablesRequest extends ResolveRequest {
  readonly leases: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/**
 * One consumer after the other; what was done for the first is said before the second is tried.
 *
 * @throws DefinitionError, ConfigurationError before anything is called; else as `provision` does.
 */
export async function provisionTables(request: ProvisionTablesRequest, terminal: Terminal): Promise<void> {
  const consumers = await resolveRequest(request, terminal);
  const { env } = terminal;
  const say = (line: string): void => terminal.err(`${line}\n`);
  const summaries: unknown[] = [];
  for (const consumer of consumers) {
    const done = await provisionConsumer(consumer, request, { env, say });
    const facts = { consumer, done, dryRun: request.dryRun };
    if (request.json) summaries.push(summarizeProvisioned(facts));
    else terminal.out(describeProvisioned(facts));
  }
  if (request.json) terminal.out(`${JSON.stringify(summaries, null, 2)}\n`);
}

/** @throws DefinitionError, ConfigurationError; AWS is not called. */
export async function printTemplate(
  { kind, ...request }: ResolveRequest & { readonly kind: TemplateKind },
  terminal: Terminal,
): Promise<void> {
  const consumers = await resolveRequest(request, terminal);
  terminal.out(
    renderTemplate(
      kind,
      consumers.map((consumer) => ({ applicationName: consumer.applicationName, tables: planTables(consumer) })),
    ),
  );
}
