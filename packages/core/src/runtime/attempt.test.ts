import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { ABORT_GRACE_MS, Attempt, currentAttempt } from './attempt.js';

function attempt(clock = new ManualClock(), over = new AbortController().signal) {
  const stuck: number[] = [];
  return {
    clock,
    stuck,
    attempt: new Attempt({
      clock,
      timeoutMs: 1_000,
      handler: 'Orders.placed',
      recordId: 'r1',
      over,
      onStuck: (ms) => stuck.push(ms),
    }),
  };
}

describe('an attempt', () => {
  it('gives a synchronous result without a promise', () => {
    expect(attempt().attempt.run(() => 5)).toEqual({ kind: 'returned', value: 5 });
  });

  it('turns what is thrown into an Error, whatever it was', () => {
    const result = attempt().attempt.run(() => {
      throw 'just text';
    });

    expect(result).toMatchObject({
      kind: 'threw',
      error: { code: 'HANDLER_FAILED', message: expect.stringContaining('just text') },
    });
  });

  it('leaves no timer behind', async () => {
    const { clock, attempt: run } = attempt();

    await run.run(async () => undefined);

    expect(clock.pendingTimers).toBe(0);
  });

  it('is found by its own code through awaits and timers, and by nobody else', async () => {
    const { attempt: run } = attempt();
    const found: unknown[] = [];

    await run.run(async () => {
      await Promise.resolve();
      found.push(currentAttempt());
      await new Promise<void>((resolve) => {
        setImmediate(() => {
          found.push(currentAttempt());
          resolve();
        });
      });
    });

    expect(found).toEqual([run, run]);
    expect(currentAttempt()).toBeUndefined();
  });

  it('names the timeout and keeps what the handler threw because of it', async () => {
    const { clock, attempt: run } = attempt();
    const result = run.run(
      () => new Promise((_, reject) => run.signal.addEventListener('abort', () => reject(new Error('fetch aborted')))),
    );

    await clock.advance(1_000);

    expect(await result).toMatchObject({
      kind: 'threw',
      error: { code: 'HANDLER_TIMEOUT', cause: { message: 'fetch aborted' } },
    });
  });

  it('accepts a result that comes after its timeout: the effect is done', async () => {
    const { clock, attempt: run } = attempt();
    let finish = (): void => undefined;
    const result = run.run(() => new Promise<void>((resolve) => (finish = resolve)));
    await clock.advance(1_500);

    finish();

    expect(await result).toEqual({ kind: 'returned', value: undefined });
  });

  it('fails for an error that escaped it although it returned', async () => {
    const { attempt: run } = attempt();

    const result = run.run(async () => {
      run.escape(new Error('unawaited'));
    });

    expect(await result).toMatchObject({ kind: 'threw', error: { message: 'unawaited' } });
  });

  it('waits a last five seconds for a handler whose error escaped', async () => {
    const { clock, attempt: run } = attempt();
    const result = run.run(() => new Promise(() => undefined));
    run.escape(new Error('thrown in a callback'));

    await clock.advance(ABORT_GRACE_MS);

    expect(await result).toMatchObject({ kind: 'threw', error: { message: 'thrown in a callback' } });
    expect(run.signal.aborted).toBe(true);
  });

  it('takes no escaped error once it has ended', async () => {
    const { attempt: run } = attempt();
    await run.run(async () => undefined);

    expect(run.escape(new Error('late'))).toBe(false);
  });

  it('is abandoned when the session gives up, and ignores what comes later', async () => {
    const over = new AbortController();
    const { attempt: run, clock } = attempt(new ManualClock(), over.signal);
    let fail: (error: Error) => void = () => undefined;
    const result = run.run(() => new Promise((_, reject) => (fail = reject)));

    over.abort(new Error('shutdown'));
    fail(new Error('too late'));

    expect(await result).toEqual({ kind: 'abandoned' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('makes its signal only when somebody looks, already aborted if it is over', () => {
    const over = new AbortController();
    over.abort(new Error('gone'));

    expect(attempt(new ManualClock(), over.signal).attempt.signal.reason).toMatchObject({ message: 'gone' });
  });
});
