/** Brings tables to where a worker can use them: looks at each again and again, and does the next thing that is missing. */
import { MillraceError } from '../errors.js';
import { sleepUntilAborted } from '../runtime/race.js';
import type { ProvisionPorts } from './provision-ports.js';
import { checkTable, createTableInput, tableState, type ProvisionedTable, type TablePlan } from './provision-tables.js';

/** As long as KCL itself would wait. */
const READY_WITHIN_MS = 600_000;
/** A DynamoDB on this machine is ready at once, one in AWS in seconds. */
const POLL_FIRST_MS = 50;
const POLL_MS = 500;
const SAY_EVERY_MS = 10_000;

interface Making {
  readonly plan: TablePlan;
  /** What DynamoDB has not shown yet is not asked for twice. */
  asked: boolean;
  /** KCL turns the lease table's recovery on at every start, that of the others when it creates them. */
  recovery: 'wanted' | 'done';
}

export async function makeTables(tables: readonly ProvisionedTable[], ports: ProvisionPorts): Promise<void> {
  const { clock, say } = ports;
  let pending: readonly Making[] = tables.map(({ plan, outcome }) => ({
    plan,
    asked: false,
    recovery: plan.pointInTimeRecovery && (outcome === 'created' || plan.role === 'leases') ? 'wanted' : 'done',
  }));
  const startedMs = clock.monotonicMs();
  let saidMs = startedMs;
  let pauseMs = POLL_FIRST_MS;
  for (; ; await sleepUntilAborted(clock, pauseMs)) {
    pauseMs = Math.min(pauseMs * 2, POLL_MS);
    const unfinished: Making[] = [];
    for (const making of pending) {
      if (!(await advance(making, ports))) unfinished.push(making);
    }
    if (unfinished.length === 0) return;
    pending = unfinished;
    const names = pending.map(({ plan }) => `"${plan.name}"`).join(', ');
    const waitedMs = clock.monotonicMs() - startedMs;
    if (waitedMs >= READY_WITHIN_MS) throw notReady(names);
    if (clock.monotonicMs() - saidMs < SAY_EVERY_MS) continue;
    saidMs = clock.monotonicMs();
    say(`Waiting for ${names} to become active (${Math.round(waitedMs / 1000)} s).`);
  }
}

/** One step towards a table that is ready; true when none is left. */
async function advance(making: Making, { tables }: ProvisionPorts): Promise<boolean> {
  const { plan } = making;
  const found = await tables.describe(plan.name);
  if (found === undefined) {
    if (!making.asked) await tables.create(createTableInput(plan));
    making.asked = true;
    return false;
  }
  const state = tableState(plan, found);
  if (state.kind === 'unusable') throw wrongTables([`Table "${plan.name}" cannot be used: it is ${state.status}.`]);
  const finding = checkTable(plan, found);
  if (finding.kind === 'wrong')
    throw wrongTables([`Table "${plan.name}" was made by somebody else: ${finding.differences.join('; ')}.`]);
  if (finding.kind === 'indexMissing' && found.TableStatus === 'ACTIVE' && !making.asked) {
    making.asked = true;
    await tables.update(finding.add);
    return false;
  }
  if (state.kind === 'waiting') return false;
  if (making.recovery === 'wanted' && (await tables.enableRecovery(plan.name)) === 'enabled') making.recovery = 'done';
  return making.recovery === 'done';
}

export function wrongTables(problems: readonly string[]): MillraceError {
  return new MillraceError(
    'TABLE_WRONG',
    `${problems.join(' ')} Give the application another name, or its tables (tableName, coordinatorStateTableName, workerMetricsTableName), or take the table away if nothing needs it.`,
    { details: { problems } },
  );
}

function notReady(names: string): MillraceError {
  return new MillraceError(
    'PROVISION_FAILED',
    `DynamoDB has not made ${names} ready within ${READY_WITHIN_MS / 60_000} minutes. Run the command again; it goes on where it stopped.`,
  );
}
