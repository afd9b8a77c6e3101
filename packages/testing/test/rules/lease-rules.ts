/** How a shard comes and goes: lost, handed over, ended, split. */
import { START, type Deed, type Move, type Rule, type Seen } from './rule.js';

const BATCH_A = ['> processRecords a', '< status processRecords'];
const END = ['< status shardEnded', '> end of input'];
const CHILD_B = [...START, '> processRecords b', '< status processRecords'];

/** A shard that is split; its first child has a record from the start on. */
function splitRule({
  id,
  says,
  inBatch = [],
  atEnd,
  dialogue,
  stored,
  children,
}: Pick<Rule, 'id' | 'says'> & {
  readonly inBatch?: readonly Deed[];
  readonly atEnd: readonly Deed[];
  readonly dialogue: readonly string[];
  readonly stored: string;
  readonly children: 'start' | 'wait';
}): Rule {
  const starts = children === 'start';
  const later: readonly Move[] = starts
    ? [
        { kind: 'await', shard: 'P.1', line: '< status processRecords' },
        { kind: 'await', shard: 'P.2', line: '< status initialize' },
      ]
    : [];
  const dialogues: Seen['dialogues'] = {
    P: [[...START, ...dialogue]],
    'P.1': starts ? [CHILD_B] : [],
    'P.2': starts ? [START] : [],
  };
  return {
    id,
    says,
    scenario: {
      shards: ['P'],
      scripts: { P: [{ processRecords: [inBatch], shardEnded: [atEnd] }] },
      moves: [
        { kind: 'deliver', shard: 'P', records: ['a'] },
        { kind: 'split', shard: 'P' },
        { kind: 'deliver', shard: 'P.1', records: ['b'], until: 'queued' },
        { kind: 'await', shard: 'P', line: '> end of input' },
        ...later,
      ],
      expected: { dialogues, stored: { P: stored, 'P.1': 'nothing', 'P.2': 'nothing' }, worker: 'serving' },
    },
  };
}

