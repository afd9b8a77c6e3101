import { describe, expect, it } from 'vitest';
import type { CheckpointTarget, DaemonMessage, WireRecord } from './messages.js';
import { startSession, step } from './shard-session.js';
import type { SessionInput, SessionOutput, SessionSettings, SessionState } from './session-types.js';

const STRICT: SessionSettings = { validateSequenceNumber: true };
const LENIENT: SessionSettings = { validateSequenceNumber: false };

const at = (sequenceNumber: string, subSequenceNumber = 0) => ({ sequenceNumber, subSequenceNumber });
const record = (sequenceNumber: string, subSequenceNumber = 0): WireRecord => ({
  ...at(sequenceNumber, subSequenceNumber),
  data: new Uint8Array(),
  partitionKey: 'k',
  approximateArrivalTimestamp: 1,
});

const from = (message: DaemonMessage): SessionInput => ({ kind: 'message', message });
const initialize = (sequenceNumber = 'TRIM_HORIZON', subSequenceNumber = 0) =>
  from({ kind: 'initialize', shardId: 'shardId-000000000000', sequenceNumber, subSequenceNumber });
const records = (...list: WireRecord[]) => from({ kind: 'processRecords', records: list, millisBehindLatest: 0 });
const shutdownRequested = from({ kind: 'shutdownRequested' });
const leaseLost = from({ kind: 'leaseLost' });
const shardEnded = from({ kind: 'shardEnded' });
const done: SessionInput = { kind: 'actionDone' };
const endOfInput: SessionInput = { kind: 'endOfInput' };
const doubt: SessionInput = { kind: 'leaseDoubt', why: 'a younger session' };
const checkpoint = (target: CheckpointTarget): SessionInput => ({ kind: 'checkpoint', target });
const answer = (target: CheckpointTarget, error?: string) =>
  from({
    kind: 'checkpoint',
    sequenceNumber: target === 'SHARD_END' ? undefined : target.sequenceNumber,
    subSequenceNumber: target === 'SHARD_END' ? undefined : target.subSequenceNumber,
    error,
  });

const ready = [initialize(), done];

function short(output: SessionOutput): string {
  switch (output.kind) {
    case 'send':
      return output.message.kind === 'status'
        ? `status ${output.message.responseFor}`
        : `checkpoint ${name(output.message.target)}`;
    case 'begin':
      return `begin ${output.message.kind}`;
    case 'checkpointAnswered':
      return `answered ${name(output.target)} ${output.result.kind}`;
    case 'rejected':
      return `rejected ${output.input} ${output.code}`;
    case 'leaseDoubt':
      return 'doubt';
    case 'ended':
      return `ended ${output.why}`;
    case 'violation':
      return 'violation';
    default:
      return output satisfies never;
  }
}

const name = (target: CheckpointTarget) =>
  target === 'SHARD_END' ? target : `${target.sequenceNumber}/${target.subSequenceNumber}`;

function run(inputs: readonly SessionInput[], settings = STRICT): { state: SessionState; outputs: SessionOutput[] } {
  let state = startSession();
  const outputs: SessionOutput[] = [];
  for (const input of inputs) {
    const next = step(state, input, settings);
    state = next.state;
    outputs.push(...next.outputs);
  }
  return { state, outputs };
}

/** What the last of these inputs gave. */
function last(...inputs: SessionInput[]): string[] {
  const before = run(inputs.slice(0, -1)).outputs.length;
  return run(inputs).outputs.slice(before).map(short);
}

