/** What the next worker delivers, after one that stopped in order and after one that was killed. */
import { START, type At, type Move, type Put, type Rule } from './rule.js';

const GOODBYE = [
  '> shutdownRequested',
  '< status shutdownRequested',
  '> leaseLost',
  '< status leaseLost',
  '> end of input',
];

/** One batch with a checkpoint in it, another worker, and what that one delivers. */
function restartRule({
  id,
  says,
  records,
  checkpoint,
  by = 'restart',
  again,
}: Pick<Rule, 'id' | 'says'> & {
  readonly records: readonly Put[];
  readonly checkpoint?: At & { readonly record: string };
  readonly by?: 'restart' | 'kill';
  readonly again: readonly string[];
}): Rule {
  const asked =
    checkpoint === undefined ? [] : [`< checkpoint ${checkpoint.record}`, `> checkpoint ${checkpoint.record}: ok`];
  const stored = checkpoint?.record;
  const moves: readonly Move[] = [
    { kind: 'deliver', shard: 'A', records },
    { kind: by },
    { kind: 'await', shard: 'A', line: '< status processRecords' },
  ];
  return {
    id,
    says,
    scenario: {
      shards: ['A'],
      ...(checkpoint === undefined
        ? {}
        : { scripts: { A: [{ processRecords: [[{ kind: 'checkpoint', at: checkpoint }]] }] } }),
      moves,
      expected: {
        dialogues: {
          A: [
            [
              ...START,
              `> processRecords ${records.flat().join(' ')}`,
              ...asked,
              '< status processRecords',
              ...(by === 'restart' ? GOODBYE : ['> end of input']),
            ],
            [
              `> initialize at ${stored ?? 'TRIM_HORIZON'}`,
              '< status initialize',
              `> processRecords ${again.join(' ')}`,
              '< status processRecords',
            ],
          ],
        },
        stored: { A: stored ?? 'nothing' },
        worker: 'serving',
      },
    },
  };
}

export const restartRules: readonly Rule[] = [
  restartRule({
    id: 'restart-from-checkpoint',
    says: 'The next worker is initialized at the stored checkpoint and gets the records beyond it only.',
    records: ['a', 'b', 'c', 'd'],
    checkpoint: { record: 'b' },
    again: ['c', 'd'],
  }),
  restartRule({
    id: 'restart-inside-aggregate',
    says: 'The same holds in the middle of a KPL aggregate, by sub-sequence number.',
    records: [['k0', 'k1', 'k2', 'k3']],
    checkpoint: { record: 'k1' },
    again: ['k2', 'k3'],
  }),
  restartRule({
    id: 'restart-without-checkpoint',
    says: 'Without a checkpoint everything comes again, from the initial position.',
    records: ['a', ['k0', 'k1'], 'b'],
    again: ['a', 'k0', 'k1', 'b'],
  }),
  restartRule({
    id: 'killed-worker',
    says: 'A worker that is killed is the end of input for its children; the next one begins at the stored checkpoint.',
    records: ['a', 'b', 'c'],
    checkpoint: { record: 'a' },
    by: 'kill',
    again: ['b', 'c'],
  }),
  {
    id: 'restart-at-latest',
    says: 'With `initialPositionInStream` LATEST and no checkpoint, the next worker begins at the new tip: what came before is passed over.',
    scenario: {
      shards: ['A'],
      properties: { initialPositionInStream: 'LATEST' },
      moves: [
        { kind: 'deliver', shard: 'A', records: ['a'] },
        { kind: 'restart' },
        { kind: 'await', shard: 'A', line: '< status initialize' },
        { kind: 'deliver', shard: 'A', records: ['b'] },
      ],
      expected: {
        dialogues: {
          A: [
            [
              '> initialize at LATEST',
              '< status initialize',
              '> processRecords a',
              '< status processRecords',
              ...GOODBYE,
            ],
            ['> initialize at LATEST', '< status initialize', '> processRecords b', '< status processRecords'],
          ],
        },
        stored: { A: 'nothing' },
        worker: 'serving',
      },
    },
    notOnDaemon:
      "KCL's `KinesisDataFetcher`, which asks for the tip whenever it starts; nobody can see from outside when it has, so no test knows which records it must get",
  },
  {
    id: 'ended-stays-ended',
    says: 'A shard whose SHARD_END is stored is never served again.',
    scenario: {
      shards: ['P'],
      moves: [
        { kind: 'deliver', shard: 'P', records: ['a'] },
        { kind: 'split', shard: 'P' },
        { kind: 'await', shard: 'P.1', line: '< status initialize' },
        { kind: 'await', shard: 'P.2', line: '< status initialize' },
        { kind: 'restart' },
        { kind: 'await', shard: 'P.1', line: '< status initialize' },
        { kind: 'await', shard: 'P.2', line: '< status initialize' },
      ],
      expected: {
        dialogues: {
          P: [
            [
              ...START,
              '> processRecords a',
              '< status processRecords',
              '> shardEnded',
              '< checkpoint',
              '> checkpoint: ok',
              '< status shardEnded',
              '> end of input',
            ],
          ],
          'P.1': [[...START, ...GOODBYE], START],
          'P.2': [[...START, ...GOODBYE], START],
        },
        stored: { P: 'SHARD_END', 'P.1': 'nothing', 'P.2': 'nothing' },
        worker: 'serving',
      },
    },
  },
];
