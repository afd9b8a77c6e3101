/**
 * The files in which sessions write what is in flight: a folder for each application, a file for each session. Nothing is
 * flushed: what has to survive is the death of a process, not of the machine. Whatever goes wrong here is logged and costs
 * the attribution of a crash, never a record.
 */
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { toError } from '../errors.js';
import { flightLineOffset, formatFlightLine, parseFlightFile, type FlightEntry } from '../policy/flight-lines.js';
import type { Life } from '../policy/suspects.js';
import type { Logger } from '../ports.js';
import type { Crew } from '../runtime/crew.js';
import type { FlightLog, FlightRecorder } from '../runtime/flights.js';
import { startTickOf } from './process-birth.js';

export interface FlightFolderOptions {
  readonly path: string;
  /** A folder above it that has to be ours alone as well: whoever may write there may say which records do not run. */
  readonly within?: string | undefined;
  readonly crew: Crew;
  readonly logger: Logger;
}

const OWN_TICK = startTickOf(process.pid);
let filesOpened = 0;

/** Undefined, and a word in the log, where no such folder can be made or somebody else has it. */
export function openFlightFolder({ path, within, crew, logger }: FlightFolderOptions): FlightRecorder | undefined {
  try {
    makePlace({ path, within });
    // A worker that never gets a shard leaves nothing.
    removeEmpty({ path, within });
  } catch (error) {
    logger.warn(
      { path, err: toError(error) },
      'What is in flight cannot be written down here, so a record that ends the process again and again is not told from others. Nothing else depends on it.',
    );
    return undefined;
  }
  return { crew, open: (shardId) => openSession({ path, within, shardId, logger }) };
}

type Place = Pick<FlightFolderOptions, 'path' | 'within'>;

/** @throws when it cannot be made, is a link, or belongs to somebody else. */
function makePlace({ path, within }: Place): void {
  if (within !== undefined) makeOwn(within);
  makeOwn(path);
}

/** What nobody needs any more is not left lying about. */
function removeEmpty({ path, within }: Place): void {
  try {
    rmdirSync(path);
    if (within !== undefined) rmdirSync(within);
  } catch {
    // Something is in it still: of another session, or for the next one.
  }
}

function makeOwn(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = lstatSync(path);
  if (!found.isDirectory()) throw new Error(`${path} is no folder`);
  if (process.getuid === undefined) return;
  if (found.uid !== process.getuid() || (found.mode & 0o022) !== 0) throw new Error(`others may write in ${path}`);
}

interface SessionPlace extends Place {
  readonly shardId: string;
  readonly logger: Logger;
}

function openSession(place: SessionPlace): ReturnType<FlightRecorder['open']> {
  try {
    makePlace(place);
    const left = leftBy(place);
    const lives = left.flatMap((file) => readLife(join(place.path, file), place.logger) ?? []);
    filesOpened += 1;
    const name = `${encodeURIComponent(place.shardId)}.${process.pid}.${OWN_TICK ?? 0}.${filesOpened}`;
    return { lives, log: new FlightFile({ ...place, name, left }) };
  } catch (error) {
    place.logger.warn({ err: toError(error) }, 'What is in flight on this shard cannot be written down.');
    return { lives: [], log: NO_LOG };
  }
}

/** The files of sessions of this shard whose process is dead. */
function leftBy({ path, shardId }: SessionPlace): readonly string[] {
  const prefix = `${encodeURIComponent(shardId)}.`;
  return readdirSync(path).filter((name) => {
    if (!name.startsWith(prefix)) return false;
    const [pid = '', tick = ''] = name.slice(prefix.length).split('.');
    return !isAlive(Number(pid), tick);
  });
}

function isAlive(pid: number, tick: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  if (OWN_TICK !== undefined) return startTickOf(pid) === tick;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Of somebody else, and so not one of ours that is dead.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function readLife(file: string, logger: Logger): Life | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    logger.debug({ file, err: toError(error) }, 'Another session has taken over what was in flight.');
    return undefined;
  }
  const life = parseFlightFile(text);
  if (life === undefined)
    logger.warn({ file }, 'A file of what was in flight cannot be read; it is ignored and removed.');
  return life;
}

interface FlightFileOptions extends SessionPlace {
  readonly name: string;
  /** Files that it takes the place of. */
  readonly left: readonly string[];
}

class FlightFile implements FlightLog {
  readonly #options: FlightFileOptions;
  readonly #file: string;
  #descriptor: number | undefined;

  constructor(options: FlightFileOptions) {
    this.#options = options;
    this.#file = join(options.path, options.name);
    this.#descriptor = openSync(this.#file, 'wx', 0o600);
  }

  write(line: number, entry: FlightEntry): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    try {
      const bytes = formatFlightLine(entry);
      writeSync(descriptor, bytes, 0, bytes.length, flightLineOffset(line));
    } catch (error) {
      this.#failed(error);
    }
  }

  takenOver(): void {
    for (const name of this.#options.left) this.#remove(join(this.#options.path, name));
  }

  close(keep: boolean): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    if (keep) return;
    this.#remove(this.#file);
    removeEmpty(this.#options);
  }

  #remove(file: string): void {
    try {
      unlinkSync(file);
    } catch (error) {
      // Another session of the shard may have taken it over at the same moment, or the folder went with its supervisor.
      this.#options.logger.debug({ file, err: toError(error) }, 'A file of what was in flight was not there any more.');
    }
  }

  /** A full disk, for example; half a story would blame the wrong record. */
  #failed(error: unknown): void {
    this.#options.logger.warn(
      { err: toError(error) },
      'What is in flight on this shard cannot be written down any more.',
    );
    this.close(false);
  }
}

const NO_LOG: FlightLog = {
  write: () => undefined,
  takenOver: () => undefined,
  close: () => undefined,
};
