/** Payloads from anybody: however they are made, the record is handled or parked, and the process lives. */
import { defineConsumer, recordHandler } from '@millrace/core';
import { expect, it } from 'vitest';
import { records, testBed } from '../src/index.js';

const DEPTH = 1_000_000;

it.each([
  ['arrays a million deep', `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`],
  ['objects a million deep', `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`],
  ['a million deep and never closed', '['.repeat(DEPTH)],
  ['a number of a million digits', '9'.repeat(DEPTH)],
  ['a hundred thousand keys', `{${Array.from({ length: 100_000 }, (_, index) => `"${index}":0`).join(',')}}`],
  ['the prototype as a key', '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'],
])('%s', async (_, text) => {
  let seen: unknown;
  const consumer = defineConsumer({
    name: 'Open',
    stream: 'open',
    applicationName: 'open',
    options: { discriminator: 'a.a' },
    deadLetter: { sink: 'SINK' },
    handlers: [
      recordHandler({
        name: 'see',
        handle: (payload) => {
          seen = payload;
        },
      }),
    ],
  });
  await using bed = await testBed(consumer);
  const [hostile, ordinary] = bed.shard().deliver(records.text(text), records.of({ ordinary: true }));
  await bed.idle();

  expect(['handled', 'parked']).toContain(bed.history.settled(hostile.id)?.how);
  expect(bed.history.settled(ordinary.id)?.how).toBe('handled');
  expect(seen).toEqual({ ordinary: true });
  expect(Object.prototype).not.toHaveProperty('polluted');
});
