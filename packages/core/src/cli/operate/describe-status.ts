/** The status of a consumer as text. */
import type { HeldRecord, ShardStatus } from '../../runtime/shard-status.js';
import type { ConsumerHealth, WorkerPhase } from '../../runtime/worker-health.js';
import { formatCheckpoint, formatDuration } from '../dev/format-values.js';

export type ConsumerStatus = ConsumerHealth & { readonly pid: number; readonly phase: WorkerPhase };

export function describeConsumer({ applicationName, stream, pid, phase, daemon, shards }: ConsumerStatus): string {
  const of = daemon === undefined ? '' : `, daemon ${daemon.state}`;
  const head = `${applicationName} on stream ${stream}: process ${pid}, ${phase}${of}`;
  const known = shards.filter(({ shardId }) => shardId !== undefined);
  if (known.length === 0) return `${head}\n  no shards`;
  const rows = known
    .toSorted((left, right) => (left.shardId ?? '').localeCompare(right.shardId ?? ''))
    .map((shard) => [shardLine(shard), ...heldLines(shard)].join('\n'));
  return [head, ...rows].join('\n');
}

function shardLine(shard: ShardStatus): string {
  const { shardId, state, millisBehindLatest, unsettled, checkpoint, checkpointError, settled } = shard;
  const facts = [
    `lag ${formatDuration(millisBehindLatest)}`,
    `${settled.handled} handled`,
    ...(['parked', 'skipped', 'filtered'] as const).flatMap((how) =>
      settled[how] > 0 ? [`${settled[how]} ${how}`] : [],
    ),
    `${unsettled} unsettled`,
    `checkpoint ${formatCheckpoint(checkpoint)}`,
    ...(checkpointError === undefined ? [] : [`not written: ${checkpointError}`]),
  ];
  return `  ${shardId ?? ''}  ${state}  ${facts.join(', ')}`;
}

function heldLines({ heldRecords, heldCount }: ShardStatus): string[] {
  const more = heldCount - heldRecords.length;
  return [...heldRecords.map(heldText), ...(more > 0 ? [`    and ${more} more are held`] : [])];
}

function heldText({ recordId, why, heldMs, ageMs, attempts, error }: HeldRecord): string {
  const age = ageMs === undefined ? '' : `, ${formatDuration(ageMs)} old`;
  const tried = attempts === 1 ? 'after 1 attempt' : `after ${attempts} attempts`;
  const what = recordId === undefined ? 'the shard' : `${recordId} ${tried}${age}`;
  return [
    `    held for ${formatDuration(heldMs)}: ${what}`,
    `      ${why}`,
    `      ${error.name}: ${error.message.split('\n')[0] ?? ''}`,
  ].join('\n');
}
