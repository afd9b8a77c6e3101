/**
 * The stand-in for the daemon against the real one: every transcript is played again with ShardDaemon in the daemon's
 * place and the recorded worker's lines as they were. What it writes must be what the real daemon wrote.
 */
import { expect, it } from 'vitest';
import { DaemonError } from '../src/local/daemon-error.js';
import { ShardDaemon } from '../src/local/shard-daemon.js';
import type { DaemonMessage } from '../src/protocol/messages.js';
import { decodeMessage } from '../src/protocol/decoder.js';
import { memoryChannelPair } from '../src/transport/memory-channel.js';
import { names, transcript, type Entry } from './support/golden.js';

/** Errors that came from DynamoDB; the others follow from the rules and must come by themselves. */
const FROM_THE_STORE = /"error":"(ShutdownException|ThrottlingException|KinesisClientLibDependencyException)"/;

async function play(entries: readonly Entry[]): Promise<string[]> {
  const { worker, daemon: channel } = memoryChannelPair();
  let written = '';
  worker.start({ data: (chunk) => void (written += Buffer.from(chunk).toString('utf8')), end: () => undefined });
  let storeError: string | undefined;
  const store = {
    put: () => (storeError === undefined ? Promise.resolve() : Promise.reject(new DaemonError(storeError))),
  };
  const shardId = /"shardId":"([^"]+)"/.exec(entries[0]?.line ?? '')?.[1] ?? '';
  const daemon = new ShardDaemon({ shardId, channel, store });
  for (const [index, { dir, line }] of entries.entries()) {
    if (dir === 'daemon') {
      // An action that the transcript leaves unanswered is cut off with it.
      deliver(daemon, decodeMessage(Buffer.from(line))).catch(() => undefined);
    } else {
      storeError = FROM_THE_STORE.exec(entries[index + 1]?.line ?? '')?.[1];
      worker.write(Buffer.from(`\n${line}\n`));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await daemon.end();
  return written.trimEnd().split('\n');
}

async function deliver(daemon: ShardDaemon, message: DaemonMessage): Promise<unknown> {
  switch (message.kind) {
    case 'initialize':
      return daemon.initialize({
        sequenceNumber: message.sequenceNumber ?? '',
        subSequenceNumber: message.subSequenceNumber,
      });
    case 'processRecords':
      return daemon.processRecords(message.records, message.millisBehindLatest);
    case 'shutdownRequested':
      return daemon.shutdownRequested();
    case 'leaseLost':
      return daemon.leaseLost();
    case 'shardEnded':
      return daemon.shardEnded();
    case 'checkpoint':
      // Answers are the stand-in's own business.
      return undefined;
    default:
      return message satisfies never;
  }
}

it.each(names)('%s is written byte for byte as the real daemon wrote it', async (name) => {
  const entries = transcript(name);
  expect(await play(entries)).toEqual(entries.filter(({ dir }) => dir === 'daemon').map(({ line }) => line));
});
