/** One line for a shard that moved, where there is no terminal to draw a table in. */
import { formatCheckpoint, formatDuration, formatRate, formatShard } from './format-values.js';
import { rateOf, type LiveView, type ShardRow } from './live-view.js';

/** Rows whose counts or checkpoint differ from what was told before; an idle shard says nothing. */
export function changedRows(told: LiveView, now: LiveView): readonly ShardRow[] {
  return [...now].flatMap(([key, row]) => {
    const before = told.get(key);
    const moved = before?.totals !== row.totals || before.checkpoint !== row.checkpoint;
    const empty = before === undefined && row.samples.length === 0 && row.checkpoint === undefined;
    return moved && !empty ? [row] : [];
  });
}

export function summaryLine(row: ShardRow, now: number): string {
  const { handled, parked, skipped, filtered, deduplicated, retries } = row.totals;
  const counts = [
    `${handled} handled`,
    ...(parked > 0 ? [`${parked} parked`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(filtered > 0 ? [`${filtered} filtered`] : []),
    ...(deduplicated > 0 ? [`${deduplicated} deduplicated`] : []),
    ...(retries > 0 ? [`${retries} retries`] : []),
    `${formatRate(rateOf(row, now))} records/s`,
    `lag ${formatDuration(row.millisBehindLatest)}`,
    `checkpoint ${formatCheckpoint(row.checkpoint)}`,
  ];
  return `${row.application} ${formatShard(row.shardId)}: ${counts.join(', ')}`;
}
