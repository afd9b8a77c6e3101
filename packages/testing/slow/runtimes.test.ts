/** The same scenarios on a bed and on the built program: what was seen has to be the same. */
import { fileURLToPath } from 'node:url';
import { defineConsumer, recordHandler } from '@millrace/core';
import { expect, it } from 'vitest';
import { eachRuntime } from '../src/index.js';
import { bookings } from './fixtures/bookings.mjs';
import { expectations, program, single } from './fixtures/expectations.js';

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
