/** How the daemon speaks with a child, and what it makes of the child's lines. */
import { START, type Rule } from './rule.js';

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
  {
    id: 'empty-batches',
    says: 'With `callProcessRecordsEvenForEmptyRecordList`, which Millrace sets, a quiet shard gets empty batches; without it, none.',
    scenario: {
      shards: ['A'],
      properties: { callProcessRecordsEvenForEmptyRecordList: true },
      moves: [
        { kind: 'heartbeat', shard: 'A' },
        { kind: 'await', shard: 'A', line: '> processRecords' },
        { kind: 'deliver', shard: 'A', records: ['a'] },
        { kind: 'heartbeat', shard: 'A' },
        { kind: 'heartbeat', shard: 'A' },
        { kind: 'await', shard: 'A', line: '< status processRecords' },
      ],
      expected: {
        dialogues: {
          A: [
            [
              ...START,
              '> processRecords',
              '< status processRecords',
              '> processRecords a',
              '< status processRecords',
              '> processRecords',
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
    id: 'message-timeout',
    says: 'With `timeoutInSeconds`, the daemon halts when a single message takes longer; an action takes as long as it likes, as long as messages come.',
    scenario: {
      shards: ['A'],
      scripts: {
        A: [
          {
            processRecords: [
              [
                { kind: 'pause', ms: 1_800 },
                { kind: 'checkpoint', at: { record: 'a' } },
                { kind: 'pause', ms: 1_800 },
              ],
              [{ kind: 'keepSilent' }],
            ],
          },
        ],
      },
      properties: { timeoutInSeconds: 3 },
      moves: [
        { kind: 'deliver', shard: 'A', records: ['a'] },
        { kind: 'deliver', shard: 'A', records: ['b'], until: 'delivered' },
        { kind: 'failure' },
        { kind: 'await', shard: 'A', line: '> end of input' },
      ],
      expected: {
        dialogues: {
          A: [
            [
              ...START,
              '> processRecords a',
              '< checkpoint a',
              '> checkpoint a: ok',
              '< status processRecords',
              '> processRecords b',
              '> end of input',
            ],
          ],
        },
        stored: { A: 'a' },
        worker: 'failed',
      },
    },
  },
  {
    id: 'damaged-aggregate',
    says: 'A KPL aggregate arrives as its user records; one whose digest does not fit arrives whole.',
    scenario: {
      shards: ['A'],
      moves: [{ kind: 'deliver', shard: 'A', records: [['k0', 'k1'], 'a', { damaged: ['d0', 'd1'] }] }],
      expected: {
        dialogues: { A: [[...START, '> processRecords k0 k1 a d0', '< status processRecords']] },
        stored: { A: 'nothing' },
        worker: 'serving',
      },
    },
  },
];
