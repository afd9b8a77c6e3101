/** What `bisect` goes by: how a batch is halved, and when the failures of its halves say nothing about their items. */
import type { Item } from './batch-run.js';

/** In order; the left half has the odd one. */
export function halvesOf(items: readonly Item[]): { readonly left: readonly Item[]; readonly right: readonly Item[] } {
  const middle = Math.ceil(items.length / 2);
  return { left: items.slice(0, middle), right: items.slice(middle) };
}

/**
 * The same name, code and message: whoever fails every batch the same way has not looked at the items. A message that
 * names what was wrong with an item differs from item to item.
 */
export function failAlike(left: Error, right: Error): boolean {
  return left.name === right.name && left.message === right.message && codeOf(left) === codeOf(right);
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
}
