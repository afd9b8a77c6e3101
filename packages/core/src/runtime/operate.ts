/** What becomes of an operator's wish for a record, of which this session may not even know. */
import type { Holds } from './holds.js';
import { SESSION_ENDING, type Orders, type Wish, type WishAnswer } from './orders.js';
import type { SessionLife } from './session-life.js';

interface Parts {
  readonly life: SessionLife;
  readonly holds: Holds;
  readonly orders: Orders;
}

/** Undefined when the record does not wait here. */
export function operateOn(
  { life, holds, orders }: Parts,
  recordId: string,
  wish: Wish,
): Promise<WishAnswer> | undefined {
  const held = holds.of(recordId);
  if (held === undefined && !orders.has(recordId)) return undefined;
  if (wish === 'find') return Promise.resolve({ kind: 'found' });
  if (!life.accepting)
    return refuse(
      life.inDoubt
        ? 'This worker may not own the shard any more; the next owner decides over the record.'
        : SESSION_ENDING,
    );
  const why = held === undefined ? '' : ` It is held because ${held.why}.`;
  return (
    orders.give(recordId, wish) ??
    refuse(
      `Its handler, its schema or the dead-letter sink is at work with it just now, and nothing may be done beside that. Ask again; what never ends is ended with its process.${why}`,
    )
  );
}

function refuse(text: string): Promise<WishAnswer> {
  return Promise.resolve({ kind: 'refused', text });
}
