import { defineConsumer, recordHandler, NonRetryableError } from '@millrace/core';
import { expect, it } from 'vitest';
import { records, testBed } from '../src/index.js';
import type { TestBedOptions } from '../src/bed-options.js';

const order = records.json<{ readonly id: string }>({ key: ({ id }) => id });

function bedOf(ran: string[], options: TestBedOptions = {}) {
  const consumer = defineConsumer({
    name: 'Orders',
    stream: 'orders',
    applicationName: 'orders-app',
    checkpoint: { everyMs: 5_000 },
    retry: { then: 'hold' },
    hooks: { shardEnd: ({ shardId }) => void ran.push(`end of ${shardId.slice(-1)}`) },
    handlers: [
      recordHandler({
        name: 'placed',
        handle: (payload, { record }) => {
          const { id } = payload as { readonly id: string };
          if (id === 'poison') throw new NonRetryableError('no');
          ran.push(`${id} on ${record.shardId.slice(-1)}`);
        },
      }),
    ],
  });
  return testBed(consumer, options);
}

it('lets the children of a split begin when their parent has ended, each with its own records', async () => {
  const ran: string[] = [];
  await using bed = await bedOf(ran, { shards: ['A'], properties: { initialPositionInStream: 'LATEST' } });
  bed.shard('A').deliver(order({ id: 'a' }), order({ id: 'b' }));

  const [left, right] = await bed.split('A');
  left.deliver(order({ id: 'c' }));
  right.deliver(order({ id: 'd' }));
  await bed.idle();

  expect(ran).toEqual(['a on 0', 'b on 0', 'end of 0', 'c on 1', 'd on 2']);
  expect(bed.shards.map(({ name }) => name)).toEqual(['A', 'A.1', 'A.2']);
  expect(bed.shard('A').stored).toBe('SHARD_END');
  // Whatever the initial position says: what came in between is theirs.
  expect(bed.history.events('sessionStarted').map(({ sequenceNumber }) => sequenceNumber)).toEqual([
    'LATEST',
    'TRIM_HORIZON',
    'TRIM_HORIZON',
  ]);
});

it('merges two shards into one, and splits that again', async () => {
  const ran: string[] = [];
  await using bed = await bedOf(ran, { shards: ['A', 'B'] });
  bed.shard('A').deliver(order({ id: 'a' }));
  bed.shard('B').deliver(order({ id: 'b' }));

  const child = await bed.merge('A', 'B');
  child.deliver(order({ id: 'c' }));
  const [, right] = await bed.split('A+B');
  right.deliver(order({ id: 'd' }));
  await bed.idle();

  expect(ran).toEqual(['a on 0', 'b on 1', 'end of 0', 'end of 1', 'c on 2', 'end of 2', 'd on 4']);
});

it('starts no child of a shard that cannot end, and says why', async () => {
  const bed = await bedOf([]);
  bed.shard().deliver(order({ id: 'poison' }));

  await expect(bed.split()).rejects.toMatchObject({
    code: 'TEST_MISUSED',
    message: expect.stringMatching(/has not ended.*held because running it again cannot help/) as string,
  });
  expect(bed.shards).toHaveLength(1);
  await bed.dispose();
});
