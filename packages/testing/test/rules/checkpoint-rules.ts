/** Which checkpoints the daemon takes, and how it refuses the others. */
import { START, type Deed, type Refusal, type Rule, type Script } from './rule.js';

/** One batch, one child that works through it. */
function inOneBatch(
  { id, says }: Pick<Rule, 'id' | 'says'>,
  {
    records,
    deeds,
    dialogue,
    stored,
  }: {
    readonly records: Parameters<typeof batchOf>[0];
    readonly deeds: readonly Deed[];
    readonly dialogue: readonly string[];
    readonly stored: string;
  },
): Rule {
  return {
    id,
    says,
    scenario: {
      shards: ['A'],
      scripts: { A: [{ processRecords: [deeds] }] },
      moves: [batchOf(records)],
      expected: {
        dialogues: {
          A: [[...START, `> processRecords ${records.flat().join(' ')}`, ...dialogue, '< status processRecords']],
        },
        stored: { A: stored },
        worker: 'serving',
      },
    },
  };
}

function batchOf(records: readonly (string | readonly string[])[]) {
  return { kind: 'deliver', shard: 'A', records } as const;
}

/** The store refuses once; the next checkpoint is taken. */
function refusedWith(error: Refusal): Rule {
  const gate = `${error}-over`;
  const script: Script = {
    processRecords: [
      [
        { kind: 'checkpoint', at: { record: 'a' } },
        { kind: 'hold', until: gate },
        { kind: 'checkpoint', at: { record: 'b' } },
      ],
    ],
  };
  return {
    id: `refused-${error}`,
    says: `A store that refuses is answered with the simple name of the Java class, ${error}; the action goes on, and a later checkpoint may be stored.`,
    scenario: {
      shards: ['A'],
      scripts: { A: [script] },
      moves: [
        { kind: 'refuse', shard: 'A', error },
        { kind: 'deliver', shard: 'A', records: ['a', 'b'], until: 'delivered' },
        { kind: 'await', shard: 'A', line: `> checkpoint a: ${error}` },
        { kind: 'recover', shard: 'A' },
        { kind: 'release', gate },
        { kind: 'await', shard: 'A', line: '< status processRecords' },
      ],
      expected: {
        dialogues: {
          A: [
            [
              ...START,
              '> processRecords a b',
              '< checkpoint a',
              `> checkpoint a: ${error}`,
              '< checkpoint b',
              '> checkpoint b: ok',
              '< status processRecords',
            ],
          ],
        },
        stored: { A: 'b' },
        worker: 'serving',
      },
    },
  };
}

