/** `eachRuntime`: one scenario, as data, on a bed in memory and on the program itself, whose daemon is played. */
import { MillraceError } from '@millrace/core';
import type { DeliveredRecord, History } from './history.js';
import { openMemoryStage } from './memory-stage.js';
import { openProcessStage } from './process-stage.js';
import type {
  RuntimeMove,
  RuntimeName,
  RuntimeScenario,
  RuntimeSeen,
  RuntimeSubject,
  SeenShard,
} from './runtime-scenario.js';
import type { RuntimeStage, SettledRecord } from './runtime-stage.js';
import type { TestShard } from './test-shard.js';

/** One of the runtimes, given to the function that defines the tests. */
export interface Runtime {
  /** For the names of tests. */
  readonly name: RuntimeName;
  /**
   * Plays the scenario and stops the worker.
   *
   * @throws MillraceError TEST_MISUSED for a name that the scenario does not have; on `memory` what a bed throws; on
   * `process` PROTOCOL_VIOLATION or TRANSPORT_FAILED, with the end of what the program said, when it fails, and TEST_NOT_IDLE
   * when it does not answer in time.
   */
  play(subject: RuntimeSubject, scenario: RuntimeScenario): Promise<RuntimeSeen>;
}

/**
 * Calls `define` for each of the runtimes: a test in it is defined once and run on all of them.
 *
 * @param names - in the order of the tests.
 */
export function eachRuntime(names: readonly RuntimeName[], define: (runtime: Runtime) => void): void {
  for (const name of names) define({ name, play: (subject, scenario) => play(name, subject, scenario) });
}

async function play(name: RuntimeName, subject: RuntimeSubject, scenario: RuntimeScenario): Promise<RuntimeSeen> {
  const shards = scenario.shards ?? ['A'];
  const stage = name === 'memory' ? await openMemoryStage(subject, shards) : await openProcessStage(subject, shards);
  const names = new Map<string, string>();
  try {
    await stage.quiet();
    for (const move of scenario.moves) {
      for (const [record, recordName] of await perform(stage, move, scenario.records)) names.set(record.id, recordName);
      await stage.quiet();
    }
    return tell(stage, await stage.stop(), names);
  } catch (error) {
    await stage.abandon();
    throw error;
  }
}

type Named = readonly (readonly [DeliveredRecord, string])[];

async function perform(stage: RuntimeStage, move: RuntimeMove, all: RuntimeScenario['records']): Promise<Named> {
  switch (move.kind) {
    case 'deliver':
      return deliver(stage.shard(move.shard ?? 0), move.records, all);
    case 'refuse':
      stage.checkpoints.fail(move.error, move.times === undefined ? {} : { times: move.times });
      return [];
    case 'recover':
      stage.checkpoints.recover();
      return [];
    case 'loseLease':
      stage.shard(move.shard ?? 0).loseLease();
      return [];
    case 'requestShutdown':
      stage.shard(move.shard ?? 0).requestShutdown();
      return [];
    case 'split':
      await stage.split(move.shard ?? 0);
      return [];
    case 'crash':
      await stage.crash();
      return [];
    default:
      return move satisfies never;
  }
}

function deliver(shard: TestShard, names: readonly string[], all: RuntimeScenario['records']): Named {
  const batch = names.map((name) => {
    const record = all[name];
    if (record !== undefined) return record;
    throw new MillraceError(
      'TEST_MISUSED',
      `The scenario has no record ${name}; it has ${Object.keys(all).join(', ')}.`,
    );
  });
  const delivered: readonly DeliveredRecord[] = shard.deliver(...batch);
  // Each record of the batch has a sequence number of its own, which its user records share.
  const numbers = [...new Set(delivered.map(({ sequenceNumber }) => sequenceNumber))];
  return delivered.map((record) => {
    const name = names[numbers.indexOf(record.sequenceNumber)] ?? '';
    const parts = delivered.filter(({ sequenceNumber }) => sequenceNumber === record.sequenceNumber).length;
    return [record, parts === 1 ? name : `${name}/${record.subSequenceNumber}`];
  });
}

function tell(
  { shards, history }: RuntimeStage,
  settled: readonly SettledRecord[],
  names: ReadonlyMap<string, string>,
): RuntimeSeen {
  const nameOf = (id: string): string => names.get(id) ?? id;
  const tellShard = (shard: TestShard): SeenShard => {
    const delivered = deliveriesTo(history, shard.shardId).map(nameOf);
    return {
      delivered,
      redelivered: [...new Set(delivered.filter((name, index) => delivered.indexOf(name) < index))],
      settled: settled
        .filter(({ recordId }) => recordId.startsWith(`${shard.shardId}:`))
        .map(({ recordId, how }) => [nameOf(recordId), how]),
      checkpoints: history
        .stored(shard.shardId)
        .map((at) => (at === 'SHARD_END' ? at : nameOf(idOf(shard.shardId, at)))),
    };
  };
  return { shards: Object.fromEntries(shards.map((shard) => [shard.name, tellShard(shard)])) };
}

function deliveriesTo(history: History, shardId: string): readonly string[] {
  return history.entries.flatMap((entry) => {
    if (entry.kind !== 'daemonSent' || entry.shardId !== shardId || entry.message.kind !== 'processRecords') return [];
    return entry.message.records.map((record) => idOf(shardId, record));
  });
}

function idOf(shardId: string, at: { readonly sequenceNumber: string; readonly subSequenceNumber: number }): string {
  return `${shardId}:${at.sequenceNumber}:${at.subSequenceNumber}`;
}
