/** How the daemon speaks with a child, and what it makes of the child's lines. */
import type { Rule } from './rule.js';

const START = ['> initialize at TRIM_HORIZON', '< status initialize'];

/** No message of the protocol; the daemon logs each and reads on. */
const NO_MESSAGES = [
  'hello',
  '42',
  'true',
  '"text"',
  '[]',
  '{}',
  '{"action":"unknown"}',
  '{"action":"status","responseFor":"processRecords","more":1}',
  '{"action":"checkpoint","checkpoint":"1"}',
];

export const lineRules: readonly Rule[] = [
  {
    id: 'serial-actions',
    says: 'Actions of a shard come one at a time; the next when the status of the one before was read.',
    scenario: {
      shards: ['A'],
      scripts: { A: [{ processRecords: [[{ kind: 'hold', until: 'serial' }]] }] },
      moves: [
        { kind: 'deliver', shard: 'A', records: ['a'], until: 'delivered' },
        { kind: 'deliver', shard: 'A', records: ['b'], until: 'queued' },
        { kind: 'release', gate: 'serial' },
        { kind: 'deliver', shard: 'A', records: ['c'] },
      ],
      expected: {
        dialogues: {
          A: [
            [
              ...START,
              '> processRecords a',
              '< status processRecords',
              '> processRecords b',
              '< status processRecords',
              '> processRecords c',
              '< status processRecords',
            ],
          ],
        },
        stored: { A: 'nothing' },
        worker: 'serving',
      },
    },
  },
  {
    id: 'out-of-turn',
    says: 'What a child writes between actions is read as a part of the next one.',
    scenario: {
      shards: ['A'],
      scripts: {
        A: [
          {
            processRecords: [[{ kind: 'acknowledge' }, { kind: 'ask', at: { record: 'a' } }], [{ kind: 'reply' }]],
          },
        ],
      },
      moves: [
        { kind: 'deliver', shard: 'A', records: ['a'] },
        { kind: 'deliver', shard: 'A', records: ['b'] },
      ],
      expected: {
        dialogues: {
          A: [
            [
              ...START,
              '> processRecords a',
              '< status processRecords',
              '< checkpoint a',
              '> processRecords b',
              '> checkpoint a: ok',
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
    id: 'surplus-status',
    says: 'A status too many counts for the next action, whatever that one does.',
    scenario: {
      shards: ['A'],
      scripts: {
        A: [
          {
            processRecords: [
              [{ kind: 'acknowledge' }, { kind: 'say', line: '{"action":"status","responseFor":"processRecords"}' }],
              [{ kind: 'keepSilent' }],
            ],
          },
        ],
      },
      moves: [
        { kind: 'deliver', shard: 'A', records: ['a'] },
        { kind: 'deliver', shard: 'A', records: ['b'], until: 'delivered' },
        { kind: 'deliver', shard: 'A', records: ['c'] },
      ],
      expected: {
        dialogues: {
          A: [
            [
              ...START,
              '> processRecords a',
              '< status processRecords',
              '< status processRecords',
              '> processRecords b',
              '> processRecords c',
              '< status processRecords',
            ],
          ],
        },
        stored: { A: 'nothing' },
        worker: 'serving',
      },
    },
  },
  {
    id: 'other-lines',
    says: 'Lines that are no message, or have a field too many, are skipped, and the daemon waits on.',
    scenario: {
      shards: ['A'],
      scripts: { A: [{ processRecords: [NO_MESSAGES.map((line) => ({ kind: 'say', line }) as const)] }] },
      moves: [
        { kind: 'deliver', shard: 'A', records: ['a'] },
        { kind: 'deliver', shard: 'A', records: ['b'] },
      ],
      expected: {
        dialogues: {
          A: [
            [
              ...START,
              '> processRecords a',
              ...NO_MESSAGES.map((line) => `< ${line}`),
              '< status processRecords',
              '> processRecords b',
              '< status processRecords',
            ],
          ],
        },
        stored: { A: 'nothing' },
        worker: 'serving',
      },
    },
  },
];
