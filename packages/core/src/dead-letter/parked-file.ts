/** Reads back what the file sink parked, from every file of a directory. */
import type { DeadLetterEntry } from '../ports.js';
import { parseEntry } from './entry-text.js';
import { goneKey, linesOf, readGone, segmentsOf, type Segment, type SegmentLine } from './segments.js';

/** A line that holds no whole entry: a write was cut off by a crash or an error, and its record was not taken for parked. */
export interface TornLine {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

export interface PlacedEntry {
  readonly entry: DeadLetterEntry;
  readonly segment: Segment;
  readonly line: SegmentLine;
}

/**
 * The parked entries of a directory, file by file in the order of their names, each file in the order of writing. The
 * same record may come twice: compare `id`. What was replayed or dropped does not come. Torn lines are skipped and told
 * to `onTorn`.
 *
 * @throws MillraceError with code SINK_FAILED when the directory or a file cannot be read.
 */
export async function* readParked(
  directory: string,
  onTorn: (torn: TornLine) => void = () => undefined,
): AsyncGenerator<DeadLetterEntry, void> {
  for await (const { entry } of readPlaced(directory, onTorn)) yield entry;
}

/** As `readParked`, with where each entry stands. */
export async function* readPlaced(
  directory: string,
  onTorn: (torn: TornLine) => void,
): AsyncGenerator<PlacedEntry, void> {
  for (const segment of await segmentsOf(directory)) {
    const gone = await readGone(directory, segment);
    for await (const line of linesOf(segment)) {
      const entry = line.text === undefined ? undefined : parseEntry(line.text);
      if (entry === undefined) onTorn({ file: segment.path, line: line.line });
      else if (!gone.has(goneKey(line.offset, entry.id))) yield { entry, segment, line };
    }
  }
}
