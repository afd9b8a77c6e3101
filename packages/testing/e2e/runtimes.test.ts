/** The scenarios of slow/runtimes.test.ts under Amazon's daemon: what is seen has to be the same as on a bed. */
import { expect, it } from 'vitest';
import { eachRuntime } from '../src/index.js';
import { bookings } from '../slow/fixtures/bookings.mjs';
import { expectations, program } from '../slow/fixtures/expectations.js';

/** In turn: what a program does is the same, whichever process does it. */
const places = expectations.map((one, index) => ({ ...one, isolation: index === 1 ? 'process' : 'shared' }));

eachRuntime(['daemon'], (runtime) => {
  it.each(places)(`on ${runtime.name}, isolation $isolation, $what`, async ({ scenario, seen, isolation }) => {
    const subject = { consumer: bookings, program, env: { MILLRACE_ISOLATION: isolation } };

    expect(await runtime.play(subject, scenario)).toEqual({ shards: seen });
  });
});
