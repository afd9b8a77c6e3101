/** The order in which parked records run again: shard by shard, by position, as they came the first time. Pure. */
import type { Position } from '../protocol/messages.js';
import { comparePositions } from '../protocol/position.js';

export interface Placed extends Position {
  readonly shardId: string;
  /** Of its entry. */
  readonly bytes: number;
}

/** So much is read ahead of the handlers, and runs again when the command is killed. */
const GROUP_RECORDS_MAX = 100;
const GROUP_BYTES_MAX = 4 * 1024 * 1024;

export function inOrder<T extends Placed>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => compareText(a.shardId, b.shardId) || comparePositions(a, b));
}

/** Each group is of one shard, with rising positions. */
export function grouped<T extends Placed>(items: readonly T[]): T[][] {
  const groups: T[][] = [];
  let group: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const last = group.at(-1);
    const follows = last !== undefined && last.shardId === item.shardId && comparePositions(last, item) < 0;
    if (!follows || group.length >= GROUP_RECORDS_MAX || bytes + item.bytes > GROUP_BYTES_MAX) {
      group = [];
      bytes = 0;
      groups.push(group);
    }
    group.push(item);
    bytes += item.bytes;
  }
  return groups;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
