/** The shards of a scenario under the daemon, and what is still to come of them. */
import { MillraceError, type PositionData } from '@millrace/core';
import { comparePositions } from '@millrace/core/internal';
import type { StreamShard } from './daemon-stream.js';
import type { PlacedRecord, StageShard } from './runtime-stage.js';
import type { ToldSession } from './told-sessions.js';

export interface DaemonShard {
  readonly name: string;
  readonly place: StreamShard;
  readonly placed: PlacedRecord[];
  /** The daemon's last word, once something has been done that leads to it. */
  leaving: 'leaseLost' | 'shardEnded' | undefined;
}

export class DaemonShards {
  readonly #all: DaemonShard[];
  /** Names of sessions whose process was killed. */
  #past: ReadonlySet<string> = new Set();

  /** @param names - as many as places. */
  constructor(names: readonly string[], places: readonly StreamShard[]) {
    this.#all = [];
    places.forEach((place, index) => this.add(names[index] ?? String(index), place));
  }

  add(name: string, place: StreamShard): void {
    this.#all.push({ name, place, placed: [], leaving: undefined });
  }

  /** @throws TEST_MISUSED where there is none, or something cannot happen to it any more. */
  served(name: string | undefined): DaemonShard {
    const found = name === undefined ? this.#all[0] : this.#all.find((shard) => shard.name === name);
    const names = this.#all.map((shard) => shard.name).join(', ');
    if (found === undefined)
      throw new MillraceError('TEST_MISUSED', `The scenario has no shard ${name ?? '0'}; it has ${names}.`);
    if (found.leaving !== undefined)
      throw new MillraceError('TEST_MISUSED', `The worker does not have shard ${found.name} any more.`);
    return found;
  }

  /** The process that had these was killed. */
  forget(sessions: readonly ToldSession[]): void {
    this.#past = new Set(sessions.map(({ name }) => name));
  }

  /** What has not come yet; undefined when nothing is under way. */
  awaited(sessions: readonly ToldSession[]): string | undefined {
    for (const shard of this.#all) {
      const of = sessions.filter(({ shardId }) => shardId === shard.place.shardId);
      const what = shard.leaving === undefined ? this.#awaitedOf(shard, of) : goodbyeOf(shard.leaving, of);
      if (what !== undefined) return `${what} on shard ${shard.name}`;
    }
    return undefined;
  }

  seen(sessions: readonly ToldSession[]): readonly StageShard[] {
    return this.#all.map(({ name, place: { shardId } }) => {
      const of = sessions.filter((session) => session.shardId === shardId);
      return {
        name,
        shardId,
        delivered: of.flatMap(({ delivered }) => delivered),
        stored: of.flatMap(({ stored }) => stored),
      };
    });
  }

  #awaitedOf({ placed }: DaemonShard, sessions: readonly ToldSession[]): string | undefined {
    const current = sessions.findLast(({ name, hasEnded }) => !hasEnded && !this.#past.has(name));
    if (current === undefined) return 'a session';
    if (!current.isAnswered) return `the answer to ${current.actions.at(-1) ?? 'initialize'}`;
    const last = placed.toSorted(comparePositions).at(-1);
    if (last === undefined || current.delivered.includes(last.id)) return undefined;
    return isCovered(last, sessions) ? undefined : `the delivery of ${last.id}`;
  }
}

function goodbyeOf(word: 'leaseLost' | 'shardEnded', sessions: readonly ToldSession[]): string | undefined {
  // A worker that was killed before it was told is not told any more.
  const last = sessions.at(-1);
  const isSaid = last?.hasEnded === true || (last?.actions.at(-1) === word && last.isAnswered);
  return isSaid ? undefined : `the answer to ${word}`;
}

function isCovered(record: PositionData, sessions: readonly ToldSession[]): boolean {
  const stored = sessions.flatMap((session) => session.stored).at(-1);
  if (stored === undefined) return false;
  return stored === 'SHARD_END' || comparePositions(record, stored) <= 0;
}
