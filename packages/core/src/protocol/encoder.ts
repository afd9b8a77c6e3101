/**
 * The two messages a worker may write, as `LF json LF`: the first line feed ends whatever unfinished text somebody else may have left
 * on the stream. The daemon silently ignores a line with one property too many and then waits for ever, so every message is
 * spelled out here and nothing can be added to it.
 */
import { MillraceError } from '../errors.js';
import type { CheckpointTarget, WorkerMessage } from './messages.js';
import { isPosition } from './position.js';

/** Encodes in ASCII. Throws CHECKPOINT_REJECTED for a target that is no position: the daemon would take it for the argument-less form or refuse it. */
export function encodeMessage(message: WorkerMessage): Uint8Array {
  return Buffer.from(`\n${toJson(message)}\n`, 'latin1');
}

function toJson(message: WorkerMessage): string {
  switch (message.kind) {
    case 'status':
      return `{"action":"status","responseFor":"${message.responseFor}"}`;
    case 'checkpoint':
      return checkpoint(message.target);
    default:
      return message satisfies never;
  }
}

function checkpoint(target: CheckpointTarget): string {
  // Argument-less means "all that was delivered": only shardEnded may say so.
  if (target === 'SHARD_END') return '{"action":"checkpoint"}';
  if (!isPosition(target)) {
    throw new MillraceError(
      'CHECKPOINT_REJECTED',
      'A checkpoint needs a decimal sequence number and a whole sub-sequence number of 0 or more.',
      {
        details: { ...target },
      },
    );
  }
  return `{"action":"checkpoint","sequenceNumber":"${target.sequenceNumber}","subSequenceNumber":${target.subSequenceNumber}}`;
}