describe('S1: one action, one status', () => {
  it('begins an action when it comes and acknowledges it when its work is done', () => {
    expect(run([...ready, records(record('1')), done]).outputs.map(short)).toEqual([
      'begin initialize',
      'status initialize',
      'begin processRecords',
      'status processRecords',
    ]);
  });

  it('refuses to acknowledge twice or without an action', () => {
    expect(last(done)).toEqual(['rejected actionDone NO_OPEN_ACTION']);
    expect(last(...ready, done)).toEqual(['rejected actionDone NO_OPEN_ACTION']);
  });

  it('holds the status back until the checkpoint is answered', () => {
    const waiting = [...ready, records(record('7')), checkpoint(at('7')), done];

    expect(last(...waiting)).toEqual([]);
    expect(last(...waiting, done)).toEqual(['rejected actionDone NO_OPEN_ACTION']);
    expect(last(...waiting, answer(at('7')))).toEqual(['answered 7/0 ok', 'status processRecords']);
    expect(last(...waiting, answer(at('7'), 'ThrottlingException'))).toEqual([
      'answered 7/0 retryable',
      'status processRecords',
    ]);
  });

  it.each([
    ['an action before initialize', [records()]],
    ['a checkpoint answer before initialize', [answer(at('1'))]],
    ['a second initialize', [...ready, initialize()]],
    ['an action while one is open', [...ready, records(), leaseLost]],
    ['an action while a checkpoint is in flight', [...ready, records(record('1')), checkpoint(at('1')), leaseLost]],
    ['an answer to nothing between actions', [...ready, answer(at('1'))]],
    ['an answer to nothing inside an action', [...ready, records(record('1')), answer(at('1'))]],
    ['an answer with another position', [...ready, records(record('1')), checkpoint(at('1')), answer(at('1', 1))]],
    ['an answer without position', [...ready, records(record('1')), checkpoint(at('1')), answer('SHARD_END')]],
    [
      'an answer with a position at the end of the shard',
      [...ready, shardEnded, checkpoint('SHARD_END'), answer(at('1'))],
    ],
    ['an action after the lease was lost', [...ready, leaseLost, done, records()]],
  ])('ends in a violation on %s', (_, inputs) => {
    const { state, outputs } = run(inputs);

    expect(outputs.at(-1)?.kind).toBe('violation');
    expect(state).toEqual({ kind: 'ended', why: 'violation' });
  });

  it('says a violation once and does nothing more', () => {
    const broken = [...ready, initialize()];

    expect(last(...broken, records())).toEqual([]);
    expect(last(...broken, endOfInput)).toEqual([]);
    expect(last(...broken, done)).toEqual(['rejected actionDone ENDED']);
  });
});

