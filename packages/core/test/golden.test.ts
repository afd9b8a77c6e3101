/**
 * Replays what a real daemon wrote. Its lines drive our decoder and session; the recorded worker's lines are put to the session as wishes,
 * so it must send the very same message, or refuse it where that worker broke the rules.
 */
import { describe, expect, it } from 'vitest';
import { decodeMessage } from '../src/protocol/decoder.js';
import { encodeDaemonMessage } from '../src/protocol/daemon-side.js';
import { encodeMessage } from '../src/protocol/encoder.js';
import { LineSplitter } from '../src/protocol/line-splitter.js';
import type { CheckpointTarget } from '../src/protocol/messages.js';
import type { SessionInput, SessionOutput, SessionState } from '../src/protocol/session-types.js';
import { startSession, step } from '../src/protocol/shard-session.js';
import { DaemonReader } from './support/daemon-reader.js';
import { names, transcript } from './support/golden.js';

interface Replay {
  readonly begun: string[];
  readonly records: number;
  readonly keys: Set<string>;
  readonly sent: string[];
  readonly refused: string[];
  readonly answers: string[];
  readonly doubts: number;
  readonly end: SessionState;
  readonly violations: string[];
}

/** Plays one transcript to its end of input. */
function replay(name: string): Replay {
  const splitter = new LineSplitter(1 << 20);
  const result = { begun: [], sent: [], refused: [], answers: [], violations: [] } as Record<
    'begun' | 'sent' | 'refused' | 'answers' | 'violations',
    string[]
  >;
  const keys = new Set<string>();
  let records = 0;
  let doubts = 0;
  let state = startSession();
  let answersToSkip = 0;

  const feed = (input: SessionInput): readonly SessionOutput[] => {
    const next = step(state, input, { validateSequenceNumber: true });
    state = next.state;
    for (const output of next.outputs) {
      if (output.kind === 'begin') result.begun.push(output.message.kind);
      if (output.kind === 'send') result.sent.push(Buffer.from(encodeMessage(output.message)).toString().trim());
      if (output.kind === 'checkpointAnswered') result.answers.push(output.result.kind);
      if (output.kind === 'violation') result.violations.push(output.detail);
      if (output.kind === 'leaseDoubt') doubts += 1;
    }
    return next.outputs;
  };

  for (const { dir, line } of transcript(name)) {
    if (dir === 'worker') {
      const rejection = feed(wish(line)).find((output) => output.kind === 'rejected');
      if (rejection === undefined) continue;
      // The recorded worker sent it all the same: the daemon's answer is not for us.
      result.refused.push(rejection.code);
      answersToSkip += 1;
      continue;
    }
    for (const bytes of splitter.push(Buffer.from(`${line}\n`))) {
      const message = decodeMessage(bytes);
      if (message.kind === 'processRecords') {
        records += message.records.length;
        for (const record of message.records) keys.add(record.partitionKey);
      }
      if (message.kind === 'checkpoint' && answersToSkip > 0) answersToSkip -= 1;
      else feed({ kind: 'message', message });
    }
  }
  feed({ kind: 'endOfInput' });
  return { ...result, keys, records, doubts, end: state };
}

/** What the recorded worker wanted with this line; both spellings of the argument-less checkpoint mean the end of the shard. */
function wish(line: string): SessionInput {
  const fields = JSON.parse(line) as {
    action: string;
    sequenceNumber?: string | null;
    subSequenceNumber?: number | null;
  };
  if (fields.action === 'status') return { kind: 'actionDone' };
  const target: CheckpointTarget =
    typeof fields.sequenceNumber === 'string'
      ? { sequenceNumber: fields.sequenceNumber, subSequenceNumber: fields.subSequenceNumber ?? 0 }
      : 'SHARD_END';
  return { kind: 'checkpoint', target };
}

const batches = (replayed: Replay) => replayed.begun.filter((action) => action === 'processRecords').length;

describe('every transcript', () => {
  it('is here', () => {
    expect(names).toHaveLength(38);
  });

  it.each(names)('%s: stays in step, one status for each acknowledged action', (name) => {
    const replayed = replay(name);
    const recorded = transcript(name).filter(({ dir, line }) => dir === 'worker' && line.includes('responseFor'));

    expect(replayed.violations).toEqual([]);
    expect(replayed.begun[0]).toBe('initialize');
    expect(replayed.end.kind).toBe('ended');
    expect(replayed.sent.filter((line) => line.includes('"status"'))).toEqual(
      recorded.map(({ line }) => JSON.stringify(JSON.parse(line))),
    );
  });

  it.each(names)('%s: what we would send, the daemon reads', (name) => {
    const reader = new DaemonReader();
    for (const line of replay(name).sent) {
      const open = (JSON.parse(line) as { responseFor?: string }).responseFor ?? 'processRecords';
      expect(reader.read(Buffer.from(`\n${line}\n`), open)).toMatchObject([
        { kind: /"status"/.test(line) ? 'status' : 'checkpoint' },
      ]);
    }
  });

  it.each(names)("%s: we write the daemon's lines byte for byte", (name) => {
    for (const { dir, line } of transcript(name)) {
      if (dir === 'daemon')
        expect(Buffer.from(encodeDaemonMessage(decodeMessage(Buffer.from(line)))).toString()).toBe(`${line}\n`);
    }
  });
});