export const leaseRules: readonly Rule[] = [
  {
    id: 'lease-lost',
    says: 'A stolen lease shows in a checkpoint that is refused with ShutdownException; leaseLost comes when the running action is answered. It has no checkpointer, and after it comes the end of input.',
    scenario: {
      shards: ['A'],
      scripts: {
        A: [
          {
            processRecords: [
              [
                { kind: 'hold', until: 'stolen' },
                { kind: 'checkpoint', at: { record: 'a' } },
              ],
            ],
            leaseLost: [[{ kind: 'checkpoint', at: { record: 'a' } }]],
          },
        ],
      },
      moves: [
        { kind: 'deliver', shard: 'A', records: ['a'], until: 'delivered' },
        { kind: 'loseLease', shard: 'A' },
        { kind: 'release', gate: 'stolen' },
        { kind: 'await', shard: 'A', line: '> end of input' },
      ],
      expected: {
        dialogues: {
          A: [
            [
              ...START,
              '> processRecords a',
              '< checkpoint a',
              '> checkpoint a: ShutdownException',
              '< status processRecords',
              '> leaseLost',
              '< checkpoint a',
              '> checkpoint a: InvalidStateException',
              '< status leaseLost',
              '> end of input',
            ],
          ],
        },
        stored: { A: 'nothing' },
        worker: 'serving',
      },
    },
  },
  {
    id: 'hand-over',
    says: 'A lease that another worker asks for: shutdownRequested, in which a checkpoint may be stored, then leaseLost, then the end of input.',
    scenario: {
      shards: ['A'],
      scripts: { A: [{ shutdownRequested: [[{ kind: 'checkpoint', at: { record: 'a' } }]] }] },
      moves: [
        { kind: 'deliver', shard: 'A', records: ['a'] },
        { kind: 'handOver', shard: 'A' },
        { kind: 'await', shard: 'A', line: '> end of input' },
      ],
      expected: {
        dialogues: {
          A: [
            [
              ...START,
              ...BATCH_A,
              '> shutdownRequested',
              '< checkpoint a',
              '> checkpoint a: ok',
              '< status shutdownRequested',
              '> leaseLost',
              '< status leaseLost',
              '> end of input',
            ],
          ],
        },
        stored: { A: 'a' },
        worker: 'serving',
      },
    },
  },
  {
    id: 'shard-end',
    says: 'A checkpoint without numbers at shardEnded stores SHARD_END. Children start then, and no earlier, at their beginning.',
    scenario: {
      shards: ['P'],
      scripts: {
        P: [{ shardEnded: [[{ kind: 'checkpoint' }, { kind: 'hold', until: 'shard-end' }, { kind: 'checkpoint' }]] }],
      },
      moves: [
        { kind: 'deliver', shard: 'P', records: ['a'] },
        { kind: 'refuse', shard: 'P', error: 'KinesisClientLibDependencyException' },
        { kind: 'split', shard: 'P' },
        { kind: 'deliver', shard: 'P.1', records: ['b'], until: 'queued' },
        { kind: 'await', shard: 'P', line: '> checkpoint: KinesisClientLibDependencyException' },
        { kind: 'silent', shard: 'P.1' },
        { kind: 'silent', shard: 'P.2' },
        { kind: 'recover', shard: 'P' },
        { kind: 'release', gate: 'shard-end' },
        { kind: 'await', shard: 'P.1', line: '< status processRecords' },
        { kind: 'await', shard: 'P.2', line: '< status initialize' },
      ],
      expected: {
        dialogues: {
          P: [
            [
              ...START,
              ...BATCH_A,
              '> shardEnded',
              '< checkpoint',
              '> checkpoint: KinesisClientLibDependencyException',
              '< checkpoint',
              '> checkpoint: ok',
              ...END,
            ],
          ],
          'P.1': [CHILD_B],
          'P.2': [START],
        },
        stored: { P: 'SHARD_END', 'P.1': 'nothing', 'P.2': 'nothing' },
        worker: 'serving',
      },
    },
  },
  {
    id: 'stored-before-loss',
    says: 'The stored checkpoint once more succeeds even when the lease is gone.',
    scenario: {
      shards: ['A'],
      scripts: {
        A: [
          {
            processRecords: [
              [
                { kind: 'checkpoint', at: { record: 'a' } },
                { kind: 'hold', until: 'gone' },
                { kind: 'checkpoint', at: { record: 'a' } },
                { kind: 'checkpoint', at: { record: 'b' } },
              ],
            ],
          },
        ],
      },
      moves: [
        { kind: 'deliver', shard: 'A', records: ['a', 'b'], until: 'delivered' },
        { kind: 'await', shard: 'A', line: '> checkpoint a: ok' },
        { kind: 'loseLease', shard: 'A' },
        { kind: 'release', gate: 'gone' },
        { kind: 'await', shard: 'A', line: '> end of input' },
      ],
      expected: {
        dialogues: {
          A: [
            [
              ...START,
              '> processRecords a b',
              '< checkpoint a',
              '> checkpoint a: ok',
              '< checkpoint a',
              '> checkpoint a: ok',
              '< checkpoint b',
              '> checkpoint b: ShutdownException',
              '< status processRecords',
              '> leaseLost',
              '< status leaseLost',
              '> end of input',
            ],
          ],
        },
        stored: { A: 'a' },
        worker: 'serving',
      },
    },
  },
  {
    id: 'merge',
    says: 'The child of two shards starts when both have ended.',
    scenario: {
      shards: ['A', 'B'],
      scripts: { B: [{ shardEnded: [[{ kind: 'hold', until: 'merge' }, { kind: 'checkpoint' }]] }] },
      moves: [
        { kind: 'deliver', shard: 'A', records: ['a'] },
        { kind: 'merge', shard: 'A', other: 'B' },
        { kind: 'deliver', shard: 'A+B', records: ['b'], until: 'queued' },
        { kind: 'await', shard: 'A', line: '> end of input' },
        { kind: 'await', shard: 'B', line: '> shardEnded' },
        { kind: 'silent', shard: 'A+B' },
        { kind: 'release', gate: 'merge' },
        { kind: 'await', shard: 'A+B', line: '< status processRecords' },
      ],
      expected: {
        dialogues: {
          A: [[...START, ...BATCH_A, '> shardEnded', '< checkpoint', '> checkpoint: ok', ...END]],
          B: [[...START, '> shardEnded', '< checkpoint', '> checkpoint: ok', ...END]],
          'A+B': [CHILD_B],
        },
        stored: { A: 'SHARD_END', B: 'SHARD_END', 'A+B': 'nothing' },
        worker: 'serving',
      },
    },
  },
  splitRule({
    id: 'shard-end-by-position',
    says: 'The position of the last record, given at shardEnded, is stored as SHARD_END.',
    atEnd: [{ kind: 'checkpoint', at: { record: 'a' } }],
    dialogue: [...BATCH_A, '> shardEnded', '< checkpoint a', '> checkpoint a: ok', ...END],
    stored: 'SHARD_END',
    children: 'start',
  }),
  splitRule({
    id: 'shard-end-already-stored',
    says: 'Where that position was stored before, nothing is written, the shard never ends, and its children never start.',
    inBatch: [{ kind: 'checkpoint', at: { record: 'a' } }],
    atEnd: [{ kind: 'checkpoint', at: { record: 'a' } }],
    dialogue: [
      '> processRecords a',
      '< checkpoint a',
      '> checkpoint a: ok',
      '< status processRecords',
      '> shardEnded',
      '< checkpoint a',
      '> checkpoint a: ok',
      ...END,
    ],
    stored: 'a',
    children: 'wait',
  }),
  splitRule({
    id: 'shard-end-without-checkpoint',
    says: 'A shard whose end was acknowledged without a checkpoint has not ended; its children never start.',
    atEnd: [],
    dialogue: [...BATCH_A, '> shardEnded', ...END],
    stored: 'nothing',
    children: 'wait',
  }),
];
