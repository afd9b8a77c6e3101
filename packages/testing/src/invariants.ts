/** The guarantees of Millrace, checked against what happened in a bed. Every bed does this when it is disposed of. */
import { MillraceError, type ConsumerDefinition } from '@millrace/core';
import { checkCoverage, checkIncrease, checkMoments } from './checkpoint-checks.js';
import { checkBytes } from './byte-checks.js';
import { checkNoLateStarts, checkOrder } from './handler-checks.js';
import { HistoryNames } from './history-names.js';
import type { HistoryEntry } from './history.js';
import { checkPurity, checkStatuses } from './protocol-checks.js';
import { timelineLine } from './timeline.js';
import { INVARIANTS, type Violation } from './violation.js';

const LINES_BEFORE = 30;

/** Everything that breaks a guarantee, in the order in which it happened. */
export function checkInvariants(entries: readonly HistoryEntry[], definition: ConsumerDefinition): Violation[] {
  return [
    ...checkCoverage(entries, definition),
    ...checkOrder(entries, definition),
    ...checkNoLateStarts(entries, definition),
    ...checkIncrease(entries),
    ...checkStatuses(entries, definition),
    ...checkPurity(entries),
    ...checkMoments(entries),
    ...checkBytes(entries),
  ].sort((a, b) => a.at - b.at);
}

/** @throws INVARIANT_VIOLATED with the first violation as its message and all of them in `details.violations`. */
export function assertInvariants(entries: readonly HistoryEntry[], definition: ConsumerDefinition): void {
  const violations = checkInvariants(entries, definition);
  const [first] = violations;
  if (first === undefined) return;
  const more = violations.length === 1 ? '' : `\n(and ${violations.length - 1} more, in details.violations)`;
  throw new MillraceError('INVARIANT_VIOLATED', `${formatViolation(first, entries)}${more}`, {
    details: { violations },
  });
}

/** What happened, to which record, the likely cause, and the last 30 lines before it. */
export function formatViolation(violation: Violation, entries: readonly HistoryEntry[]): string {
  const { invariant, what, shardId, cause, at } = violation;
  const names = new HistoryNames(entries);
  const lines = entries
    .slice(Math.max(0, at + 1 - LINES_BEFORE), at + 1)
    .map((entry, index, shown) => `${index === shown.length - 1 ? '>' : ' '} ${timelineLine(entry, names)}`);
  return [
    `${invariant}: ${INVARIANTS[invariant]}.`,
    `But ${names.within(what)} (shard ${names.shard(shardId)}).`,
    `Cause: ${names.within(cause)}.`,
    ...lines,
  ].join('\n');
}
