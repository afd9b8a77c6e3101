/** `millrace dead-letter ls` and `show`: they change nothing. */
import { MillraceError } from '../../errors.js';
import type { ParkedItem, ParkedSource } from '../../replay/parked-source.js';
import type { Terminal } from '../terminal.js';
import { closeSources, openSources, type SourceRequest } from './choose-sources.js';
import { entryDetails, entryJson, entryLines, entrySummary } from './describe-entry.js';
import { matches, type EntryFilter } from './entry-filter.js';

export interface ListRequest extends SourceRequest {
  readonly filter: EntryFilter;
  readonly limit: number | undefined;
  readonly json: boolean;
}

const NEVER = new AbortController().signal;

/** @throws MillraceError as `openSources` does, and when a place cannot be read. */
export async function listParked(request: ListRequest, terminal: Terminal): Promise<void> {
  const sources = await openSources(request, terminal);
  try {
    let left = request.limit ?? Number.POSITIVE_INFINITY;
    for (const source of sources) {
      const shown = await listSource(source, { ...request, limit: left }, terminal);
      left -= shown;
    }
  } finally {
    await closeSources(sources);
  }
}

async function listSource(
  source: ParkedSource,
  { filter, limit, json }: ListRequest & { readonly limit: number },
  terminal: Terminal,
): Promise<number> {
  let shown = 0;
  let others = 0;
  for await (const item of source.look(NEVER)) {
    if (!matches(filter, item.entry) || shown >= limit) {
      others += 1;
      continue;
    }
    shown += 1;
    terminal.out(json ? `${JSON.stringify(entrySummary(item))}\n` : entryLines(item));
  }
  if (!json) terminal.out(summaryOf(source, shown, others));
  return shown;
}

function summaryOf({ label, view }: ParkedSource, shown: number, others: number): string {
  const count = `${shown} parked ${shown === 1 ? 'record' : 'records'} in ${label}`;
  const rest = others === 0 ? '' : `, and ${others} more that ${others === 1 ? 'is' : 'are'} not shown`;
  const sample =
    view === 'sample' ? ' This is what the queue gave just now, in no order; all of it was given back.' : '';
  return `${count}${rest}.${sample}\n`;
}

export interface ShowRequest extends SourceRequest {
  readonly id: string;
  readonly json: boolean;
}

/** @throws MillraceError INPUT_INVALID when there is no such record. */
export async function showParked(request: ShowRequest, terminal: Terminal): Promise<void> {
  const sources = await openSources(request, terminal);
  try {
    for (const source of sources) {
      const item = await find(source, request.id);
      if (item === undefined) continue;
      terminal.out(request.json ? entryJson(item) : entryDetails(item));
      return;
    }
  } finally {
    await closeSources(sources);
  }
  const sampled = sources.some(({ view }) => view === 'sample') ? ' A queue shows only a sample: try again.' : '';
  throw new MillraceError('INPUT_INVALID', `No record ${request.id} is parked there.${sampled}`);
}

async function find(source: ParkedSource, id: string): Promise<ParkedItem | undefined> {
  let found: ParkedItem | undefined;
  // To the end: the last one tells most recently why it failed.
  for await (const item of source.look(NEVER)) if (item.entry.id === id) found = item;
  return found;
}
