/** Whether a worker runs: its lock in the coordinator table says who, and only watching it says whether still. */
import { MillraceError } from '../errors.js';
import { sleepUntilAborted } from '../runtime/race.js';
import type { LeaderRow, ProvisionPorts } from './provision-ports.js';

/** The leader writes its row every 30 seconds; one that stood still for longer belongs to nobody. */
const STILL_FOR_MS = 35_000;
const POLL_MS = 1_000;

/** @throws MillraceError LEASES_REFUSED when the leader's row changes before our eyes. */
export async function refuseWhileLed(table: string, { tables, clock, say }: ProvisionPorts): Promise<void> {
  const first = await tables.readLeader(table);
  if (first === undefined || first.released) return;
  say(`"${first.owner}" leads the application, or did: watching its row for ${STILL_FOR_MS / 1000} s.`);
  const startedMs = clock.monotonicMs();
  while (clock.monotonicMs() - startedMs < STILL_FOR_MS) {
    await sleepUntilAborted(clock, POLL_MS);
    const row = await tables.readLeader(table);
    if (row === undefined || row.released) return;
    if (row.version !== first.version || row.owner !== first.owner) throw led(table, row);
  }
}

function led(table: string, { owner }: LeaderRow): MillraceError {
  return new MillraceError(
    'LEASES_REFUSED',
    `Worker "${owner}" runs: it has just renewed its row in "${table}". It writes the leases itself. To write them here, stop all workers of the application first.`,
    { details: { table, owner } },
  );
}
