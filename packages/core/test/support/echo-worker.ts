/**
 * The smallest worker: it acknowledges everything, checkpoints each batch at its last record, and says what it has seen. Special partition keys
 * make it misbehave the way user code does: `hang` never finishes its batch, `pollute` calls back into the test's own mischief.
 */
import { createHash } from 'node:crypto';
import type { ByteChannel } from '../../src/ports.js';
import { decodeMessage } from '../../src/protocol/decoder.js';
import { encodeMessage } from '../../src/protocol/encoder.js';
import { LineSplitter } from '../../src/protocol/line-splitter.js';
import type { CheckpointTarget, WireRecord } from '../../src/protocol/messages.js';
import type { SessionInput, SessionOutput } from '../../src/protocol/session-types.js';
import { startSession, step } from '../../src/protocol/shard-session.js';

export type Report =
  | { kind: 'batch'; digest: string }
  | { kind: 'answered'; target: CheckpointTarget; result: string }
  | { kind: 'doubt' | 'ended' | 'violation' | 'rejected'; detail: string }
  | { kind: 'endOfInput'; cause: string | undefined };

export interface EchoHooks {
  report(report: Report): void;
  pollute(): void;
}

/** Names all that a worker can see of records, so that both sides can compare without sending it back. */
export function digest(records: readonly WireRecord[]): string {
  const hash = createHash('sha256');
  for (const record of records) {
    const { partitionKey, sequenceNumber, subSequenceNumber, approximateArrivalTimestamp } = record;
    hash.update(JSON.stringify([partitionKey, sequenceNumber, subSequenceNumber, approximateArrivalTimestamp]));
    hash.update(record.data);
  }
  return hash.digest('hex');
}

/** Serves one session on the channel; resolves when it has ended and the channel is closed. */
export function serveEcho(channel: ByteChannel, hooks: EchoHooks): Promise<void> {
  const splitter = new LineSplitter(64 * 1024 * 1024);
  let state = startSession();
  return new Promise((resolve) => {
    const feed = (input: SessionInput): void => {
      const next = step(state, input, { validateSequenceNumber: true });
      state = next.state;
      for (const output of next.outputs) perform(output);
    };
    const finish = (kind: 'ended' | 'violation', detail: string): void => {
      hooks.report({ kind, detail });
      void channel.close().then(resolve);
    };
    const perform = (output: SessionOutput): void => {
      switch (output.kind) {
        case 'send':
          return channel.write(encodeMessage(output.message));
        case 'begin':
          return begin(output.message, hooks, feed);
        case 'checkpointAnswered':
          hooks.report({ kind: 'answered', target: output.target, result: output.result.kind });
          // The end of a shard is tried until it is stored.
          if (output.target === 'SHARD_END' && output.result.kind === 'retryable')
            return feed({ kind: 'checkpoint', target: 'SHARD_END' });
          return feed({ kind: 'actionDone' });
        case 'rejected':
          hooks.report({ kind: 'rejected', detail: output.code });
          return feed({ kind: 'actionDone' });
        case 'leaseDoubt':
          return hooks.report({ kind: 'doubt', detail: output.why });
        case 'ended':
          return finish('ended', output.why);
        case 'violation':
          return finish('violation', output.detail);
        default:
          output satisfies never;
      }
    };
    channel.start({
      data: (chunk) => {
        for (const line of splitter.push(chunk)) feed({ kind: 'message', message: decodeMessage(line) });
      },
      end: (cause) => {
        hooks.report({ kind: 'endOfInput', cause: cause?.message });
        feed({ kind: 'endOfInput' });
      },
    });
  });
}

type Begun = Extract<SessionOutput, { kind: 'begin' }>['message'];

function begin(message: Begun, hooks: EchoHooks, feed: (input: SessionInput) => void): void {
  if (message.kind === 'shardEnded') return feed({ kind: 'checkpoint', target: 'SHARD_END' });
  if (message.kind !== 'processRecords') return feed({ kind: 'actionDone' });
  hooks.report({ kind: 'batch', digest: digest(message.records) });
  const keys = new Set(message.records.map((record) => record.partitionKey));
  if (keys.has('pollute')) hooks.pollute();
  if (keys.has('hang')) return;
  const last = message.records.at(-1);
  if (last === undefined) return feed({ kind: 'actionDone' });
  const { sequenceNumber, subSequenceNumber } = last;
  feed({ kind: 'checkpoint', target: { sequenceNumber, subSequenceNumber } });
}
