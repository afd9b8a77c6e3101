/** Where a process writes what is in flight: where the next process after its death finds it. */
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openFlightFolder } from './local/flight-folder.js';
import type { Logger } from './ports.js';
import { processRole } from './process-role.js';
import type { Crew } from './runtime/crew.js';
import type { FlightRecorder } from './runtime/flights.js';
import type { Engine } from './worker-options.js';

export interface OpenFlightsRequest {
  readonly applicationName: string;
  readonly engine: Engine;
  /** Of the local engine. */
  readonly checkpointFile: string;
  readonly crew: Crew;
  readonly logger: Logger;
}

export function openFlights(request: OpenFlightsRequest): FlightRecorder | undefined {
  const { crew, logger } = request;
  return openFlightFolder({ path: folderOf(request), crew, logger });
}

function folderOf({ applicationName, engine, checkpointFile }: OpenFlightsRequest): string {
  if (engine === 'local') return `${checkpointFile}.flights`;
  const name = encodeURIComponent(applicationName);
  // The supervisor outlives its hosts and children, and removes its private folder at its end.
  if (processRole.kind !== 'first') return join(dirname(processRole.link), 'flights', name);
  return join(tmpdir(), `millrace.flights-${process.getuid?.() ?? 'user'}`, name);
}
