/** Reads back what the file sink parked, from every file of a directory. */
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError, toError } from '../errors.js';
import type { DeadLetterEntry } from '../ports.js';
import { LineSplitter } from '../protocol/line-splitter.js';
import { parseEntry } from './entry-text.js';
import { PARKED_FILE } from './file-sink.js';

/** A line that holds no whole entry: a write was cut off by a crash or an error, and its record was not taken for parked. */
export interface TornLine {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/** Records are at most 10 MiB, a third more as base64; the causes stand beside them. */
const LINE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * The parked entries of a directory, file by file in the order of their names, each file in the order of writing. The
 * same record may come twice: compare `id`. Torn lines are skipped and told to `onTorn`.
 *
 * @throws MillraceError with code SINK_FAILED when the directory or a file cannot be read.
 */
export async function* readParked(
  directory: string,
  onTorn: (torn: TornLine) => void = () => undefined,
): AsyncGenerator<DeadLetterEntry, void> {
  for (const name of await filesOf(directory)) {
    const file = join(directory, name);
    let line = 0;
    for await (const text of linesOf(file)) {
      line += 1;
      const entry = text === undefined ? undefined : parseEntry(text);
      if (entry === undefined) onTorn({ file, line });
      else yield entry;
    }
  }
}

/** The lines of a file; undefined for an unfinished last one. */
async function* linesOf(file: string): AsyncGenerator<string | undefined, void> {
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  try {
    for await (const chunk of createReadStream(file)) {
      for (const line of splitter.push(chunk as Buffer))
        yield Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8');
    }
  } catch (cause) {
    throw unreadable(file, cause);
  }
  if (splitter.end() > 0) yield undefined;
}

async function filesOf(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => PARKED_FILE.test(name)).toSorted();
  } catch (cause) {
    throw unreadable(directory, cause);
  }
}

function unreadable(path: string, cause: unknown): MillraceError {
  return new MillraceError('SINK_FAILED', `The parked records in ${path} cannot be read: ${toError(cause).message}.`, {
    cause,
  });
}