export const checkpointRules: readonly Rule[] = [
  inOneBatch(
    {
      id: 'range',
      says: 'A checkpoint lies between the last one and the newest record delivered; others, and what is no position, are refused with IllegalArgumentException.',
    },
    {
      records: ['a', 'b', 'c'],
      deeds: [
        { kind: 'checkpoint', at: { record: 'b' } },
        { kind: 'checkpoint', at: { record: 'a' } },
        { kind: 'checkpoint', at: { beyond: 'c' } },
        { kind: 'checkpoint', at: { record: 'c', sub: 1 } },
        { kind: 'checkpoint', at: { record: 'c', sub: -1 } },
        { kind: 'checkpoint', at: { text: 'nonsense' } },
        { kind: 'checkpoint', at: { record: 'c' } },
      ],
      dialogue: [
        '< checkpoint b',
        '> checkpoint b: ok',
        '< checkpoint a',
        '> checkpoint a: IllegalArgumentException',
        '< checkpoint unknown',
        '> checkpoint unknown: IllegalArgumentException',
        '< checkpoint unknown/1',
        '> checkpoint unknown/1: IllegalArgumentException',
        '< checkpoint unknown/-1',
        '> checkpoint unknown/-1: IllegalArgumentException',
        '< checkpoint nonsense',
        '> checkpoint nonsense: IllegalArgumentException',
        '< checkpoint c',
        '> checkpoint c: ok',
      ],
      stored: 'c',
    },
  ),
  inOneBatch(
    {
      id: 'whole-batch',
      says: 'All of a batch may be checkpointed as soon as it is delivered; a checkpoint without numbers stands at its end.',
    },
    {
      records: ['a', 'b', 'c'],
      deeds: [{ kind: 'checkpoint' }],
      dialogue: ['< checkpoint', '> checkpoint: ok'],
      stored: 'c',
    },
  ),
  inOneBatch(
    {
      id: 'trailing-text',
      says: 'A message counts although other text follows it in its line.',
    },
    {
      records: ['a'],
      deeds: [{ kind: 'say', line: '{"action":"checkpoint"} and more', asks: true }, { kind: 'reply' }],
      dialogue: ['< {"action":"checkpoint"} and more', '> checkpoint: ok'],
      stored: 'a',
    },
  ),
  inOneBatch(
    {
      id: 'error-field',
      says: 'The child may write the field `error` of a checkpoint itself; it counts for nothing.',
    },
    {
      records: ['a'],
      deeds: [{ kind: 'say', line: '{"action":"checkpoint","error":null}', asks: true }, { kind: 'reply' }],
      dialogue: ['< checkpoint: ok', '> checkpoint: ok'],
      stored: 'a',
    },
  ),
  inOneBatch(
    {
      id: 'line-ends',
      says: 'A carriage return ends a line as a line feed does.',
    },
    {
      records: ['a'],
      deeds: [{ kind: 'say', line: '50 %\r{"action":"checkpoint"}\r', asks: true }, { kind: 'reply' }],
      dialogue: ['< 50 %\r{"action":"checkpoint"}\r', '> checkpoint: ok'],
      stored: 'a',
    },
  ),
  inOneBatch(
    {
      id: 'sub-sequence-default',
      says: 'A checkpoint without a sub-sequence number stands at sub-sequence number 0.',
    },
    {
      records: [['k0', 'k1', 'k2']],
      deeds: [
        { kind: 'checkpoint', at: { record: 'k1', sub: 'none' } },
        // Would be refused if the one before stood any further.
        { kind: 'checkpoint', at: { record: 'k0' } },
        { kind: 'checkpoint', at: { record: 'k2' } },
        { kind: 'checkpoint', at: { record: 'k1', sub: 'none' } },
      ],
      dialogue: [
        '< checkpoint k0 without sub',
        '> checkpoint k0 without sub: ok',
        '< checkpoint k0',
        '> checkpoint k0: ok',
        '< checkpoint k2',
        '> checkpoint k2: ok',
        '< checkpoint k0 without sub',
        '> checkpoint k0 without sub: IllegalArgumentException',
      ],
      stored: 'k2',
    },
  ),
  {
    id: 'equal-checkpoint',
    says: 'The stored checkpoint once more succeeds without asking the store.',
    scenario: {
      shards: ['A'],
      scripts: {
        A: [
          {
            processRecords: [
              [
                { kind: 'checkpoint', at: { record: 'a' } },
                { kind: 'hold', until: 'equal-checkpoint' },
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
        { kind: 'refuse', shard: 'A', error: 'KinesisClientLibDependencyException' },
        { kind: 'release', gate: 'equal-checkpoint' },
        { kind: 'await', shard: 'A', line: '< status processRecords' },
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
              '> checkpoint b: KinesisClientLibDependencyException',
              '< status processRecords',
            ],
          ],
        },
        stored: { A: 'a' },
        worker: 'serving',
      },
    },
  },
  {
    ...refusedWith('ThrottlingException'),
    notOnDaemon:
      'the transcript `j-checkpoint-throttled` of the daemon: its client repeats a throttled call for 50 seconds, and renews no lease meanwhile',
  },
  refusedWith('KinesisClientLibDependencyException'),
  refusedWith('InvalidStateException'),
  {
    id: 'none-in-initialize',
    says: 'In initialize there is no checkpointer: InvalidStateException.',
    scenario: {
      shards: ['A'],
      scripts: { A: [{ initialize: [[{ kind: 'checkpoint', at: { text: '1' } }]] }] },
      moves: [{ kind: 'await', shard: 'A', line: '< status initialize' }],
      expected: {
        dialogues: {
          A: [
            [
              '> initialize at TRIM_HORIZON',
              '< checkpoint 1',
              '> checkpoint 1: InvalidStateException',
              '< status initialize',
            ],
          ],
        },
        stored: { A: 'nothing' },
        worker: 'serving',
      },
    },
  },
];
