/** The live view of a terminal as text. */
import Table from 'cli-table3';
import { formatCheckpoint, formatDuration, formatRate, formatShard } from './format-values.js';
import { rateOf, sumTotals, type LiveView, type RowState, type ShardRow } from './live-view.js';

export interface TableOptions {
  readonly now: number;
  readonly columns: number;
  /** What a state looks like: colours in a terminal, nothing in tests and with NO_COLOR. */
  readonly paint: (state: RowState, text: string) => string;
}

const HEAD = ['shard', 'state', 'records/s', 'lag', 'checkpoint', 'retries', 'parked'];
const HELD_SHOWN = 3;
/** Lines as wide as the terminal would break in two. */
const MARGIN = 1;

export function formatTable(view: LiveView, options: TableOptions): string {
  const rows = [...view.values()];
  const several = new Set(rows.map((row) => row.application)).size > 1;
  const table = new Table({
    head: several ? ['application', ...HEAD] : HEAD,
    colAligns: [...(several ? (['left'] as const) : []), 'left', 'left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: BORDERLESS,
  });
  for (const row of rows) table.push([...(several ? [row.application] : []), ...cells(row, options)]);
  const width = options.columns - MARGIN;
  return [table.toString(), ...rows.flatMap(heldLine).slice(0, HELD_SHOWN), footer(view)]
    .flatMap((block) => block.split('\n'))
    .map((line) => clip(line, width))
    .join('\n');
}

const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
};

function cells(row: ShardRow, { now, paint }: TableOptions): string[] {
  return [
    formatShard(row.shardId),
    paint(row.state, row.state),
    formatRate(rateOf(row, now)),
    formatDuration(row.millisBehindLatest),
    formatCheckpoint(row.checkpoint),
    String(row.totals.retries),
    String(row.totals.parked),
  ];
}

function heldLine({ held, shardId }: ShardRow): string[] {
  if (held === undefined) return [];
  const where = held.recordId === undefined ? formatShard(shardId) : held.recordId;
  return [`held: ${where}: ${held.why} (${held.error.message.split('\n')[0] ?? ''})`];
}

function footer(view: LiveView): string {
  const { handled, parked, skipped, filtered, retries } = sumTotals(view);
  const parts = [
    `${handled} handled`,
    `${parked} parked`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(filtered > 0 ? [`${filtered} filtered`] : []),
    `${retries} retries`,
  ];
  return `${parts.join(', ')} since the start; Ctrl-C ends`;
}

/** By characters; escape sequences stand in the state column only, far from the right edge. */
function clip(line: string, width: number): string {
  const visible = line.replaceAll(/\u001B\[[0-9;]*m/g, '');
  return visible.length <= width || visible !== line ? line.trimEnd() : `${line.slice(0, Math.max(1, width - 1))}…`;
}
