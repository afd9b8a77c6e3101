import { describe, expect, it } from 'vitest';
import { ManualClock } from '../test/support/manual-clock.js';
import { StrayErrors } from './containment.js';
import { Attempt } from './runtime/attempt.js';
import { LogLines } from './runtime/session.fixture.js';

function strays() {
  const clock = new ManualClock();
  const logger = new LogLines();
  const stops: Error[] = [];
  return {
    clock,
    logger,
    stops,
    strays: new StrayErrors({ clock, logger, requestStop: (cause) => void stops.push(cause) }),
  };
}

describe('errors that nobody awaits', () => {
  it('fail the record whose code they came from', async () => {
    const { strays: all, stops, clock } = strays();
    const attempt = new Attempt({
      clock,
      timeoutMs: 1_000,
      handler: 'h',
      recordId: 'r',
      over: new AbortController().signal,
      onStuck: () => undefined,
    });

    const result = await attempt.run(async () => all.take(new Error('lost')));

    expect(result).toMatchObject({ kind: 'threw', error: { message: 'lost' } });
    expect(stops).toEqual([]);
  });

  it('are logged with their record when that is done already, and do not count', async () => {
    const { strays: all, stops, clock, logger } = strays();
    const attempt = new Attempt({
      clock,
      timeoutMs: 1_000,
      handler: 'h',
      recordId: 'r',
      over: new AbortController().signal,
      onStuck: () => undefined,
    });
    let late = Promise.resolve();
    await attempt.run(async () => {
      late = new Promise((resolve) => {
        setImmediate(() => {
          for (let n = 0; n < 5; n += 1) all.take(new Error('late'));
          resolve();
        });
      });
    });

    await late;

    expect(stops).toEqual([]);
    expect(logger.lines.at(-1)?.message).toContain('not awaited');
  });

  it('end the worker in order when three without a record come within a minute', async () => {
    const { strays: all, stops, clock } = strays();
    all.take(new Error('one'));
    await clock.advance(59_000);
    all.take(new Error('two'));
    await clock.advance(2_000);
    all.take(new Error('three'));
    expect(stops).toEqual([]);

    all.take(new Error('four'));

    expect(stops).toMatchObject([{ code: 'HANDLER_FAILED', cause: { message: 'four' } }]);
  });
});
