/** When a checkpoint may be sent (S2, S3) and what its answer means (S8); the numbers are those of shard-session.ts. */
import type { Action, CheckpointTarget, DaemonMessage, Position } from './messages.js';
import { comparePositions, compareTargets, isPosition } from './position.js';
import type { CheckpointResult, LastCheckpoint, Ledger, Rejection, SessionSettings } from './session-types.js';

export interface Refusal {
  readonly code: Rejection;
  readonly detail: string;
}

/** Why this checkpoint must not be sent now, in an open action without one in flight; undefined when it may. */
export function refuseCheckpoint(
  open: { readonly action: Action; readonly ledger: Ledger },
  target: CheckpointTarget,
  settings: SessionSettings,
): Refusal | undefined {
  const { action, ledger } = open;
  if (ledger.lease === 'inDoubt')
    return refusal('IN_DOUBT', 'The lease is in doubt: this session checkpoints no more.');
  switch (action) {
    case 'initialize':
    case 'leaseLost':
      return refusal('NO_CHECKPOINTER', `The daemon takes no checkpoint during ${action}.`);
    case 'shardEnded':
      if (target !== 'SHARD_END')
        return refusal(
          'POSITION_AT_SHARD_END',
          'At the end of a shard only SHARD_END is checkpointed: a position would keep its child shards from starting.',
        );
      return refuseRepetition(target, ledger.lastCheckpoint);
    case 'processRecords':
    case 'shutdownRequested':
      if (target === 'SHARD_END')
        return refusal(
          'SHARD_END_ONLY_AT_SHARD_END',
          `SHARD_END cannot be checkpointed during ${action}: the daemon would take it for all that was delivered.`,
        );
      return refusePosition(target, ledger, settings);
    default:
      return action satisfies never;
  }
}

function refusePosition(target: Position, ledger: Ledger, settings: SessionSettings): Refusal | undefined {
  if (!isPosition(target))
    return refusal(
      'NOT_A_SEQUENCE_NUMBER',
      `${describeTarget(target)} is no position: it takes a decimal sequence number and a whole sub-sequence number of 0 or more.`,
    );
  if (ledger.delivered === undefined || comparePositions(target, ledger.delivered) > 0) {
    return refusal(
      'BEYOND_DELIVERED',
      `${describeTarget(target)} lies beyond the last delivered record, ${describeTarget(ledger.delivered)}.`,
    );
  }
  if (
    settings.validateSequenceNumber &&
    ledger.initial !== undefined &&
    comparePositions(target, ledger.initial) <= 0
  ) {
    return refusal(
      'BACKWARDS',
      `${describeTarget(target)} does not lie after ${describeTarget(ledger.initial)}, where this session started.`,
    );
  }
  return refuseRepetition(target, ledger.lastCheckpoint);
}

/** S2: checkpoints increase; only the one that failed last may be sent again. */
function refuseRepetition(target: CheckpointTarget, last: LastCheckpoint): Refusal | undefined {
  if (last.kind === 'none') return undefined;
  const order = compareTargets(target, last.target);
  if (order > 0 || (order === 0 && last.kind === 'failed')) return undefined;
  return refusal(
    'BACKWARDS',
    `${describeTarget(target)} does not lie after the last checkpoint, ${describeTarget(last.target)}.`,
  );
}

function refusal(code: Rejection, detail: string): Refusal {
  return { code, detail };
}

/** S8. At the end of a shard nothing but a lost lease may stop the attempts: giving up would keep the child shards from starting. */
export function classifyAnswer(action: Action, error: string | undefined): CheckpointResult {
  if (error === undefined) return { kind: 'ok' };
  if (error === 'ShutdownException') return { kind: 'leaseLost', error };
  const hopeless = error === 'IllegalArgumentException' || error === 'InvalidStateException';
  return hopeless && action !== 'shardEnded' ? { kind: 'refused', error } : { kind: 'retryable', error };
}

/** The daemon repeats what it was asked. Any other answer belongs to a checkpoint that this session never sent. */
export function answers(answer: Extract<DaemonMessage, { kind: 'checkpoint' }>, target: CheckpointTarget): boolean {
  if (target === 'SHARD_END') return answer.sequenceNumber === undefined && answer.subSequenceNumber === undefined;
  return answer.sequenceNumber === target.sequenceNumber && answer.subSequenceNumber === target.subSequenceNumber;
}

export function describeTarget(target: CheckpointTarget | undefined): string {
  if (target === undefined) return 'none';
  return target === 'SHARD_END' ? target : `(${target.sequenceNumber}, ${target.subSequenceNumber})`;
}
