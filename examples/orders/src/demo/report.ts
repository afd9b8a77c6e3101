/** The result as people read it. Pure. */
import type { DeadLetterEntry } from '@millrace/core';
import type { Mail } from '../mailer.js';
import type { Comparison } from './compare.js';
import type { Checkpoints } from './progress.js';

export interface Findings {
  readonly put: number;
  readonly comparison: Comparison;
  readonly deadLetters: readonly DeadLetterEntry[];
  readonly shards: readonly ShardFindings[];
  readonly checkpoints: Checkpoints;
  readonly mails: readonly Mail[];
}

export interface ShardFindings {
  readonly shardId: string;
  readonly parentShardId: string | undefined;
  /** In the stream. */
  readonly records: number;
}

const LISTED_MAX = 10;

export function report(findings: Findings): string {
  const { put, comparison, deadLetters } = findings;
  const { stream, handled, parked, missing, duplicates, unknown } = comparison;
  return [
    '',
    'Shards',
    ...findings.shards.map((shard) => `  ${shardLine(shard, findings)}`),
    '',
    'Orders',
    `  put           ${put}`,
    `  in the stream ${stream}`,
    `  handled       ${handled}`,
    `  parked        ${parked}`,
    ...deadLetters.flatMap(deadLetterLines),
    `  missing       ${missing.length}`,
    ...listed(missing),
    `  duplicates    ${duplicates.length}`,
    ...listed(duplicates),
    ...(unknown.length === 0 ? [] : [`  unknown       ${unknown.length}`, ...listed(unknown)]),
    '',
  ].join('\n');
}

function shardLine({ shardId, parentShardId, records }: ShardFindings, { checkpoints, mails }: Findings): string {
  const reached = checkpoints[shardId];
  const closing = mails.find((mail) => mail.kind === 'shardClosed' && mail.shardId === shardId);
  const state = closing?.kind === 'shardClosed' ? `ended, @OnShardEnd ran (${closing.confirmed} confirmed)` : 'open';
  const child = parentShardId === undefined ? '' : `, child of ${parentShardId}`;
  const position = typeof reached === 'object' ? `...${reached.sequenceNumber.slice(-12)}` : (reached ?? 'none');
  return `${shardId}  ${String(records).padStart(5)} records  checkpoint ${position.padEnd(15)}  ${state}${child}`;
}

function deadLetterLines({ id, attempts, causes: [cause] }: DeadLetterEntry): readonly string[] {
  const [first = '', ...more] = `${cause?.code ?? cause?.name ?? 'unknown'}: ${cause?.message ?? ''}`.split('\n');
  // The handler does not see what cannot be decoded or does not fit the schema.
  const tries = attempts === 0 ? 'before its handler ran' : `after ${attempts} attempts`;
  return [`    ${id}, ${tries}`, ...[first, ...more].map((line) => `      ${line}`)];
}

function listed(ids: readonly string[]): readonly string[] {
  const more = ids.length > LISTED_MAX ? [`    and ${ids.length - LISTED_MAX} more`] : [];
  return [...ids.slice(0, LISTED_MAX).map((id) => `    ${id}`), ...more];
}
