/** Plays on a bed what a daemon once did to a worker, as a transcript has it. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DeliveredRecord } from './history.js';
import { records, type SingleRecord, type TestRecord } from './record-builders.js';
import type { TestBed } from './test-bed.js';
import type { TestShard } from './test-shard.js';
import { transcriptSteps, type CheckpointPlace, type RecordedRecord, type TranscriptStep } from './transcript-steps.js';

export interface ReplayTranscriptOptions {
  /**
   * The payload of a record: bytes as they are, anything else as JSON. It is asked once for each record, in order.
   *
   * @defaultValue the bytes of the transcript, which are zeros
   */
  readonly payloadFor?: (record: RecordedRecord) => unknown;
  /** The shard of the bed that it is played on. @defaultValue the first */
  readonly shard?: string | number;
}

export interface ReplayedTranscript {
  /** What was delivered, by the position in the transcript: `sequenceNumber:subSequenceNumber`. */
  readonly records: ReadonlyMap<string, DeliveredRecord>;
  /** Where the last checkpoint of the recorded worker was stored: for `toHaveCheckpointed`. */
  readonly checkpointed: DeliveredRecord | 'SHARD_END' | undefined;
}

/**
 * Delivers the same batches, aggregates, hand-offs, lost leases, ends and failing checkpoints after the same times, and lets
 * the consumer do with them what it does now. Positions are new ones; what the worker said then does not matter.
 *
 * @throws TEST_MISUSED for a file that is no transcript; what `deliver` and `idle` throw.
 */
export async function replayTranscript(
  bed: TestBed,
  file: string | URL,
  { payloadFor = ({ data }) => data, shard: which = 0 }: ReplayTranscriptOptions = {},
): Promise<ReplayedTranscript> {
  const path = file instanceof URL ? fileURLToPath(file) : file;
  const steps = transcriptSteps(await readFile(path, 'utf8'), basename(path));
  const shard = bed.shard(which);
  const delivered = new Map<string, DeliveredRecord>();
  let checkpointed: ReplayedTranscript['checkpointed'];
  let nowMs = steps[0]?.atMs ?? 0;
  for (const step of steps) {
    await bed.advance(Math.max(0, step.atMs - nowMs));
    nowMs = Math.max(nowMs, step.atMs);
    armCheckpoints(bed, step);
    for (const [place, record] of perform(shard, step, payloadFor)) delivered.set(place, record);
    await bed.settle();
    if (step.checkpointed !== undefined) checkpointed = placeIn(delivered, step.checkpointed, step.kind);
  }
  await bed.idle();
  return { records: delivered, checkpointed };
}

/** The first errors of a step come one after the other, and so they do here. */
function armCheckpoints(bed: TestBed, { checkpointErrors }: TranscriptStep): void {
  const [first] = checkpointErrors;
  if (first !== undefined) bed.checkpoints.fail(first, { times: checkpointErrors.length });
}

function perform(
  shard: TestShard,
  step: TranscriptStep,
  payloadFor: (record: RecordedRecord) => unknown,
): readonly (readonly [place: string, record: DeliveredRecord])[] {
  switch (step.kind) {
    case 'deliver': {
      const delivered = shard.deliver(...testRecords(step.records, payloadFor));
      return step.records.flatMap((recorded, index) => {
        const record = delivered[index];
        return record === undefined ? [] : [[placeOf(recorded), record] as const];
      });
    }
    case 'shutdownRequested':
      shard.requestShutdown();
      return [];
    case 'leaseLost':
      // The goodbye of a hand-over is a part of requestShutdown.
      if (shard.acceptsRecords) shard.loseLease();
      return [];
    case 'shardEnded':
      shard.end();
      return [];
    default:
      return step.kind satisfies never;
  }
}

/** Records of one sequence number are the user records of one aggregate. */
function testRecords(
  recorded: readonly RecordedRecord[],
  payloadFor: (record: RecordedRecord) => unknown,
): TestRecord[] {
  const groups: RecordedRecord[][] = [];
  for (const record of recorded) {
    const group = groups.at(-1);
    if (group !== undefined && group[0]?.sequenceNumber === record.sequenceNumber) group.push(record);
    else groups.push([record]);
  }
  return groups.map((group) => {
    const parts = group.map((record) => testRecord(record, payloadFor(record)));
    const [only] = parts;
    const record = only !== undefined && parts.length === 1 ? only : records.kpl(...parts);
    const arrivedAt = group[0]?.approximateArrivalTimestamp;
    return arrivedAt === undefined ? record : records.arrivedAt(record, arrivedAt);
  });
}

function testRecord({ partitionKey }: RecordedRecord, payload: unknown): SingleRecord {
  return payload instanceof Uint8Array ? records.bytes(payload, partitionKey) : records.of(payload, partitionKey);
}

function placeIn(
  delivered: ReadonlyMap<string, DeliveredRecord>,
  place: CheckpointPlace,
  kind: TranscriptStep['kind'],
): ReplayedTranscript['checkpointed'] {
  if (place !== 'latest') return delivered.get(placeOf(place));
  return kind === 'shardEnded' ? 'SHARD_END' : [...delivered.values()].at(-1);
}

function placeOf({ sequenceNumber, subSequenceNumber }: Exclude<CheckpointPlace, 'latest'>): string {
  return `${sequenceNumber}:${subSequenceNumber}`;
}
