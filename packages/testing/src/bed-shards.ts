/** The shards of a bed: those of the beginning, and children of those that were split or merged. */
import { MillraceError } from '@millrace/core';
import type { BedParts } from './bed-parts.js';
import { TestShard } from './test-shard.js';

/** Where a child begins, whatever the initial position is. */
const BEGINNING = { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 };

const ID_PREFIX = 'shardId-';

export class BedShards {
  readonly #parts: BedParts;
  readonly #all: TestShard[];

  /** @param shards - how many, their names, or shards of another bed, whose leases are taken. */
  constructor(parts: BedParts, shards: number | readonly string[] | readonly TestShard[]) {
    this.#parts = parts;
    this.#all = isTaken(shards)
      ? shards.filter(({ stored }) => stored !== 'SHARD_END').map((shard) => TestShard.taking(parts, shard))
      : shardNames(shards).map(
          (name, index) => new TestShard(parts, { name, shardId: shardIdOf(index), stored: undefined }),
        );
  }

  get all(): readonly TestShard[] {
    return this.#all;
  }

  /** By name, by number, or by id. */
  find(which: string | number): TestShard {
    const found =
      typeof which === 'number'
        ? this.#all[which]
        : this.#all.find((shard) => shard.name === which || shard.shardId === which);
    if (found !== undefined) return found;
    const names = this.#all.map((shard) => shard.name).join(', ');
    throw new MillraceError('TEST_MISUSED', `The bed has no shard ${which}; it has ${names}.`);
  }

  /** The process dies in this very moment. As with the daemon that is the end of the worker, and of all its shards. */
  cut(): void {
    for (const shard of this.#all) if (!shard.over) shard.cut();
  }

  /** The next process, from what is stored. @returns whether there was anything to start */
  async revive(): Promise<boolean> {
    const crashed = this.#all.filter((shard) => shard.crashed && shard.stored !== 'SHARD_END');
    for (const shard of crashed) await shard.restart();
    return crashed.length > 0;
  }

  async crash(): Promise<void> {
    this.cut();
    await this.revive();
  }

  openChild(name: string): TestShard {
    const child = new TestShard(
      { ...this.#parts, start: BEGINNING },
      { name, shardId: this.#nextId(), stored: undefined },
    );
    this.#all.push(child);
    return child;
  }

  /** Behind all others: of a bed that took over, not every number is taken. */
  #nextId(): string {
    const numbers = this.#all.map(({ shardId }) => Number(shardId.slice(ID_PREFIX.length)));
    return shardIdOf(Math.max(...numbers) + 1);
  }
}

/** Parents first: a child starts when every one of them has ended. */
export function assertEnded(parents: readonly TestShard[]): void {
  const open = parents.find(({ stored }) => stored !== 'SHARD_END');
  if (open === undefined) return;
  const why = open.status.held === undefined ? '' : `: it is held because ${open.status.held.why}`;
  throw new MillraceError(
    'TEST_MISUSED',
    `Shard ${open.name} has not ended, so KCL starts none of its children${why}. Let it end first, or look at it with shard.end() and bed.idle().`,
  );
}

function isTaken(shards: number | readonly string[] | readonly TestShard[]): shards is readonly TestShard[] {
  return typeof shards !== 'number' && shards[0] instanceof TestShard;
}

function shardNames(shards: number | readonly string[]): readonly string[] {
  const names = typeof shards === 'number' ? Array.from({ length: shards }, (_, index) => String(index)) : shards;
  if (names.length > 0 && new Set(names).size === names.length) return names;
  throw new MillraceError('TEST_MISUSED', 'A bed wants at least one shard, and names that differ.');
}

function shardIdOf(index: number): string {
  return `${ID_PREFIX}${String(index).padStart(12, '0')}`;
}
