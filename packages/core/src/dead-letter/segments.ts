/**
 * The files of a directory of parked records, and which of their entries are gone.
 *
 * G1 A segment is written by one process, and by that one only. Its name ends in `.open.jsonl` while that goes on.
 * G2 An entry is taken out by a line in the segment's list of what is gone, never by a change of the segment. The line
 *    names the place and the id of the entry: one that was torn by a crash takes out nothing.
 */
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError, toError } from '../errors.js';

export const OPEN_END = '.open.jsonl';
export const CLOSED_END = '.jsonl';
const GONE_END = '.gone';
const SEGMENT = /^parked-.+\.jsonl$/;

const LINE_FEED = 0x0a;

export interface Segment {
  /** The same while it is written and afterwards: `parked-7-0f3a-1`. */
  readonly name: string;
  readonly path: string;
  readonly closed: boolean;
}

export interface SegmentLine {
  /** Counted from 1, for people. */
  readonly line: number;
  /** Where it begins, in bytes. */
  readonly offset: number;
  readonly bytes: number;
  /** Undefined for an unfinished last one. */
  readonly text: string | undefined;
}

/** By id, where the entries are that were taken out: `<offset> <id>`. */
export type Gone = ReadonlySet<string>;

/** In the order of their names. @throws MillraceError SINK_FAILED when the directory cannot be read. */
export async function segmentsOf(directory: string): Promise<readonly Segment[]> {
  const names = await readdir(directory).catch((cause: unknown) => {
    throw unreadable(directory, cause);
  });
  return names
    .filter((name) => SEGMENT.test(name))
    .toSorted()
    .map((file) => {
      const closed = !file.endsWith(OPEN_END);
      return { name: file.slice(0, -(closed ? CLOSED_END : OPEN_END).length), path: join(directory, file), closed };
    });
}

/** Nothing for a segment that was removed meanwhile: then all of its entries are gone. */
export async function* linesOf({ path, closed }: Segment): AsyncGenerator<SegmentLine, void> {
  let pieces: Buffer[] = [];
  let line = 1;
  let offset = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
        const bytes = Buffer.concat([...pieces, chunk.subarray(start, end)]);
        yield { line, offset, bytes: bytes.length, text: bytes.toString('utf8') };
        pieces = [];
        line += 1;
        offset += bytes.length + 1;
        start = end + 1;
      }
      if (start < chunk.length) pieces.push(chunk.subarray(start));
    }
  } catch (cause) {
    if (!isMissing(cause)) throw unreadable(path, cause);
    const renamed = `${path.slice(0, -OPEN_END.length)}${CLOSED_END}`;
    if (!closed) yield* linesOf({ name: '', path: renamed, closed: true });
    return;
  }
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (bytes > 0) yield { line, offset, bytes, text: undefined };
}

export function goneFile(directory: string, segment: Pick<Segment, 'name'>): string {
  return join(directory, `${segment.name}${GONE_END}`);
}

export function goneKey(offset: number, id: string): string {
  return `${offset} ${id}`;
}

export async function readGone(directory: string, segment: Pick<Segment, 'name'>): Promise<Gone> {
  const path = goneFile(directory, segment);
  try {
    const text = await readFile(path, 'utf8');
    // What follows the last line feed is no whole line.
    return new Set(text.split('\n').slice(0, -1));
  } catch (cause) {
    if (isMissing(cause)) return new Set();
    throw unreadable(path, cause);
  }
}

/** The names of segments that a list of what is gone belongs to. */
export async function namesWithGone(directory: string): Promise<readonly string[]> {
  return (await readdir(directory))
    .filter((name) => name.endsWith(GONE_END))
    .map((name) => name.slice(0, -GONE_END.length));
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function unreadable(path: string, cause: unknown): MillraceError {
  return new MillraceError('SINK_FAILED', `The parked records in ${path} cannot be read: ${toError(cause).message}.`, {
    cause,
  });
}
