/** Positions, times and shards as short as a table needs them. */
import type { PositionData } from '../../events.js';

const TAIL_DIGITS = 8;

/** The end of a sequence number tells positions of a shard apart: `…41259778`, `…41259778:3` inside an aggregate. */
export function formatCheckpoint(checkpoint: PositionData | 'SHARD_END' | undefined): string {
  if (checkpoint === undefined) return '-';
  if (checkpoint === 'SHARD_END') return 'shard end';
  const { sequenceNumber, subSequenceNumber } = checkpoint;
  const tail = sequenceNumber.length > TAIL_DIGITS + 1 ? `…${sequenceNumber.slice(-TAIL_DIGITS)}` : sequenceNumber;
  return subSequenceNumber === 0 ? tail : `${tail}:${subSequenceNumber}`;
}

/** `shardId-000000000003` gives `shardId-…0003`. */
export function formatShard(shardId: string): string {
  return shardId.replace(/^shardId-0{6}0*(\d{4})$/, 'shardId-…$1');
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export function formatDuration(durationMs: number | undefined): string {
  if (durationMs === undefined) return '-';
  if (durationMs < SECOND_MS) return `${Math.round(durationMs)} ms`;
  if (durationMs < MINUTE_MS) return `${(durationMs / SECOND_MS).toFixed(1)} s`;
  if (durationMs < HOUR_MS) return `${Math.floor(durationMs / MINUTE_MS)} min`;
  return `${(durationMs / HOUR_MS).toFixed(1)} h`;
}

export function formatRate(perSecond: number): string {
  return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}
