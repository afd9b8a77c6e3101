/** What matchers look at: a whole bed, or one of its shards. */
import type { DeliveredRecord, History } from './history.js';

export interface Observed {
  readonly history: History;
  /** Every record delivered so far, in order; redelivered ones once. */
  readonly delivered: readonly DeliveredRecord[];
  /** Undefined for a whole bed. */
  readonly shardId: string | undefined;
}
