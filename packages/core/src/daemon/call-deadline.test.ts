import { expect, it } from 'vitest';
import { withDeadline } from './call-deadline.js';

const late = () => new Error('too late');
const forever = () => new Promise<never>(() => undefined);

it('gives what the call gives', async () => {
  expect(await withDeadline(async () => 1, { limitMs: 1_000, signal: undefined, late })).toBe(1);
  const failing = async () => Promise.reject(new Error('refused'));
  await expect(withDeadline(failing, { limitMs: 1_000, signal: undefined, late })).rejects.toThrow('refused');
});

it('ends a call that does not listen to its signal', async () => {
  await expect(withDeadline(forever, { limitMs: 1, signal: undefined, late })).rejects.toThrow('too late');
});

it('ends for the reason of the signal, and leaves nothing on it', async () => {
  const stop = new AbortController();
  const aborting = (signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('AbortError'))));
  const call = withDeadline(aborting, { limitMs: 10_000, signal: stop.signal, late });
  stop.abort(new Error('stopping'));
  await expect(call).rejects.toThrow('stopping');
  await expect(withDeadline(forever, { limitMs: 10_000, signal: stop.signal, late })).rejects.toThrow('stopping');
});
