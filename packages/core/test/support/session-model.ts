/**
 * A lawful daemon and a worker that wishes anything, for property tests of the session. The daemon's side checks S1-S5 on the bytes it gets and
 * shares no decision with the session.
 */
import fc from 'fast-check';
import { encodeDaemonMessage } from '../../src/protocol/daemon-side.js';
import { decodeMessage } from '../../src/protocol/decoder.js';
import { encodeMessage } from '../../src/protocol/encoder.js';
import type { CheckpointTarget, DaemonMessage, Position, WireRecord } from '../../src/protocol/messages.js';
import { compareTargets } from '../../src/protocol/position.js';
import type { SessionInput, SessionOutput, SessionState } from '../../src/protocol/session-types.js';
import { startSession, step } from '../../src/protocol/shard-session.js';
import { DaemonReader, type Reading } from './daemon-reader.js';

export const SETTINGS = { validateSequenceNumber: true };

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken: ${what}`);
}

/** What a world of daemon and worker may do next; the model turns it into an input when it is possible. */
export type Move =
  | { kind: 'batch'; size: number; replay: number }
  | { kind: 'action'; action: 'shutdownRequested' | 'leaseLost' | 'shardEnded' }
  | { kind: 'answer'; error: string | undefined }
  | { kind: 'checkpoint'; target: CheckpointTarget }
  /** A checkpoint that is probably legal: near the last delivered record, or at the end of an ended shard. */
  | { kind: 'advance'; behind: number }
  | { kind: 'actionDone' }
  | { kind: 'leaseDoubt' }
  | { kind: 'endOfInput' };

const position: fc.Arbitrary<Position> = fc.record({
  sequenceNumber: fc.oneof(
    { weight: 20, arbitrary: fc.nat({ max: 30 }).map(String) },
    { weight: 1, arbitrary: fc.constantFrom('LATEST', 'TRIM_HORIZON', '', '007', '-1', '9'.repeat(60)) },
  ),
  subSequenceNumber: fc.oneof(
    { weight: 10, arbitrary: fc.nat({ max: 2 }) },
    { weight: 1, arbitrary: fc.constantFrom(-1, 0.5) },
  ),
});

export const target: fc.Arbitrary<CheckpointTarget> = fc.oneof(
  { weight: 3, arbitrary: position },
  { weight: 1, arbitrary: fc.constant('SHARD_END' as const) },
);

export const error = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'ThrottlingException',
      'RuntimeException',
      'IllegalArgumentException',
      'InvalidStateException',
    ),
  },
  { weight: 1, arbitrary: fc.constant('ShutdownException') },
);

export const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 60,
    arbitrary: fc.record({ kind: fc.constant('batch' as const), size: fc.nat({ max: 4 }), replay: fc.nat({ max: 3 }) }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('action' as const),
      action: fc.constantFrom('shutdownRequested' as const, 'leaseLost' as const, 'shardEnded' as const),
    }),
  },
  { weight: 60, arbitrary: fc.record({ kind: fc.constant('answer' as const), error }) },
  { weight: 30, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const), target }) },
  { weight: 60, arbitrary: fc.record({ kind: fc.constant('advance' as const), behind: fc.nat({ max: 3 }) }) },
  { weight: 60, arbitrary: fc.constant({ kind: 'actionDone' as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'leaseDoubt' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'endOfInput' as const }) },
);

export const recordAt = (sequenceNumber: number): WireRecord => ({
  sequenceNumber: String(sequenceNumber),
  subSequenceNumber: 0,
  data: new Uint8Array(),
  partitionKey: 'k',
  approximateArrivalTimestamp: 1,
});

/** The daemon as it is: it sends an action only after the last status, answers checkpoints in order, and dies of what it cannot take. */
export class DaemonModel {
  readonly reader = new DaemonReader();
  readonly checkpoints: CheckpointTarget[] = [];
  open: string | undefined;
  inFlight: CheckpointTarget | undefined;
  stored: CheckpointTarget | undefined;
  failed: CheckpointTarget | undefined;
  delivered = -1;
  shardEndStored = false;
  goodbye = false;
  doubted = false;

  send(message: DaemonMessage): SessionInput {
    if (message.kind !== 'checkpoint') this.open = message.kind;
    if (message.kind === 'processRecords') {
      for (const record of message.records) this.delivered = Math.max(this.delivered, Number(record.sequenceNumber));
    }
    return { kind: 'message', message: decodeMessage(Buffer.from(encodeDaemonMessage(message)).subarray(0, -1)) };
  }

  answer(errorName: string | undefined): SessionInput {
    const asked = this.inFlight as CheckpointTarget;
    this.inFlight = undefined;
    if (errorName === undefined) {
      this.stored = asked;
      this.failed = undefined;
      this.shardEndStored ||= asked === 'SHARD_END';
    } else this.failed = asked;
    const numbers = asked === 'SHARD_END' ? { sequenceNumber: undefined, subSequenceNumber: undefined } : asked;
    return this.send({ kind: 'checkpoint', ...numbers, error: errorName });
  }

  /** S1-S5 as the daemon's side can see them. */
  take(bytes: Uint8Array): void {
    const readings = this.reader.read(bytes, this.open ?? 'nothing');
    must(readings.length === 1, 'each write is one message');
    must(this.reader.unfinished === '', 'each write ends its line');
    for (const reading of readings) this.#takeOne(reading);
  }

  #takeOne(reading: Reading): void {
    must(this.open !== undefined, 'S1 S2: nothing is written between actions');
    must(this.inFlight === undefined, 'S1 S2: nothing is written while a checkpoint is in flight');
    if (reading.kind === 'status') {
      must(
        this.open !== 'shardEnded' || this.shardEndStored || this.doubted,
        'S3: SHARD_END is stored before its status',
      );
      this.goodbye = this.open === 'shardEnded' || this.open === 'leaseLost';
      this.open = undefined;
      return;
    }
    if (reading.kind !== 'checkpoint') throw new Error(`the daemon cannot take ${JSON.stringify(reading)}`);
    this.#takeCheckpoint(reading);
  }

  #takeCheckpoint(reading: Extract<Reading, { kind: 'checkpoint' }>): void {
    must(!this.doubted, 'S4: no checkpoint in doubt');
    const asked: CheckpointTarget =
      reading.sequenceNumber === null
        ? 'SHARD_END'
        : { sequenceNumber: reading.sequenceNumber, subSequenceNumber: reading.subSequenceNumber ?? Number.NaN };
    if (asked === 'SHARD_END') must(this.open === 'shardEnded', 'S3: without arguments only at the end of the shard');
    else this.#takePosition(asked);
    const previous = this.checkpoints.at(-1);
    if (previous !== undefined) {
      const order = compareTargets(asked, previous);
      const retry = order === 0 && this.failed !== undefined && compareTargets(asked, this.failed) === 0;
      must(order > 0 || retry, 'S2: checkpoints increase, but for the retry of a failed one');
    }
    this.checkpoints.push(asked);
    this.inFlight = asked;
  }

  #takePosition(asked: Position): void {
    must(this.open === 'processRecords' || this.open === 'shutdownRequested', 'S2: only where there is a checkpointer');
    must(/^\d+$/.test(asked.sequenceNumber), 'S2: never a sentinel');
    const beyond = BigInt(asked.sequenceNumber) - BigInt(this.delivered);
    must(beyond < 0n || (beyond === 0n && asked.subSequenceNumber === 0), 'S2: never beyond what was delivered');
  }
}

/** The input this move means now, or undefined when the daemon cannot do that now. */
export function inputOf(daemon: DaemonModel, next: Move): SessionInput | undefined {
  switch (next.kind) {
    case 'batch': {
      if (daemon.open !== undefined || daemon.goodbye) return undefined;
      const first = Math.max(0, daemon.delivered + 1 - next.replay);
      const records = Array.from({ length: next.size }, (_, index) => recordAt(first + index));
      return daemon.send({ kind: 'processRecords', records, millisBehindLatest: 0 });
    }
    case 'action':
      return daemon.open === undefined && !daemon.goodbye ? daemon.send({ kind: next.action }) : undefined;
    case 'answer':
      return daemon.inFlight === undefined ? undefined : daemon.answer(next.error);
    case 'leaseDoubt':
      return { kind: 'leaseDoubt', why: 'the model says so' };
    case 'advance':
      return {
        kind: 'checkpoint',
        target: daemon.open === 'shardEnded' ? 'SHARD_END' : recordAt(daemon.delivered - next.behind),
      };
    case 'checkpoint':
    case 'actionDone':
    case 'endOfInput':
      return next;
    default:
      return next satisfies never;
  }
}

/** How often every action ended and what was said about the lease, over one life. */
export class WorkerView {
  begun = 0;
  statuses = 0;
  asked = 0;
  answered = 0;
  doubts = 0;
  ends = 0;
  state: SessionState = startSession();

  constructor(readonly daemon: DaemonModel) {}

  feed(input: SessionInput): void {
    must(this.ends === 0 || input.kind !== 'message', 'the model sends nothing after the end');
    const next = step(this.state, input, SETTINGS);
    this.state = next.state;
    for (const output of next.outputs) this.#take(output);
  }

  #take(output: SessionOutput): void {
    switch (output.kind) {
      case 'send':
        must(this.ends === 0, 'nothing is written after the end');
        if (output.message.kind === 'status') this.statuses += 1;
        else this.asked += 1;
        this.daemon.take(encodeMessage(output.message));
        return;
      case 'begin':
        this.begun += 1;
        return;
      case 'checkpointAnswered':
        this.answered += 1;
        return;
      case 'leaseDoubt':
        this.doubts += 1;
        this.daemon.doubted = true;
        return;
      case 'ended':
        this.ends += 1;
        return;
      case 'violation':
        throw new Error(`a lawful daemon was accused: ${output.detail}`);
      case 'rejected':
        return;
      default:
        output satisfies never;
    }
  }
}
