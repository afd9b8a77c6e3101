/** Leases are not written while a worker runs: it would write them itself, at the same moment. */
import { MillraceError } from '../errors.js';
import { STILL_FOR_MS, watchLeader } from './leader-watch.js';
import type { LeaderRow, ProvisionPorts } from './provision-ports.js';

/** @throws MillraceError LEASES_REFUSED when the leader's row changes before our eyes. */
export async function refuseWhileLed(table: string, { tables, clock, say }: ProvisionPorts): Promise<void> {
  const read = (): Promise<LeaderRow | undefined> => tables.readLeader(table);
  const first = await read();
  if (first === undefined || first.released) return;
  say(`"${first.owner}" leads the application, or did: watching its row for ${STILL_FOR_MS / 1000} s.`);
  const watched = await watchLeader(first, read, { clock });
  if (watched.kind === 'moved') throw led(table, watched.row);
}

function led(table: string, { owner }: LeaderRow): MillraceError {
  return new MillraceError(
    'LEASES_REFUSED',
    `Worker "${owner}" runs: it has just renewed its row in "${table}". It writes the leases itself. To write them here, stop all workers of the application first.`,
    { details: { table, owner } },
  );
}
