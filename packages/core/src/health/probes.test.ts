import { describe, expect, it } from 'vitest';
import { consumerHealth, daemonHealth, hostHealth, shardStatus, workerHealth } from './health.fixture.js';
import { liveness, readiness } from './probes.js';
import type { WorkerHealth } from '../runtime/worker-health.js';

const withDaemon = (daemon: Parameters<typeof daemonHealth>[0], more: Partial<WorkerHealth> = {}): WorkerHealth =>
  workerHealth({ consumers: [consumerHealth({ daemon: daemonHealth(daemon) })], ...more });
const withHost = (host: Parameters<typeof hostHealth>[0]): WorkerHealth => workerHealth({ hosts: [hostHealth(host)] });
const held = workerHealth({
  healthy: false,
  consumers: [consumerHealth({ shards: [shardStatus({ state: 'held', held: { recordId: 'r', why: 'exhausted' } })] })],
});

describe('liveness', () => {
  it.each<[string, WorkerHealth]>([
    ['a worker without a daemon runs', workerHealth()],
    ['it starts', workerHealth({ phase: 'starting', consumers: [] })],
    ['a shard is held', held],
    ['the daemon waits for its first lease', withDaemon({ state: 'starting', waitingFor: 'its first lease' })],
    ['the daemon is between two starts', withDaemon({ state: 'restarting' })],
    ['a host responds', withHost({})],
    ['the daemon ended because the worker stops', withDaemon({ state: 'ended' }, { phase: 'stopping' })],
    ['the daemon ended with the worker', withDaemon({ state: 'ended' }, { phase: 'ended' })],
  ])('is given while %s', (_, health) => {
    expect(liveness(health)).toEqual({ ok: true, reasons: [] });
  });

  it.each<[string, WorkerHealth, string]>([
    [
      'a host is silent',
      withHost({ responding: false, silentMs: 31_400 }),
      'host h1 (pid 12) has not responded for 31 s',
    ],
    ['the daemon ended unasked', withDaemon({ state: 'ended' }), 'the daemon of mailer has ended'],
  ])('is lost when %s', (_, health, reason) => {
    expect(liveness(health)).toEqual({ ok: false, reasons: [reason] });
  });
});

describe('readiness', () => {
  it.each<[string, WorkerHealth]>([
    ['the worker needs no daemon', workerHealth()],
    ['every daemon serves', withDaemon({ state: 'serving' })],
    ['a shard is held', held],
  ])('is given when %s', (_, health) => {
    expect(readiness(health)).toEqual({ ok: true, reasons: [] });
  });

  it.each<[string, WorkerHealth, string]>([
    ['the worker starts', workerHealth({ phase: 'starting', consumers: [] }), 'the worker is starting'],
    ['the worker stops', workerHealth({ phase: 'stopping' }), 'the worker is stopping'],
    ['the worker has ended', workerHealth({ phase: 'ended' }), 'the worker has ended'],
    [
      'the daemon is being checked',
      withDaemon({ state: 'checking' }),
      'the daemon of mailer is not started yet: what it needs is being checked',
    ],
    [
      'it waits for a lease',
      withDaemon({ state: 'starting', waitingFor: 'its first lease' }),
      'the daemon of mailer is starting and waits for its first lease',
    ],
    ['it stops', withDaemon({ state: 'stopping' }), 'the daemon of mailer is stopping'],
    [
      'it restarts',
      withDaemon({ state: 'restarting' }),
      'the daemon of mailer ended without being asked and will be started again',
    ],
    ['it has ended', withDaemon({ state: 'ended' }), 'the daemon of mailer has ended'],
    ['a host is silent', withHost({ responding: false }), 'host h1 (pid 12) has not responded for 0 s'],
  ])('is missing when %s', (_, health, reason) => {
    expect(readiness(health)).toEqual({ ok: false, reasons: [reason] });
  });

  it('gives every reason at once', () => {
    const health = withDaemon({ state: 'starting' }, { phase: 'starting', hosts: [hostHealth({ responding: false })] });

    expect(readiness(health).reasons).toHaveLength(3);
  });
});
