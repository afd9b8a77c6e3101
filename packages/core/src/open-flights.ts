/** Where a process writes what is in flight: where the next process after its death finds it. */
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type FlightFolderOptions, openFlightFolder } from './local/flight-folder.js';
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
  return openFlightFolder({ ...placeOf(request), crew, logger });
}

function placeOf({
  applicationName,
  engine,
  checkpointFile,
}: OpenFlightsRequest): Pick<FlightFolderOptions, 'path' | 'within'> {
  if (engine === 'local') return { path: `${checkpointFile}.flights` };
  const name = encodeURIComponent(applicationName);
  // The supervisor outlives its hosts and children, and removes its private folder at its end.
  if (processRole.kind === 'host' || processRole.kind === 'child')
    return { path: join(dirname(processRole.link), 'flights', name) };
  const within = join(tmpdir(), `millrace.flights-${process.getuid?.() ?? 'user'}`);
  return { path: join(within, name), within };
}
