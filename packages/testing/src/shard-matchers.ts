/** What tests expect of the progress of shards. */
import { MillraceError, type PositionData } from '@millrace/core';
import { comparePositions } from '@millrace/core/internal';
import { checkCoverage } from './checkpoint-checks.js';
import { HistoryNames } from './history-names.js';
import type { DeliveredRecord, HistoryEntry } from './history.js';
import type { MatchResult } from './matchers.js';
import type { Observed } from './observed.js';
import { factsOf } from './record-state.js';

type Target = PositionData | 'SHARD_END';

/** The latest stored checkpoint is exactly at this record; `'SHARD_END'`: the shard, or every shard of the bed, is stored as ended. */
export function toHaveCheckpointed(observed: Observed, at: DeliveredRecord | 'SHARD_END'): MatchResult {
  const { entries } = observed.history;
  const names = new HistoryNames(entries);
  const shardIds = at === 'SHARD_END' ? shardsOf(observed) : [at.shardId];
  const wanted = (shardId: string): string => names.target(shardId, at);
  const failing = shardIds.filter((shardId) => !isAt(lastStored(entries, shardId), at));
  const pass = failing.length === 0;
  const message = (): string =>
    (pass ? shardIds : failing)
      .map((shardId) => {
        const stored = lastStored(entries, shardId);
        const where = stored === undefined ? 'nothing was stored yet' : `it is at ${names.target(shardId, stored)}`;
        return `Expected the checkpoint of shard ${names.shard(shardId)} ${pass ? 'not ' : ''}to be at ${wanted(shardId)}, but ${where}.`;
      })
      .join('\n');
  return { pass, message };
}

/** A record or a hook holds the shard, or one shard of the bed: it waits, and its progress stands still. */
export function toBeHeld(observed: Observed): MatchResult {
  const { entries } = observed.history;
  const held = new Map<string, string>();
  for (const entry of entries) {
    if (entry.kind !== 'event' || !inScope(observed, entry.shardId)) continue;
    if (entry.event.kind === 'held')
      held.set(entry.sessionId, `${entry.event.recordId ?? 'the session'} is held because ${entry.event.why}`);
    if (entry.event.kind === 'released' || entry.event.kind === 'sessionEnded') held.delete(entry.sessionId);
  }
  const message = (): string => {
    const names = new HistoryNames(entries);
    const what = observed.shardId === undefined ? 'a shard of the bed' : `shard ${names.shard(observed.shardId)}`;
    if (held.size === 0) return `Expected ${what} to be held, but nothing is held.`;
    return `Expected ${what} not to be held, but ${[...held.values()].map((why) => names.within(why)).join('; ')}.`;
  };
  return { pass: held.size > 0, message };
}

/**
 * Nothing that was delivered is lost: every record is settled, or lies behind the last stored checkpoint and so comes again;
 * and no checkpoint ever covered a record that was not settled then.
 */
export function toHaveLostNothing(observed: Observed): MatchResult {
  const { delivered, history } = observed;
  const records = delivered.filter(({ shardId }) => inScope(observed, shardId));
  if (records.length === 0)
    throw new MillraceError('TEST_MISUSED', 'Nothing was delivered, so nothing can be lost: deliver records first.');
  const { entries } = history;
  const names = new HistoryNames(entries);
  const lost = records.flatMap((record) => lossOf(record, entries, names));
  // Declarations count as proof here: how the consumer was declared is not known, and the bed checks that at its end.
  const covered = checkCoverage(entries, { checkpoint: { kind: 'manual' } })
    .filter(({ shardId }) => inScope(observed, shardId))
    .map(({ what }) => names.within(what));
  const problems = [...new Set([...lost, ...covered])];
  const message = (): string =>
    problems.length === 0
      ? `Expected something to be lost, but all ${records.length} records are settled or will come again.`
      : `Expected nothing to be lost, but ${problems.join('; ')}.`;
  return { pass: problems.length === 0, message };
}

function lossOf(record: DeliveredRecord, entries: readonly HistoryEntry[], names: HistoryNames): string[] {
  const stored = lastStored(entries, record.shardId);
  if (stored === undefined || (stored !== 'SHARD_END' && comparePositions(record, stored) > 0)) return [];
  const { settled, state } = factsOf(record.id, entries);
  if (settled.length > 0) return [];
  const again = state.startsWith('it was abandoned') || state.startsWith('its session ended');
  const hint = again ? ' (a daemon delivers it again to the next session: redeliver it, too)' : '';
  return [`${names.record(record.id)} lies before the stored checkpoint and ${state}${hint}`];
}

function lastStored(entries: readonly HistoryEntry[], shardId: string): Target | undefined {
  const last = entries.findLast((entry) => entry.kind === 'stored' && entry.shardId === shardId);
  return last?.kind === 'stored' ? last.target : undefined;
}

function isAt(stored: Target | undefined, at: Target): boolean {
  if (stored === undefined) return false;
  if (stored === 'SHARD_END' || at === 'SHARD_END') return stored === at;
  return comparePositions(stored, at) === 0;
}

function shardsOf(observed: Observed): readonly string[] {
  if (observed.shardId !== undefined) return [observed.shardId];
  const { entries } = observed.history;
  return [...new Set(entries.flatMap((entry) => (entry.kind === 'daemonSent' ? [entry.shardId] : [])))];
}

function inScope({ shardId }: Observed, of: string): boolean {
  return shardId === undefined || shardId === of;
}