describe('S2: checkpoints', () => {
  const delivered = [...ready, records(record('5'), record('9', 2))];

  it.each([at('5'), at('7'), at('9', 1), at('9', 2)])(
    'sends an explicit position up to the last delivered: %j',
    (target) => {
      expect(last(...delivered, checkpoint(target))).toEqual([`checkpoint ${name(target)}`]);
    },
  );

  it.each<[string, SessionInput[], CheckpointTarget, string]>([
    ['before initialize', [], at('5'), 'NO_OPEN_ACTION'],
    ['between actions', [...delivered, done], at('5'), 'NO_OPEN_ACTION'],
    ['in initialize', [initialize('4')], at('4'), 'NO_CHECKPOINTER'],
    ['in leaseLost', [...delivered, done, leaseLost], at('5'), 'NO_CHECKPOINTER'],
    ['with one in flight', [...delivered, checkpoint(at('5'))], at('9'), 'CHECKPOINT_IN_FLIGHT'],
    ['with one in flight after the work', [...delivered, checkpoint(at('5')), done], at('9'), 'CHECKPOINT_IN_FLIGHT'],
    ['beyond the last sequence number', delivered, at('10'), 'BEYOND_DELIVERED'],
    ['beyond the last sub-sequence number', delivered, at('9', 3), 'BEYOND_DELIVERED'],
    ['before anything was delivered', [...ready, records()], at('0'), 'BEYOND_DELIVERED'],
    ['at a sentinel', delivered, at('LATEST'), 'NOT_A_SEQUENCE_NUMBER'],
    ['at a negative sub-sequence number', delivered, at('5', -1), 'NOT_A_SEQUENCE_NUMBER'],
    ['at the end of a shard that has not ended', delivered, 'SHARD_END', 'SHARD_END_ONLY_AT_SHARD_END'],
    [
      'at the end of the shard on shutdown',
      [...delivered, done, shutdownRequested],
      'SHARD_END',
      'SHARD_END_ONLY_AT_SHARD_END',
    ],
    ['behind the last one', [...delivered, checkpoint(at('7')), answer(at('7'))], at('5'), 'BACKWARDS'],
    ['again where it is stored', [...delivered, checkpoint(at('7')), answer(at('7'))], at('007'), 'BACKWARDS'],
    [
      'behind one that failed',
      [...delivered, checkpoint(at('7')), answer(at('7'), 'ThrottlingException')],
      at('5'),
      'BACKWARDS',
    ],
    ['where the session started', [initialize('5', 1), done, records(record('5', 2))], at('5', 1), 'BACKWARDS'],
  ])('refuses one %s', (_, before, target, code) => {
    expect(last(...before, checkpoint(target))).toEqual([`rejected checkpoint ${code}`]);
  });

  it('sends the one that failed last again, or a later one', () => {
    const failed = [...delivered, checkpoint(at('7')), answer(at('7'), 'ThrottlingException'), done, records()];

    expect(last(...failed, checkpoint(at('7')))).toEqual(['checkpoint 7/0']);
    expect(last(...failed, checkpoint(at('9', 1)))).toEqual(['checkpoint 9/1']);
  });

  it('writes a checkpoint on an empty batch and on shutdown when progress was made', () => {
    expect(last(...delivered, done, records(), checkpoint(at('9', 2)))).toEqual(['checkpoint 9/2']);
    expect(last(...delivered, done, shutdownRequested, checkpoint(at('9', 2)))).toEqual(['checkpoint 9/2']);
  });

  it('leaves only the comparison with the start to the daemon when validation is off', () => {
    const inputs = [initialize('5'), done, records(record('9'))];

    expect(
      run([...inputs, checkpoint(at('4'))], LENIENT)
        .outputs.map(short)
        .at(-1),
    ).toBe('checkpoint 4/0');
    expect(
      run([...inputs, checkpoint(at('10'))], LENIENT)
        .outputs.map(short)
        .at(-1),
    ).toBe('rejected checkpoint BEYOND_DELIVERED');
  });
});

describe('S3: the end of a shard', () => {
  const ending = [...ready, records(record('5')), done, shardEnded];

  it('is acknowledged only after its checkpoint is stored', () => {
    expect(last(...ending, done)).toEqual(['rejected actionDone SHARD_END_NOT_CHECKPOINTED']);
    expect(last(...ending, checkpoint('SHARD_END'))).toEqual(['checkpoint SHARD_END']);
    expect(last(...ending, checkpoint('SHARD_END'), answer('SHARD_END'), done)).toEqual([
      'status shardEnded',
      'ended shardEnded',
    ]);
    expect(last(...ending, checkpoint('SHARD_END'), done, answer('SHARD_END'))).toEqual([
      'answered SHARD_END ok',
      'status shardEnded',
      'ended shardEnded',
    ]);
  });

  it('takes no position, since that would keep the child shards from starting', () => {
    expect(last(...ending, checkpoint(at('5')))).toEqual(['rejected checkpoint POSITION_AT_SHARD_END']);
  });

  it('keeps the action open on every error, and allows every number of attempts', () => {
    const errors = ['ThrottlingException', 'InvalidStateException', 'IllegalArgumentException', 'NullPointerException'];
    const attempts = errors.flatMap((error) => [checkpoint('SHARD_END'), answer('SHARD_END', error)]);

    const { outputs } = run([...ending, ...attempts, checkpoint('SHARD_END'), answer('SHARD_END'), done]);

    expect(outputs.slice(5).map(short)).toEqual([
      ...errors.flatMap(() => ['checkpoint SHARD_END', 'answered SHARD_END retryable']),
      'checkpoint SHARD_END',
      'answered SHARD_END ok',
      'status shardEnded',
      'ended shardEnded',
    ]);
  });

  it('takes back a hasty actionDone when the checkpoint fails', () => {
    const hasty = [...ending, checkpoint('SHARD_END'), done, answer('SHARD_END', 'ThrottlingException')];

    expect(last(...hasty)).toEqual(['answered SHARD_END retryable', 'rejected actionDone SHARD_END_NOT_CHECKPOINTED']);
    expect(last(...hasty, checkpoint('SHARD_END'), answer('SHARD_END'), done)).toContain('status shardEnded');
  });

  it('does not write the checkpoint a second time once it is stored', () => {
    expect(last(...ending, checkpoint('SHARD_END'), answer('SHARD_END'), checkpoint('SHARD_END'))).toEqual([
      'rejected checkpoint BACKWARDS',
    ]);
  });

  it('is acknowledged without a checkpoint when the lease turned out to be lost', () => {
    const lost = [...ending, checkpoint('SHARD_END'), answer('SHARD_END', 'ShutdownException')];

    expect(last(...lost)).toEqual(['answered SHARD_END leaseLost', 'doubt']);
    expect(last(...lost, checkpoint('SHARD_END'))).toEqual(['rejected checkpoint IN_DOUBT']);
    expect(last(...lost, done)).toEqual(['status shardEnded', 'ended shardEnded']);
  });
});

