/** The same scenarios on a bed and on the built program: what was seen has to be the same. */
import { fileURLToPath } from 'node:url';
import { defineConsumer, recordHandler } from '@millrace/core';
import { expect, it } from 'vitest';
import { eachRuntime, records, type RuntimeScenario, type RuntimeSeen } from '../src/index.js';
import { bookings } from './fixtures/bookings.mjs';

const program = fileURLToPath(new URL('./fixtures/bookings.mjs', import.meta.url));
const booking = records.json<{ readonly id: string }>();
const single = (id: string) => ({ [id]: booking({ id }) });

interface Expected {
  readonly what: string;
  readonly scenario: RuntimeScenario;
  readonly seen: RuntimeSeen['shards'];
}

const expectations: readonly Expected[] = [
  {
    what: 'a crash brings back what no checkpoint covers, and nothing else',
    scenario: {
      records: {
        ...single('a'),
        ...single('b'),
        ...single('c'),
        k: records.kpl(booking({ id: 'k' }), booking({ id: 'k' })),
      },
      moves: [
        { kind: 'deliver', records: ['a'] },
        { kind: 'refuse', error: 'InvalidStateException', times: 1 },
        { kind: 'deliver', records: ['b', 'k'] },
        { kind: 'crash' },
        { kind: 'deliver', records: ['c'] },
      ],
    },
    seen: {
      A: {
        delivered: ['a', 'b', 'k/0', 'k/1', 'b', 'k/0', 'k/1', 'c'],
        redelivered: ['b', 'k/0', 'k/1'],
        settled: ['a', 'b', 'k/0', 'k/1', 'b', 'k/0', 'k/1', 'c'].map((name) => [name, 'handled']),
        checkpoints: ['a', 'k/1', 'c'],
      },
    },
  },
  {
    what: 'a record that cannot be handled is skipped, and the rest goes on',
    scenario: {
      records: { ...single('a'), ...single('poison'), ...single('b') },
      moves: [{ kind: 'deliver', records: ['a', 'poison', 'b'] }],
    },
    seen: {
      A: {
        delivered: ['a', 'poison', 'b'],
        redelivered: [],
        settled: [
          ['a', 'handled'],
          ['poison', 'skipped'],
          ['b', 'handled'],
        ],
        checkpoints: ['b'],
      },
    },
  },
  {
    what: 'a split ends its shard, and its children go on; a lease that is lost stores nothing more',
    scenario: {
      shards: ['P', 'Q'],
      records: { ...single('a'), ...single('b'), ...single('q') },
      moves: [
        { kind: 'deliver', records: ['a'] },
        { kind: 'split' },
        { kind: 'deliver', records: ['b'], shard: 'P.2' },
        { kind: 'loseLease', shard: 'Q' },
        { kind: 'crash' },
      ],
    },
    seen: {
      P: { delivered: ['a'], redelivered: [], settled: [['a', 'handled']], checkpoints: ['a', 'SHARD_END'] },
      Q: { delivered: [], redelivered: [], settled: [], checkpoints: [] },
      'P.1': { delivered: [], redelivered: [], settled: [], checkpoints: [] },
      'P.2': { delivered: ['b'], redelivered: [], settled: [['b', 'handled']], checkpoints: ['b'] },
    },
  },
];

eachRuntime(['memory', 'process'], (runtime) => {
  it.each(expectations)(`on ${runtime.name}, $what`, async ({ scenario, seen }) => {
    expect(await runtime.play({ consumer: bookings, program }, scenario)).toEqual({ shards: seen });
  });

  it(`on ${runtime.name}, a name that no record has is a mistake`, async () => {
    const scenario = { records: single('a'), moves: [{ kind: 'deliver', records: ['b'] }] } as const;

    await expect(runtime.play({ consumer: bookings, program }, scenario)).rejects.toThrow('has no record b; it has a');
  });
});

eachRuntime(['process'], (runtime) => {
  it('tells what a program said that does not come up', async () => {
    const other = defineConsumer({
      name: 'Other',
      stream: 'others',
      applicationName: 'others',
      handlers: [recordHandler({ name: 'other', handle: () => undefined })],
    });
    const missing = { consumer: other, program: fileURLToPath(new URL('./fixtures/none.mjs', import.meta.url)) };

    await expect(runtime.play(missing, { records: {}, moves: [] })).rejects.toMatchObject({
      code: 'TRANSPORT_FAILED',
      message: expect.stringContaining('Cannot find module') as string,
    });
  });
});
