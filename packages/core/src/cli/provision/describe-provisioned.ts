/** What `millrace provision` did, for people and for programs. Pure. */
import type { ResolvedConsumer } from '../../config/resolved.js';
import { propertyOf } from '../../daemon/effective-property.js';
import type { Provisioned, ProvisionedLeases } from '../../daemon/provision.js';
import type { ProvisionedTable } from '../../daemon/provision-tables.js';

export interface ProvisionedFacts {
  readonly consumer: ResolvedConsumer;
  readonly done: Provisioned;
  readonly dryRun: boolean;
}

export function describeProvisioned({ consumer, done, dryRun }: ProvisionedFacts): string {
  const lines = done.tables.flatMap((table) => [
    `  ${tableLine(table, dryRun)}`,
    ...table.notes.map((note) => `    note: ${note}`),
  ]);
  if (done.leases !== undefined) lines.push(`  ${leasesLine(done.leases, { consumer, dryRun })}`);
  const where = propertyOf(consumer, 'dynamoDBEndpoint') ?? 'AWS';
  return `${[`${consumer.applicationName} at ${where}${dryRun ? ' (dry run, nothing was done)' : ''}:`, ...lines].join('\n')}\n`;
}

function tableLine({ plan, outcome }: ProvisionedTable, dryRun: boolean): string {
  const { name, index } = plan;
  switch (outcome) {
    case 'created': {
      const billing = plan.billing.kind === 'onDemand' ? 'on demand' : 'provisioned capacity';
      const extent = index === undefined ? billing : `${billing}, index ${index.name}`;
      return `${dryRun ? 'would create' : 'created'} table ${name} (${extent})`;
    }
    case 'indexAdded':
      return `${dryRun ? 'would add' : 'added'} index ${index?.name ?? ''} to table ${name}`;
    case 'exists':
      return `found table ${name}`;
    default:
      return outcome satisfies never;
  }
}

function leasesLine(
  { outcome, shardIds }: ProvisionedLeases,
  { consumer, dryRun }: { readonly consumer: ResolvedConsumer; readonly dryRun: boolean },
): string {
  switch (outcome) {
    case 'written': {
      const count = `${shardIds.length} ${shardIds.length === 1 ? 'lease' : 'leases'}`;
      const position = consumer.settings.initialPosition.kind;
      return `${dryRun ? 'would write' : 'wrote'} ${count} of stream ${consumer.stream} at ${position}`;
    }
    case 'kept':
      return 'found leases: the table is not empty, so none was written';
    default:
      return outcome satisfies never;
  }
}

/** The same as plain data. */
export function summarizeProvisioned({ consumer, done, dryRun }: ProvisionedFacts) {
  return {
    applicationName: consumer.applicationName,
    stream: consumer.stream,
    dryRun,
    tables: done.tables.map(({ plan, outcome, notes }) => ({ name: plan.name, outcome, notes })),
    leases: done.leases ?? null,
  };
}
