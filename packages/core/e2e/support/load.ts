/** A steady stream of records, and what the ledger says about a worker that is disturbed while it comes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { coveredBefore, type LeaseRow, type LedgerEntry } from './ledger.js';
import { until } from './until.js';
import type { World } from './world.js';

export interface LoadOptions {
  /** @defaultValue 10 */
  readonly records?: number;
  /** @defaultValue 300 */
  readonly everyMs?: number;
  /** What the fixture does with each record besides. */
  readonly more?: Readonly<Record<string, unknown>>;
}

const KEYS = 32;

/** Puts records until it is stopped. Their ids end in a number that grows, their keys come round. */
export class Load {
  /** When the call that put a record was answered, by the payload's id. */
  readonly putAt = new Map<string, number>();
  private next = 0;
  private going = true;
  private readonly done: Promise<void>;

  constructor(
    private readonly world: World,
    private readonly options: LoadOptions = {},
  ) {
    this.done = this.go();
    // Told by stop(); until then it is no rejection that nobody awaits.
    this.done.catch(() => undefined);
  }

  /** Rejects when a record could not be put. */
  async stop(): Promise<void> {
    this.going = false;
    await this.done;
  }

  private async go(): Promise<void> {
    const { records = 10, everyMs = 300, more } = this.options;
    while (this.going) {
      const batch = Array.from({ length: records }, () => {
        this.next += 1;
        return { id: `load-${this.next}`, key: `key-${this.next % KEYS}`, ...(more === undefined ? {} : { more }) };
      });
      await this.world.put(batch);
      const now = Date.now();
      for (const { id } of batch) this.putAt.set(id, now);
      await sleep(everyMs);
    }
  }
}

/**
 * Resolves when every shard has handled a record that was put after `at`; how long after `at` the last shard did.
 *
 * @param shards - how many have to be there.
 */
export async function untilMoving(
  { world, load }: { readonly world: World; readonly load: Load },
  { at, shards, withinMs = 90_000 }: { readonly at: number; readonly shards: number; readonly withinMs?: number },
): Promise<number> {
  const firsts = await until(
    `records put after the disturbance, from ${shards} shards`,
    () => {
      const found = new Map<string, number>();
      for (const { shardId, payload, at: handledAt } of world.handled())
        if ((load.putAt.get(payload) ?? 0) > at && !found.has(shardId)) found.set(shardId, handledAt);
      return found.size >= shards && [...found.values()];
    },
    { withinMs, last: () => world.describe() },
  );
  return Math.max(...firsts) - at;
}

/**
 * What the sessions that began after `at` handled again, and what they may have: handled by the sessions before, which outlive
 * the disturbance for a moment, and not covered by the checkpoints. What those handle again themselves comes from an earlier
 * disturbance and counts for neither.
 */
export function duplicatesSince(
  at: number,
  { entries, durable }: { readonly entries: readonly LedgerEntry[]; readonly durable: readonly LeaseRow[] },
): { readonly again: readonly LedgerEntry[]; readonly allowed: number; readonly forbidden: readonly string[] } {
  const old = new Set(entries.filter((entry) => entry.at <= at).map(({ life }) => life));
  const seen = new Set<string>();
  const again: LedgerEntry[] = [];
  const before: LedgerEntry[] = [];
  for (const entry of entries) {
    if (!old.has(entry.life) && seen.has(entry.id)) again.push(entry);
    if (old.has(entry.life) && !seen.has(entry.id)) before.push(entry);
    seen.add(entry.id);
  }
  const allowed = before.length - coveredBefore(durable, before).length;
  return { again, allowed, forbidden: coveredBefore(durable, again) };
}

/** Resolves when the checkpoint of every lease has moved on, twice: a worker in full swing. */
export async function untilCheckpointing(world: World): Promise<void> {
  for (const round of [1, 2]) {
    const before = new Map((await world.leases()).map(({ shardId, checkpoint }) => [shardId, checkpoint]));
    await until(`checkpoints to move, round ${round}`, async () =>
      (await world.leases()).every(({ shardId, checkpoint }) => before.get(shardId) !== checkpoint),
    );
  }
}

/** The longest time between put and handled, in ms; a record's first time counts. */
export function longestLag(load: Load, entries: readonly LedgerEntry[]): number {
  const seen = new Set<string>();
  let longest = 0;
  for (const { payload, at } of entries) {
    const put = load.putAt.get(payload);
    if (put === undefined || seen.has(payload)) continue;
    seen.add(payload);
    longest = Math.max(longest, at - put);
  }
  return longest;
}