describe('S4: lease doubt', () => {
  const working = [...ready, records(record('5'))];

  it('follows from ShutdownException, after the answer is told', () => {
    expect(last(...working, checkpoint(at('5')), answer(at('5'), 'ShutdownException'))).toEqual([
      'answered 5/0 leaseLost',
      'doubt',
    ]);
    expect(last(...working, checkpoint(at('5')), done, answer(at('5'), 'ShutdownException'))).toEqual([
      'answered 5/0 leaseLost',
      'doubt',
      'status processRecords',
    ]);
  });

  it('is told once', () => {
    expect(last(...working, doubt)).toEqual(['doubt']);
    expect(last(...working, doubt, doubt)).toEqual([]);
    expect(last(...working, doubt, endOfInput)).toEqual(['ended endOfInput']);
  });

  it('ends checkpoints for ever, while actions are begun and acknowledged', () => {
    const doubted = [...working, doubt];

    expect(last(...doubted, checkpoint(at('5')))).toEqual(['rejected checkpoint IN_DOUBT']);
    expect(last(...doubted, done, records(record('6')))).toEqual(['begin processRecords']);
    expect(last(...doubted, done, records(record('6')), checkpoint(at('6')))).toEqual(['rejected checkpoint IN_DOUBT']);
    expect(last(...doubted, done, records(record('6')), done)).toEqual(['status processRecords']);
    expect(last(...doubted, done, shardEnded, done)).toEqual(['status shardEnded', 'ended shardEnded']);
    expect(last(...doubted, done, leaseLost, done)).toEqual(['status leaseLost', 'ended leaseLost']);
  });

  it('may come at any time, also before the first message and with a checkpoint in flight', () => {
    expect(last(doubt, initialize())).toEqual(['begin initialize']);
    expect(last(...working, checkpoint(at('5')), doubt, answer(at('5')))).toEqual(['answered 5/0 ok']);
    expect(last(...ready, doubt)).toEqual(['doubt']);
  });

  it('follows from end of input inside an action, whose late end is refused', () => {
    expect(last(...working, endOfInput)).toEqual(['doubt', 'ended endOfInput']);
    expect(last(...working, endOfInput, done)).toEqual(['rejected actionDone ENDED']);
    expect(last(...working, endOfInput, checkpoint(at('5')))).toEqual(['rejected checkpoint ENDED']);
    expect(last(...working, endOfInput, doubt)).toEqual([]);
    expect(last(...working, endOfInput, endOfInput)).toEqual([]);
  });
});

