/** `millrace dead-letter drop`: removes parked records without running them. */
import { MillraceError } from '../../errors.js';
import { EXIT_CODES, type ExitCode } from '../../exit-codes.js';
import { drop } from '../../replay/drop.js';
import type { Terminal } from '../terminal.js';
import { closeSources, openSources, type SourceRequest } from './choose-sources.js';
import { entryLines, entrySummary } from './describe-entry.js';
import { isEmpty, matches, type EntryFilter } from './entry-filter.js';
import { withInterrupts } from './interrupts.js';

export interface DropRequest extends SourceRequest {
  readonly filter: EntryFilter;
  readonly limit: number | undefined;
  readonly all: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

/** @throws MillraceError INPUT_INVALID without `--yes`, or without a filter or `--all`. */
export async function dropParked(request: DropRequest, terminal: Terminal): Promise<ExitCode> {
  const { filter, limit, json } = request;
  refuseCareless(request);
  const sources = await openSources(request, terminal);
  try {
    return await withInterrupts(async (interrupted) => {
      let dropped = 0;
      for (const source of sources) {
        const left = limit === undefined ? undefined : limit - dropped;
        if (left === 0 || interrupted.aborted) break;
        const onDropped = (item: Parameters<typeof entryLines>[0]): void => {
          dropped += 1;
          terminal.out(json ? `${JSON.stringify({ dropped: entrySummary(item) })}\n` : entryLines(item));
        };
        await drop({ source, limit: left, interrupted, onDropped, wants: (entry) => matches(filter, entry) });
      }
      if (!json) terminal.out(`Dropped ${dropped} ${dropped === 1 ? 'record' : 'records'}.\n`);
      return interrupted.aborted ? EXIT_CODES.forcedByInterrupt : EXIT_CODES.ok;
    });
  } finally {
    await closeSources(sources);
  }
}

function refuseCareless({ filter, all, yes }: DropRequest): void {
  if (isEmpty(filter) && !all)
    throw new MillraceError('INPUT_INVALID', 'Say which records to drop: give a filter such as --id, or --all.');
  if (!yes)
    throw new MillraceError(
      'INPUT_INVALID',
      'Dropped records are gone for good. Look with `ls` and the same filters, then give --yes.',
    );
}
