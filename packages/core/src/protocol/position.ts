/** Positions in a shard: decimal sequence numbers of any length, compared as numbers without ever becoming one. */
import type { CheckpointTarget, Position } from './messages.js';

const ZERO = 0x30;
const NINE = 0x39;

/** True for decimal digits only: `TRIM_HORIZON`, `LATEST`, `SHARD_END`, signs and the empty string are no sequence numbers. */
export function isSequenceNumber(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code < ZERO || code > NINE) return false;
  }
  return value.length > 0;
}

/** A position the daemon can store: a decimal sequence number and a whole, exact, non-negative sub-sequence number. */
export function isPosition(position: Position): boolean {
  return (
    isSequenceNumber(position.sequenceNumber) &&
    Number.isSafeInteger(position.subSequenceNumber) &&
    position.subSequenceNumber >= 0
  );
}

/** The position of these two wire values; undefined for a sentinel or a null, which name no place between records. */
export function parsePosition(sequenceNumber: string | undefined, subSequenceNumber: number): Position | undefined {
  if (sequenceNumber === undefined) return undefined;
  const position = { sequenceNumber, subSequenceNumber };
  return isPosition(position) ? position : undefined;
}

/** Negative when `a` comes before `b`, 0 when they are the same number (leading zeros do not count), positive after. */
export function compareSequenceNumbers(a: string, b: string): number {
  if (a === b) return 0;
  const left = withoutLeadingZeros(a);
  const right = withoutLeadingZeros(b);
  if (left.length !== right.length) return left.length - right.length;
  // Of equally many digits, the order of the text is the order of the numbers.
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** As compareSequenceNumbers, and by sub-sequence number within one KPL aggregate. */
export function comparePositions(a: Position, b: Position): number {
  return compareSequenceNumbers(a.sequenceNumber, b.sequenceNumber) || a.subSequenceNumber - b.subSequenceNumber;
}

/** As comparePositions; the end of the shard comes after every position. */
export function compareTargets(a: CheckpointTarget, b: CheckpointTarget): number {
  if (a === 'SHARD_END') return b === 'SHARD_END' ? 0 : 1;
  return b === 'SHARD_END' ? -1 : comparePositions(a, b);
}

function withoutLeadingZeros(value: string): string {
  if (value.charCodeAt(0) !== ZERO) return value;
  let at = 0;
  while (at < value.length - 1 && value.charCodeAt(at) === ZERO) at += 1;
  return value.slice(at);
}