/** Of the transcripts whose worker kept the rules, all that was recorded is sent again, and these are the facts of each. */
const lawful: Record<string, { batches: number; records: number; end: string; answers?: string[] }> = {
  'a-start-trim-horizon': { batches: 4, records: 12, end: 'endOfInput', answers: ['ok', 'ok', 'ok', 'ok'] },
  'b-resume': { batches: 1, records: 2, end: 'endOfInput', answers: ['ok'] },
  'c-split.shard0': { batches: 1, records: 3, end: 'shardEnded', answers: ['ok', 'ok'] },
  'cd-split-then-merge.shard1': { batches: 1, records: 4, end: 'shardEnded', answers: ['ok', 'ok'] },
  'f-failover-survivor.shard0': { batches: 0, records: 0, end: 'endOfInput' },
  'g-kpl-aggregated': { batches: 1, records: 10, end: 'endOfInput', answers: ['ok'] },
  'g-kpl-resume': { batches: 1, records: 6, end: 'endOfInput', answers: ['ok'] },
  'i-empty-batches': { batches: 11, records: 1, end: 'endOfInput', answers: ['ok'] },
  'j-checkpoint-dependency-error': { batches: 1, records: 2, end: 'endOfInput', answers: ['retryable'] },
  'j-checkpoint-throttled': { batches: 1, records: 2, end: 'endOfInput', answers: ['retryable'] },
  'k-reshard-then-sigterm.shard0': { batches: 1, records: 6, end: 'shardEnded', answers: ['ok', 'ok'] },
  'k-reshard-then-sigterm.shard1': { batches: 0, records: 0, end: 'leaseLost' },
  'l-neighbour-failed-in-initialize.shard0': { batches: 0, records: 0, end: 'endOfInput' },
  'p-python-kclpy.shard0': { batches: 1, records: 3, end: 'shardEnded', answers: ['ok', 'ok'] },
};

describe('a transcript whose worker kept the rules', () => {
  it.each(Object.keys(lawful))('%s', (name) => {
    const replayed = replay(name);
    const worker = transcript(name).filter(({ dir }) => dir === 'worker');

    expect(replayed.refused).toEqual([]);
    expect(replayed.sent).toHaveLength(worker.length);
    expect({
      batches: batches(replayed),
      records: replayed.records,
      end: replayed.end,
      answers: replayed.answers,
    }).toEqual({
      answers: [],
      ...lawful[name],
      end: { kind: 'ended', why: lawful[name]?.end },
    });
  });

  it('keeps keys that are not ASCII, U+2028 among them', () => {
    expect([...replay('a-start-trim-horizon').keys]).toContain('cl\u00e9-\u4e2d\u2028\u{1f600}0');
  });
});

describe('a transcript whose worker broke the rules', () => {
  it('h-checkpoint-errors: refuses what the daemon refuses, and what it takes but loses data', () => {
    const replayed = replay('h-checkpoint-errors');

    expect(replayed.refused).toEqual([
      'NO_CHECKPOINTER', // in initialize
      'NO_CHECKPOINTER',
      'BEYOND_DELIVERED',
      'BEYOND_DELIVERED', // the last sequence number with a larger sub-sequence number
      'NOT_A_SEQUENCE_NUMBER', // abc
      'NOT_A_SEQUENCE_NUMBER', // TRIM_HORIZON
      'NOT_A_SEQUENCE_NUMBER', // LATEST
      'NOT_A_SEQUENCE_NUMBER', // SHARD_END
      'NOT_A_SEQUENCE_NUMBER', // sub -1
      'BACKWARDS', // the same again
      'BACKWARDS',
      'SHARD_END_ONLY_AT_SHARD_END',
      'SHARD_END_ONLY_AT_SHARD_END', // in shutdownRequested
      'NO_CHECKPOINTER', // in leaseLost
      'NO_CHECKPOINTER',
    ]);
    expect(replayed.begun).toEqual(['initialize', 'processRecords', 'shutdownRequested', 'leaseLost']);
    expect(replayed.end).toEqual({ kind: 'ended', why: 'leaseLost' });
  });

  it('h-checkpoint-after-lease-stolen: doubts the lease at ShutdownException and checkpoints no more', () => {
    const replayed = replay('h-checkpoint-after-lease-stolen.shard0');

    expect(replayed.answers).toEqual(['leaseLost']);
    expect(replayed.refused).toEqual(['IN_DOUBT']);
    expect(replayed.doubts).toBe(1);
    expect(replayed.sent.at(-1)).toBe('{"action":"status","responseFor":"leaseLost"}');
  });

  it.each(['e-sigterm-graceful', 'f-handover-first-worker.shard0'])(
    '%s: does not repeat a stored checkpoint on shutdown',
    (name) => {
      const replayed = replay(name);

      expect(replayed.refused).toEqual(['BACKWARDS']);
      expect(replayed.begun).toEqual(['initialize', 'processRecords', 'shutdownRequested', 'leaseLost']);
      expect(replayed.end).toEqual({ kind: 'ended', why: 'leaseLost' });
    },
  );

  it.each(['p-python-kclpy.shard1', 'p-python-kclpy.shard2'])(
    '%s: has nothing to checkpoint without arguments on shutdown',
    (name) => {
      expect(replay(name).refused).toEqual(['SHARD_END_ONLY_AT_SHARD_END']);
    },
  );
});
