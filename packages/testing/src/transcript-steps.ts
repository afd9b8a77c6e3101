/** A recorded transcript as what the daemon did, step by step. */
import { MillraceError } from '@millrace/core';
import { decodeMessage, type DaemonMessage } from '@millrace/core/internal';

/** A record as a transcript has it. */
export interface RecordedRecord {
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  /** A hash: equal keys of one process have equal ones. */
  readonly partitionKey: string;
  /** Milliseconds since the epoch; undefined where the daemon gave none. */
  readonly approximateArrivalTimestamp: number | undefined;
  /** Of the length that the payload had; zeros, unless the transcript was made by something else that keeps payloads. */
  readonly data: Uint8Array;
}

/** What the daemon wanted, when it said so, and how it answered checkpoints meanwhile. */
export interface TranscriptStep {
  readonly kind: 'deliver' | 'shutdownRequested' | 'leaseLost' | 'shardEnded';
  /** Milliseconds since the session was opened. */
  readonly atMs: number;
  /** Of a delivery. */
  readonly records: readonly RecordedRecord[];
  /** Errors of checkpoints that were asked for in this step, as Java class names, in order. */
  readonly checkpointErrors: readonly string[];
  /** The last checkpoint that was stored in this step. */
  readonly checkpointed: CheckpointPlace | undefined;
}

/** `'latest'`: at what was delivered last, or the end of the shard. */
export type CheckpointPlace = 'latest' | { readonly sequenceNumber: string; readonly subSequenceNumber: number };

/**
 * @param text - lines of JSON: `dir` (`daemon` or `worker`), `line`, and `atMs`; others are passed over.
 * @throws TEST_MISUSED naming the first line that is none, or when the daemon wants nothing in it.
 */
export function transcriptSteps(text: string, name: string): readonly TranscriptStep[] {
  const steps: TranscriptStep[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const entry = parse(line, `${name}:${index + 1}`);
    if (entry === undefined) continue;
    const { message, atMs } = entry;
    const last = steps.at(-1);
    const begun = stepOf(message, atMs);
    if (begun !== undefined) steps.push(begun);
    else if (message.kind === 'checkpoint' && last !== undefined) steps[steps.length - 1] = answered(last, message);
  }
  if (steps.length > 0) return steps;
  throw new MillraceError('TEST_MISUSED', `In the transcript ${name} the daemon delivers nothing and ends nothing.`);
}

function parse(line: string, where: string): { readonly message: DaemonMessage; readonly atMs: number } | undefined {
  try {
    const { dir, line: said, atMs = 0 } = JSON.parse(line) as { dir?: string; line?: string; atMs?: number };
    if (dir !== 'daemon' && dir !== 'worker') throw new Error('no dir');
    // What the worker said then is not what it says now.
    if (dir === 'worker' || said === undefined) return undefined;
    return { message: decodeMessage(Buffer.from(said)), atMs };
  } catch (error) {
    throw new MillraceError(
      'TEST_MISUSED',
      `${where} is no line of a transcript. Record one with the option transcripts, or with MILLRACE_TRANSCRIPTS=<folder>.`,
      { cause: error },
    );
  }
}

function stepOf(message: DaemonMessage, atMs: number): TranscriptStep | undefined {
  const step = { atMs, records: [], checkpointErrors: [], checkpointed: undefined };
  switch (message.kind) {
    case 'processRecords':
      return { ...step, kind: 'deliver', records: message.records };
    case 'shutdownRequested':
    case 'leaseLost':
    case 'shardEnded':
      return { ...step, kind: message.kind };
    case 'initialize':
    case 'checkpoint':
      return undefined;
    default:
      return message satisfies never;
  }
}

function answered(
  step: TranscriptStep,
  { error, sequenceNumber, subSequenceNumber = 0 }: Extract<DaemonMessage, { readonly kind: 'checkpoint' }>,
): TranscriptStep {
  if (error !== undefined) return { ...step, checkpointErrors: [...step.checkpointErrors, error] };
  return { ...step, checkpointed: sequenceNumber === undefined ? 'latest' : { sequenceNumber, subSequenceNumber } };
}
