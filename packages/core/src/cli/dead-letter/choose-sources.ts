/** Where a command looks for parked records: where its options say, else where the sinks of a module's consumers park. */
import { resolve } from 'node:path';
import { s3 } from '../../dead-letter/s3-sink.js';
import { describedSinks } from '../../definition/described-sinks.js';
import type { ParkedPlace } from '../../definition/parked-place.js';
import { MillraceError } from '../../errors.js';
import { systemClock } from '../../process-ports.js';
import { openParkedSource } from '../../replay/open-source.js';
import type { ParkedSource } from '../../replay/parked-source.js';
import { readDefinitions } from '../../resolve-consumers.js';
import { redirectStdout } from '../../transport/stdout-guard.js';
import { loadConsumers } from '../load-consumers.js';
import type { Terminal } from '../terminal.js';

export interface PlaceFlags {
  readonly directory?: string;
  readonly s3?: string;
  readonly sqs?: string;
  readonly region?: string;
  readonly endpoint?: string;
}

export interface SourceRequest {
  readonly module: string | undefined;
  readonly consumer: string | undefined;
  readonly places: PlaceFlags;
}

/** @throws MillraceError INPUT_INVALID when neither says where; MODULE_NOT_LOADED, DEPENDENCY_MISSING, REPLAY_FAILED. */
export async function openSources(request: SourceRequest, terminal: Terminal): Promise<readonly ParkedSource[]> {
  const named = namedPlaces(request.places, terminal.cwd);
  const places = named.length > 0 ? named : await placesOfModule(request, terminal);
  const ports = {
    clock: systemClock,
    note: (text: string): void => terminal.err(`note: ${text}\n`),
  };
  const distinct = new Map(places.map((place) => [JSON.stringify(place), place]));
  return Promise.all([...distinct.values()].map((place) => openParkedSource(place, ports)));
}

export async function closeSources(sources: readonly ParkedSource[]): Promise<void> {
  await Promise.all(sources.map((source) => source.close()));
}

function namedPlaces(flags: PlaceFlags, cwd: string): readonly ParkedPlace[] {
  const { directory, s3: bucketAndPrefix, sqs: queueUrl, region, endpoint } = flags;
  const connection = { region, endpoint };
  const places: ParkedPlace[] = [];
  if (directory !== undefined) places.push({ kind: 'file', directory: resolve(cwd, directory) });
  if (bucketAndPrefix !== undefined) {
    const [bucket = '', ...prefix] = bucketAndPrefix.replace(/^s3:\/\//, '').split('/');
    places.push({ ...s3({ bucket, prefix: prefix.join('/') }).place, ...connection });
  }
  if (queueUrl !== undefined) places.push({ kind: 'sqs', queueUrl, ...connection, overflow: undefined });
  return places;
}

async function placesOfModule(
  { module, consumer }: SourceRequest,
  terminal: Terminal,
): Promise<readonly ParkedPlace[]> {
  if (module === undefined)
    throw new MillraceError(
      'INPUT_INVALID',
      'Say where records are parked: give the module of the consumer, or --directory, --s3 or --sqs.',
    );
  // Standard output is for what was asked for alone, whatever the module prints while it is imported.
  const guard = redirectStdout();
  const { consumers } = await loadConsumers({ module, cwd: terminal.cwd, consumer }).finally(() => guard.restore());
  const sinks = readDefinitions(consumers).flatMap((definition) => [...describedSinks(definition)]);
  const places = sinks.flatMap(({ place, label }) => {
    if (place !== undefined && place.kind !== 'kinesis') return [inFolder(place, terminal.cwd)];
    terminal.err(`note: what goes to "${label}" is only written; it cannot be read back here.\n`);
    return [];
  });
  if (places.length > 0) return places;
  throw new MillraceError(
    'REPLAY_FAILED',
    `No consumer of ${module} describes a sink that can be read back. For one behind an injection token, give --directory, --s3 or --sqs.`,
  );
}

/** As the worker would resolve it, started in this folder. */
function inFolder(place: ParkedPlace, cwd: string): ParkedPlace {
  return place.kind === 'file' ? { ...place, directory: resolve(cwd, place.directory) } : place;
}
