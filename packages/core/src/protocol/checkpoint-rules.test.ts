import { describe, expect, it } from 'vitest';
import { answers, describeTarget, refuseCheckpoint } from './checkpoint-rules.js';
import type { Action, CheckpointTarget } from './messages.js';
import type { Ledger } from './session-types.js';

const at = (sequenceNumber: string, subSequenceNumber = 0) => ({ sequenceNumber, subSequenceNumber });
const STRICT = { validateSequenceNumber: true };
const held: Ledger = {
  lease: 'held',
  initial: at('10'),
  delivered: at('20', 3),
  lastCheckpoint: { kind: 'stored', target: at('15') },
};

describe('a checkpoint that is refused', () => {
  it.each<[string, Action, CheckpointTarget, Partial<Ledger>]>([
    ['The lease is in doubt: this session checkpoints no more.', 'processRecords', at('16'), { lease: 'inDoubt' }],
    ['The daemon takes no checkpoint during initialize.', 'initialize', at('16'), {}],
    ['The daemon takes no checkpoint during leaseLost.', 'leaseLost', at('16'), {}],
    [
      'At the end of a shard only SHARD_END is checkpointed: a position would keep its child shards from starting.',
      'shardEnded',
      at('16'),
      {},
    ],
    [
      'SHARD_END cannot be checkpointed during processRecords: the daemon would take it for all that was delivered.',
      'processRecords',
      'SHARD_END',
      {},
    ],
    [
      '(LATEST, 0) is no position: it takes a decimal sequence number and a whole sub-sequence number of 0 or more.',
      'processRecords',
      at('LATEST'),
      {},
    ],
    ['(20, 4) lies beyond the last delivered record, (20, 3).', 'processRecords', at('20', 4), {}],
    ['(16, 0) lies beyond the last delivered record, none.', 'processRecords', at('16'), { delivered: undefined }],
    ['(10, 0) does not lie after (10, 0), where this session started.', 'shutdownRequested', at('10'), {}],
    ['(15, 0) does not lie after the last checkpoint, (15, 0).', 'processRecords', at('15'), {}],
    [
      'SHARD_END does not lie after the last checkpoint, SHARD_END.',
      'shardEnded',
      'SHARD_END',
      { lastCheckpoint: { kind: 'stored', target: 'SHARD_END' } },
    ],
  ])('is told why: %s', (detail, action, target, ledger) => {
    expect(refuseCheckpoint({ action, ledger: { ...held, ...ledger } }, target, STRICT)?.detail).toBe(detail);
  });
});

describe('an answer', () => {
  const answer = (sequenceNumber?: string, subSequenceNumber?: number) =>
    ({ kind: 'checkpoint', sequenceNumber, subSequenceNumber, error: undefined }) as const;

  it('to the end of the shard names no position at all', () => {
    expect(answers(answer(), 'SHARD_END')).toBe(true);
    expect(answers(answer('16', 0), 'SHARD_END')).toBe(false);
    expect(answers(answer('16'), 'SHARD_END')).toBe(false);
    expect(answers(answer(undefined, 0), 'SHARD_END')).toBe(false);
  });

  it('to a position names both of its numbers', () => {
    expect(answers(answer('16', 1), at('16', 1))).toBe(true);
    expect(answers(answer('16', 2), at('16', 1))).toBe(false);
    expect(answers(answer('17', 1), at('16', 1))).toBe(false);
    expect(answers(answer(), at('16', 1))).toBe(false);
  });
});

it('targets are described as they are', () => {
  expect(describeTarget(undefined)).toBe('none');
  expect(describeTarget('SHARD_END')).toBe('SHARD_END');
  expect(describeTarget(at('16', 1))).toBe('(16, 1)');
});
