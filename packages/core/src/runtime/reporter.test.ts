import { expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { Reporter } from './reporter.js';
import { LogLines } from './session.fixture.js';

it('survives an observer that throws, and says so', () => {
  const logger = new LogLines();
  const observer = {
    records: true,
    onEvent: () => {
      throw new Error('a bug in a metric');
    },
  };
  const report = new Reporter({
    sessionId: 'session-1',
    ports: { clock: new ManualClock(), random: () => 0, logger, observer },
  });

  expect(() => report.emit({ kind: 'sessionReady' })).not.toThrow();
  expect(logger.lines).toEqual([{ level: 'error', message: 'The observer threw; it must not.' }]);
});
