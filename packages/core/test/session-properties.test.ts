/**
 * The session under random inputs: a lawful daemon with a worker that wishes anything (the guarantees S1-S8), then anything at all (no throw,
 * no write after the end).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeDaemonMessage } from '../src/protocol/daemon-side.js';
import { decodeMessage } from '../src/protocol/decoder.js';
import { LineSplitter } from '../src/protocol/line-splitter.js';
import type { DaemonMessage } from '../src/protocol/messages.js';
import type { SessionInput } from '../src/protocol/session-types.js';
import { startSession, step } from '../src/protocol/shard-session.js';
import { DaemonModel, error, inputOf, move, recordAt, SETTINGS, target, WorkerView } from './support/session-model.js';

describe('a session with a lawful daemon', () => {
  it('keeps S1-S8 whatever the worker wants and whenever', () => {
    let checkpoints = 0;
    let shardEnds = 0;
    fc.assert(
      fc.property(fc.array(move, { minLength: 20, maxLength: 80 }), (moves) => {
        const daemon = new DaemonModel();
        const worker = new WorkerView(daemon);
        worker.feed(
          daemon.send({ kind: 'initialize', shardId: 's', sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 }),
        );
        for (const next of moves) {
          const silent = worker.state.kind === 'ended' && ['batch', 'action', 'answer'].includes(next.kind);
          const input = silent ? undefined : inputOf(daemon, next);
          if (input !== undefined) worker.feed(input);
        }

        expect(worker.begun - worker.statuses).toBe(daemon.open === undefined ? 0 : 1);
        expect(worker.asked - worker.answered).toBeLessThanOrEqual(1);
        expect(worker.doubts).toBeLessThanOrEqual(1);
        expect(worker.ends).toBe(worker.state.kind === 'ended' ? 1 : 0);
        checkpoints += worker.asked;
        shardEnds += daemon.shardEndStored ? 1 : 0;
      }),
      { numRuns: 4000 },
    );
    // The property would hold of a session that never writes.
    expect(checkpoints).toBeGreaterThan(1000);
    expect(shardEnds).toBeGreaterThan(20);
  });

  it('acknowledges every action in the end, if its work ends and checkpoints are answered', () => {
    fc.assert(
      fc.property(fc.array(move, { minLength: 5, maxLength: 40 }), (moves) => {
        const daemon = new DaemonModel();
        const worker = new WorkerView(daemon);
        worker.feed(daemon.send({ kind: 'initialize', shardId: 's', sequenceNumber: '0', subSequenceNumber: 0 }));
        for (const next of moves) {
          const input = next.kind === 'endOfInput' || worker.state.kind === 'ended' ? undefined : inputOf(daemon, next);
          if (input !== undefined) worker.feed(input);
        }

        if (daemon.inFlight !== undefined) worker.feed(daemon.answer(undefined));
        worker.feed({ kind: 'actionDone' });
        if (daemon.open === 'shardEnded') {
          worker.feed({ kind: 'checkpoint', target: 'SHARD_END' });
          worker.feed(daemon.answer(undefined));
          worker.feed({ kind: 'actionDone' });
        }

        expect(daemon.open).toBeUndefined();
        expect(worker.statuses).toBe(worker.begun);
      }),
      { numRuns: 2000 },
    );
  });
});

const anyMessage: fc.Arbitrary<DaemonMessage> = fc.oneof(
  fc.constantFrom<DaemonMessage>({ kind: 'shutdownRequested' }, { kind: 'leaseLost' }, { kind: 'shardEnded' }),
  fc.record({
    kind: fc.constant('initialize' as const),
    shardId: fc.constant('s'),
    sequenceNumber: fc.constantFrom('5', 'LATEST', undefined),
    subSequenceNumber: fc.nat({ max: 2 }),
  }),
  fc.record({
    kind: fc.constant('processRecords' as const),
    records: fc.array(fc.nat({ max: 20 }).map(recordAt), { maxLength: 3 }),
    millisBehindLatest: fc.constant(0),
  }),
  fc.record({
    kind: fc.constant('checkpoint' as const),
    sequenceNumber: fc.constantFrom('5', undefined),
    subSequenceNumber: fc.constantFrom(0, undefined),
    error,
  }),
);

const anyInput: fc.Arbitrary<SessionInput> = fc.oneof(
  { weight: 4, arbitrary: anyMessage.map((message) => ({ kind: 'message' as const, message })) },
  { weight: 3, arbitrary: target.map((at) => ({ kind: 'checkpoint' as const, target: at })) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<SessionInput>(
      { kind: 'actionDone' },
      { kind: 'actionDone' },
      { kind: 'endOfInput' },
      { kind: 'leaseDoubt', why: 'x' },
    ),
  },
);

describe('a session with a daemon that does anything', () => {
  it('never throws, says a violation at most once, and writes nothing after its end', () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 30 }), (inputs) => {
        let state = startSession();
        let violations = 0;
        for (const input of inputs) {
          const ended = state.kind === 'ended';
          const next = step(state, input, SETTINGS);
          state = next.state;
          violations += next.outputs.filter((output) => output.kind === 'violation').length;
          if (ended)
            expect(next.outputs.filter((output) => output.kind === 'send' || output.kind === 'begin')).toEqual([]);
        }
        expect(violations).toBeLessThanOrEqual(1);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a stream of messages', () => {
  it('decodes to the same messages however its bytes are cut', () => {
    const stream = fc
      .array(anyMessage, { maxLength: 8 })
      .map((messages) => Buffer.concat(messages.map((message) => Buffer.from(encodeDaemonMessage(message)))));
    const decodeAll = (chunks: readonly Uint8Array[]) => {
      const splitter = new LineSplitter(1 << 20);
      return chunks.flatMap((chunk) => splitter.push(chunk).map((line) => textOf(decodeMessage(line))));
    };
    fc.assert(
      fc.property(stream, fc.array(fc.nat({ max: 400 }), { maxLength: 20 }), (bytes, places) => {
        const cuts = [...new Set(places.map((place) => Math.min(place, bytes.length)))].sort((a, b) => a - b);
        const chunks = [0, ...cuts].map((start, index) => bytes.subarray(start, cuts[index] ?? bytes.length));

        expect(decodeAll(chunks)).toEqual(decodeAll([bytes]));
      }),
      { numRuns: 2000 },
    );
  });
});

const textOf = (message: DaemonMessage) => Buffer.from(encodeDaemonMessage(message)).toString();
