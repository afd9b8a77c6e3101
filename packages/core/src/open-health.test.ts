import { describe, expect, it } from 'vitest';
import { workerHealth } from './health/health.fixture.js';
import { SessionTotals } from './health/session-totals.js';
import { healthOptions, openHealth, type HealthRequest } from './open-health.js';
import { LogLines } from './runtime/session.fixture.js';

describe('the port for health', () => {
  it.each([
    ['nothing was said', {}, {}, undefined],
    ['the variable is empty', {}, { MILLRACE_HEALTH_PORT: '' }, undefined],
    ['the variable has a port', {}, { MILLRACE_HEALTH_PORT: '9464' }, { port: 9464 }],
    [
      'the option has one too',
      { health: { port: 0, host: '::1' } },
      { MILLRACE_HEALTH_PORT: '9464' },
      { port: 0, host: '::1' },
    ],
  ])('is found when %s', (_, options, env, expected) => {
    expect(healthOptions(options, env)).toEqual(expected);
  });

  it.each(['http', '70000', '-1', '1.5', ' 80'])('is refused when the variable is "%s"', (value) => {
    expect(() => healthOptions({}, { MILLRACE_HEALTH_PORT: value })).toThrow(
      expect.objectContaining({
        issues: [{ code: 'OUT_OF_RANGE', path: ['MILLRACE_HEALTH_PORT'], message: expect.stringContaining('no port') }],
      }),
    );
  });

  const request = (more: Partial<HealthRequest>): HealthRequest => ({
    options: {},
    env: {},
    engine: 'local',
    source: { read: () => workerHealth(), totals: new SessionTotals() },
    logger: new LogLines(),
    ...more,
  });
  const nowhere = { options: { health: { port: 0, host: '192.0.2.1' } } };

  it('is not opened when nobody asked', async () => {
    expect(await openHealth(request({}))).toBeUndefined();
  });

  it('ends a worker that cannot have it', async () => {
    await expect(openHealth(request(nowhere))).rejects.toMatchObject({ code: 'HEALTH_PORT_FAILED' });
  });

  it('is done without in a child of the daemon, which has many with the same port', async () => {
    const logger = new LogLines();

    const opened = await openHealth(request({ ...nowhere, engine: 'stdio', logger }));
    await opened?.close();

    expect(logger.lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('without a health port') }]);
  });

  it('is told in the log, with the address that was taken', async () => {
    const logger = new LogLines();

    const opened = await openHealth(request({ options: { health: { port: 0, host: '127.0.0.1' } }, logger }));
    await opened?.close();

    expect(logger.lines).toMatchObject([
      {
        level: 'info',
        message: expect.stringMatching(/^Health and metrics are on http:\/\/127\.0\.0\.1:\d{2,5}\/\.$/),
      },
    ]);
  });
});
