/**
 * Makes what an application needs in DynamoDB before its first worker starts: three tables and, if asked, the first leases.
 * Running it again changes nothing. What cannot go well is found before anything is made: the shards are listed and the
 * existing tables are checked first.
 */
import type { ResolvedConsumer } from '../config/resolved.js';
import { MillraceError } from '../errors.js';
import { sleepUntilAborted } from '../runtime/race.js';
import { refuseWhileLed } from './provision-leader.js';
import { LEASES_MAX, planLeases, shardFilterOf, type LeasePlan } from './provision-leases.js';
import { makeTables, wrongTables } from './provision-make.js';
import type { ProvisionPorts } from './provision-ports.js';
import { checkTable, planTables, type ProvisionedTable, type TablePlan } from './provision-tables.js';

export interface ProvisionRequest {
  /** Write the first leases too. */
  readonly leases: boolean;
  /** Whose the leases are from the start; only where no other worker is. Without it they are assigned. */
  readonly leaseOwner?: string | undefined;
  /** Read, say what would be done, and do nothing. */
  readonly dryRun: boolean;
}

export interface Provisioned {
  readonly tables: readonly ProvisionedTable[];
  /** Undefined when leases were not asked for. */
  readonly leases: ProvisionedLeases | undefined;
}

export interface ProvisionedLeases {
  /** `kept` when the table has leases already. */
  readonly outcome: 'written' | 'kept';
  /** Of the leases that were written. */
  readonly shardIds: readonly string[];
}

/**
 * @throws MillraceError TABLE_WRONG when a table exists that is not KCL's, LEASES_REFUSED when the leases cannot be written
 * whole or a worker runs, STREAM_NOT_FOUND, CREDENTIALS_MISSING, ENDPOINT_UNREACHABLE, PROVISION_FAILED.
 */
export async function provision(
  consumer: ResolvedConsumer,
  request: ProvisionRequest,
  ports: ProvisionPorts,
): Promise<Provisioned> {
  const plans = planTables(consumer);
  const leases = request.leases ? await listLeases(consumer, ports, request.leaseOwner) : undefined;
  const tables = await checkTables(plans, ports);
  if (!request.dryRun) await makeTables(tables, ports);
  if (leases === undefined) return { tables, leases: undefined };
  const [leaseTable, coordinatorTable] = plans;
  const missing = request.dryRun && tables[0]?.outcome === 'created';
  if (!missing && !(await ports.tables.isEmpty(leaseTable.name)))
    return { tables, leases: { outcome: 'kept', shardIds: [] } };
  if (!request.dryRun) {
    await refuseWhileLed(coordinatorTable.name, ports);
    await writeLeases(leaseTable.name, leases, ports);
  }
  return { tables, leases: { outcome: 'written', shardIds: leases.shardIds } };
}

type WholeLeases = LeasePlan & { readonly kind: 'leases' };

/** As often as KCL looks again at a stream that changes while it is listed. */
const LISTINGS_MAX = 3;
const LISTING_PAUSE_MS = 1_000;

async function listLeases(
  { stream, settings }: ResolvedConsumer,
  ports: ProvisionPorts,
  owner: string | undefined,
): Promise<WholeLeases> {
  const { initialPosition } = settings;
  for (let listing = 1; ; listing += 1) {
    const plan = planLeases(await ports.listShards(shardFilterOf(initialPosition)), initialPosition, owner);
    if (plan.kind === 'leases') return plan;
    if (plan.kind === 'tooMany') throw tooMany(stream, plan.shards);
    if (listing === LISTINGS_MAX) throw incomplete(stream, plan.reason);
    await sleepUntilAborted(ports.clock, LISTING_PAUSE_MS);
  }
}

function tooMany(stream: string, shards: number): MillraceError {
  return new MillraceError(
    'LEASES_REFUSED',
    `Stream "${stream}" has ${shards} shards, and DynamoDB writes ${LEASES_MAX} rows at most in one transaction. In several, a worker could take a part of the leases for all of them. Leave out --leases: the first worker writes them.`,
    { details: { stream, shards, max: LEASES_MAX } },
  );
}

function incomplete(stream: string, reason: string): MillraceError {
  return new MillraceError(
    'LEASES_REFUSED',
    `The shards of stream "${stream}" do not cover every hash key exactly once: ${reason}. Run the command again when the stream is ACTIVE, or leave out --leases: the first worker writes them.`,
    { details: { stream, reason } },
  );
}

/** All tables before any is made, and everything that is wrong at once. */
async function checkTables(
  plans: readonly TablePlan[],
  { tables }: ProvisionPorts,
): Promise<readonly ProvisionedTable[]> {
  const problems: string[] = [];
  const checked: ProvisionedTable[] = [];
  for (const plan of plans) {
    const found = await tables.describe(plan.name);
    const finding = found === undefined ? undefined : checkTable(plan, found);
    switch (finding?.kind) {
      case undefined:
        checked.push({ plan, outcome: 'created', notes: [] });
        break;
      case 'fits':
        checked.push({ plan, outcome: 'exists', notes: finding.notes });
        break;
      case 'indexMissing':
        checked.push({ plan, outcome: 'indexAdded', notes: finding.notes });
        break;
      case 'wrong':
        problems.push(`Table "${plan.name}" is not what KCL needs: ${finding.differences.join('; ')}.`);
        break;
      default:
        finding satisfies never;
    }
  }
  if (problems.length > 0) throw wrongTables(problems);
  return checked;
}

async function writeLeases(table: string, { rows }: WholeLeases, { tables }: ProvisionPorts): Promise<void> {
  const outcome = await tables.writeLeases(table, rows);
  if (outcome === 'written') return;
  throw new MillraceError(
    'LEASES_REFUSED',
    `A worker wrote leases into table "${table}" at the same moment, so none was written here. There is nothing to mend: the application has its leases.`,
    { details: { table } },
  );
}
