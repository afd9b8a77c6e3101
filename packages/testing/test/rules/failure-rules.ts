/** What ends the whole worker. */
import { START, type Deed, type Rule } from './rule.js';

function fatal({
  id,
  says,
  deeds,
  dialogue,
}: Pick<Rule, 'id' | 'says'> & { readonly deeds: readonly Deed[]; readonly dialogue: readonly string[] }): Rule {
  return {
    id,
    says,
    scenario: {
      shards: ['A', 'B'],
      scripts: { A: [{ processRecords: [deeds] }] },
      moves: [
        { kind: 'await', shard: 'B', line: '< status initialize' },
        { kind: 'deliver', shard: 'A', records: ['a'], until: 'delivered' },
        { kind: 'failure' },
        { kind: 'await', shard: 'B', line: '> end of input' },
      ],
      expected: {
        dialogues: {
          A: [[...START, '> processRecords a', ...dialogue]],
          B: [[...START, '> end of input']],
        },
        stored: { A: 'nothing', B: 'nothing' },
        worker: 'failed',
      },
    },
  };
}

export const failureRules: readonly Rule[] = [
  fatal({
    id: 'child-death',
    says: 'A child that dies in an action ends the whole worker; the other children see the end of their input.',
    deeds: [{ kind: 'die' }],
    dialogue: [],
  }),
  fatal({
    id: 'wrong-status',
    says: 'So does a status for another action.',
    deeds: [{ kind: 'say', line: '{"action":"status","responseFor":"leaseLost"}' }, { kind: 'keepSilent' }],
    dialogue: ['< status leaseLost', '> end of input'],
  }),
  fatal({
    id: 'null-line',
    says: 'So does a line with the word null.',
    deeds: [{ kind: 'say', line: 'null' }, { kind: 'keepSilent' }],
    dialogue: ['< null', '> end of input'],
  }),
];