describe('S6: short lives', () => {
  it('ends on leaseLost, and the end of input after it is quiet', () => {
    expect(last(...ready, shutdownRequested, done, leaseLost, done)).toEqual(['status leaseLost', 'ended leaseLost']);
    expect(last(...ready, leaseLost, done, endOfInput)).toEqual([]);
  });

  it('takes end of input after initialize, or before it, as normal', () => {
    expect(last(...ready, endOfInput)).toEqual(['doubt', 'ended endOfInput']);
    expect(last(initialize(), endOfInput)).toEqual(['doubt', 'ended endOfInput']);
    expect(last(endOfInput)).toEqual(['doubt', 'ended endOfInput']);
  });
});

describe('S7: redelivery', () => {
  it('is begun like any batch and does not lower the largest delivered position', () => {
    const replayed = [...ready, records(record('5'), record('9', 1)), done, records(record('5'), record('9'))];

    expect(last(...replayed)).toEqual(['begin processRecords']);
    expect(last(...replayed, checkpoint(at('9', 1)))).toEqual(['checkpoint 9/1']);
  });

  it('finds the largest position by number, wherever it stands in the batch', () => {
    expect(last(...ready, records(record('100'), record('20')), checkpoint(at('100')))).toEqual(['checkpoint 100/0']);
  });
});

describe('S8: what a checkpoint error means', () => {
  it.each([
    ['ThrottlingException', 'retryable'],
    ['KinesisClientLibDependencyException', 'retryable'],
    ['RuntimeException', 'retryable'],
    ['NumberFormatException', 'retryable'],
    ['', 'retryable'],
    ['ShutdownException', 'leaseLost'],
    ['IllegalArgumentException', 'refused'],
    ['InvalidStateException', 'refused'],
  ])('%s is %s', (error, kind) => {
    const { outputs } = run([...ready, records(record('5')), checkpoint(at('5')), answer(at('5'), error)]);

    expect(outputs.find((output) => output.kind === 'checkpointAnswered')).toEqual({
      kind: 'checkpointAnswered',
      target: at('5'),
      result: { kind, error },
    });
  });
});

describe('what is wrong', () => {
  const open = [...ready, records(record('1'))];
  const ended = [...ready, leaseLost, done];

  it.each<[string, readonly SessionInput[]]>([
    ['shardEnded came before initialize.', [shardEnded]],
    ['initialize came twice.', [...ready, initialize()]],
    ['leaseLost came while processRecords was not acknowledged yet.', [...open, leaseLost]],
    ['leaseLost came while processRecords was not acknowledged yet.', [...open, checkpoint(at('1')), done, leaseLost]],
    ['shardEnded came after the session had ended (leaseLost).', [...ended, shardEnded]],
    ['A checkpoint was answered that this session did not send.', [...open, answer(at('1'))]],
    [
      'The answer to the checkpoint at (1, 0) names another position: something else writes to the daemon.',
      [...open, checkpoint(at('1')), answer(at('2'))],
    ],
    ['The session has ended (leaseLost).', [...ended, done]],
    ['No action is open.', [...ready, done]],
    ['No action is open.', [done]],
    ['processRecords was declared done before.', [...open, checkpoint(at('1')), done, done]],
    ['No action is open: the daemon would run this checkpoint against the next one.', [...ready, checkpoint(at('1'))]],
    ['The checkpoint at (1, 0) is not answered yet.', [...open, checkpoint(at('1')), checkpoint(at('1'))]],
    [
      'shardEnded cannot be acknowledged before SHARD_END is checkpointed: its child shards would never start.',
      [...open, checkpoint(at('1')), answer(at('1')), done, shardEnded, done],
    ],
  ])('is told: %s', (detail, inputs) => {
    expect(run(inputs).outputs.at(-1)).toMatchObject({ detail });
  });

  it('is told of a lease in doubt', () => {
    const lost = run([...open, checkpoint(at('1')), answer(at('1'), 'ShutdownException')]).outputs;
    expect(lost).toContainEqual({ kind: 'leaseDoubt', why: 'the daemon answered a checkpoint with ShutdownException' });
    expect(run([...open, endOfInput]).outputs).toContainEqual({
      kind: 'leaseDoubt',
      why: 'The daemon closed the channel.',
    });
  });
});
