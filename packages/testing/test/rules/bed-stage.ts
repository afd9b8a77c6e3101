/**
 * The shards of a bed, with a scripted child in the place of the production runner: in memory, or as a process of its own on
 * the other end of the bed's channel. The daemon's side is the bed's in both.
 */
import type { Clock } from '@millrace/core';
import type { ByteChannel } from '@millrace/core/internal';
import type { BedParts, ShardServer } from '../../src/bed-parts.js';
import { assertEnded, BedShards } from '../../src/bed-shards.js';
import { DeliveredWires } from '../../src/delivered-wires.js';
import { FakeCheckpoints } from '../../src/fake-checkpoints.js';
import { History } from '../../src/history.js';
import { Placement } from '../../src/placement.js';
import { records, type TestRecord } from '../../src/record-builders.js';
import type { TestShard } from '../../src/test-shard.js';
import { VirtualClock } from '../../src/virtual-clock.js';
import type { Note, StoredPosition } from './dialogue.js';
import type { DaemonProperties, Put, Scenario, Seen } from './rule.js';
import type { Stage, StageMove } from './stage.js';

/** How children come to life on this stage. */
export interface Children {
  /** @param session - `A/1`: the first life of shard A's child. */
  open(session: string, channel: ByteChannel): ShardServer;
  release(gate: string): void;
  notes(shard: string): readonly (readonly Note[])[];
  /** Resolves when a child may have done something; rejects when none will. */
  change(): Promise<void>;
  /** Theirs: what they wait for and what the daemon waits for are the same time. */
  readonly clock: Clock;
  /** No child has anything under way. */
  settled(): Promise<void>;
}

export class BedStage implements Stage {
  readonly #children: Children;
  readonly #checkpoints = new FakeCheckpoints();
  readonly #shards: BedShards;
  readonly #unborn: { readonly parents: readonly TestShard[]; readonly name: string }[] = [];
  readonly #waiting = new Map<string, TestRecord[]>();
  readonly #failures: Error[] = [];

  constructor(scenario: Scenario, children: Children) {
    this.#children = children;
    this.#shards = new BedShards(this.#parts(scenario.properties), scenario.shards);
  }

  get worker(): Seen['worker'] {
    return this.#failures.length > 0 ? 'failed' : 'serving';
  }

  notes(shard: string): readonly (readonly Note[])[] {
    return this.#children.notes(shard);
  }

  stored(shard: string): Promise<StoredPosition | 'SHARD_END' | undefined> {
    return Promise.resolve(this.#find(shard)?.stored);
  }

  async change(): Promise<void> {
    if (!this.#openChildren()) await this.#children.change();
  }

  async settled(): Promise<void> {
    do await this.#children.settled();
    while (this.#openChildren());
  }

  async close(): Promise<void> {
    for (const shard of this.#shards.all) await shard.close();
  }

  async perform(move: StageMove): Promise<void> {
    switch (move.kind) {
      case 'deliver':
        return this.#deliver(move.shard, move.records.map(recordOf));
      case 'release':
        return this.#children.release(move.gate);
      case 'refuse':
        return this.#checkpoints.fail(move.error);
      case 'recover':
        return this.#checkpoints.recover();
      case 'loseLease':
        return this.#shards.find(move.shard).loseLease();
      case 'handOver':
        return this.#shards.find(move.shard).requestShutdown();
      case 'split':
        return this.#end([move.shard], [`${move.shard}.1`, `${move.shard}.2`]);
      case 'merge':
        return this.#end([move.shard, move.other], [`${move.shard}+${move.other}`]);
      case 'heartbeat':
        return this.#shards.find(move.shard).heartbeat();
      case 'restart':
        return this.#restart();
      case 'kill':
        return this.#shards.crash();
      default:
        return move satisfies never;
    }
  }

  #deliver(name: string, batch: TestRecord[]): void {
    const shard = this.#find(name);
    if (shard === undefined) this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), ...batch]);
    else shard.deliver(...batch);
  }

  #end(parents: readonly string[], children: readonly string[]): void {
    const ending = parents.map((name) => this.#shards.find(name));
    for (const parent of ending) parent.end();
    for (const name of children) this.#unborn.push({ parents: ending, name });
  }

  async #restart(): Promise<void> {
    const served = this.#shards.all.filter(({ stored }) => stored !== 'SHARD_END');
    for (const shard of served) shard.requestShutdown();
    while (served.some(({ unanswered }) => unanswered !== undefined)) await this.change();
    for (const shard of served) await shard.restart();
  }

  /** As `bed.split` and `bed.merge` do: when the parents have ended, and no earlier. */
  #openChildren(): boolean {
    const due = this.#unborn.filter(({ parents }) => haveEnded(parents));
    for (const child of due) {
      this.#unborn.splice(this.#unborn.indexOf(child), 1);
      const shard = this.#shards.openChild(child.name);
      const waiting = this.#waiting.get(child.name);
      if (waiting !== undefined) shard.deliver(...waiting);
    }
    return due.length > 0;
  }

  #find(name: string): TestShard | undefined {
    return this.#shards.all.find((shard) => shard.name === name);
  }

  #parts(properties: DaemonProperties = {}): BedParts {
    const { timeoutInSeconds, callProcessRecordsEvenForEmptyRecordList, initialPositionInStream } = properties;
    const clock = new VirtualClock();
    const placement = new Placement(() => clock.now());
    return {
      clock,
      history: new History(),
      start: { sequenceNumber: initialPositionInStream ?? 'TRIM_HORIZON', subSequenceNumber: 0 },
      heartbeat: callProcessRecordsEvenForEmptyRecordList === true,
      messageTimeout:
        timeoutInSeconds === undefined ? undefined : { ms: timeoutInSeconds * 1_000, clock: this.#children.clock },
      place: (record) => placement.place(record),
      wires: new DeliveredWires(),
      openRunner: (session, channel) => this.#children.open(session, channel),
      nextCheckpointError: () => this.#checkpoints.next(),
      failed: (error) => {
        this.#failures.push(error);
        this.#shards.cut();
      },
      crash: () => this.#shards.crash(),
      settle: () => Promise.resolve(),
      advanceUntil: async (promise) => void (await promise),
    };
  }
}

function haveEnded(parents: readonly TestShard[]): boolean {
  try {
    assertEnded(parents);
    return true;
  } catch {
    // Its children wait, perhaps for ever.
    return false;
  }
}

function recordOf(put: Put): TestRecord {
  if (typeof put === 'string') return records.text(put, put);
  if ('damaged' in put) return records.corruptDigest(...put.damaged.map((name) => records.text(name, name)));
  return records.rawAggregated(...put.map((name) => records.text(name, name)));
}
