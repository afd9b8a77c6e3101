import { expect, it } from 'vitest';
import { deadLetter } from '../../test/support/dead-letter.js';
import type { SinkContext } from '../definition/definition.js';
import type { DeadLetterEntry } from '../ports.js';
import { fn } from './function-sink.js';

const { signal } = new AbortController();
// A function needs nothing of the worker.
const context = {} as SinkContext;

it('hands entry and signal to the function, and waits for it', async () => {
  const taken: DeadLetterEntry[] = [];
  const sink = await fn('parked orders', async (entry, given) => {
    await Promise.resolve();
    expect(given).toBe(signal);
    taken.push(entry);
  }).open(context);
  await sink.write(deadLetter('1'), signal);
  expect(taken).toEqual([deadLetter('1')]);
});

it.each([
  ['throws', () => fail()],
  ['rejects', () => Promise.reject(new Error('full'))],
])('rejects with SINK_FAILED and the cause when the function %s', async (_, write) => {
  const sink = await fn('parked orders', write).open(context);
  await expect(sink.write(deadLetter('1'), signal)).rejects.toMatchObject({
    code: 'SINK_FAILED',
    message: 'The dead-letter sink "parked orders" did not take a record: full',
    cause: { message: 'full' },
  });
});

it('is not called any more once the sink is closed, nor for a write that was given up', async () => {
  const sink = await fn('parked orders', () => fail()).open(context);
  await expect(sink.write(deadLetter('1'), AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
  await sink.close();
  await expect(sink.write(deadLetter('1'), signal)).rejects.toThrow('the sink is closed');
});

function fail(): never {
  throw new Error('full');
}
