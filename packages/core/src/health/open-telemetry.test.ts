import { MeterProvider, MetricReader, type CollectionResult } from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import type { WorkerHealth } from '../runtime/worker-health.js';
import { consumerHealth, daemonHealth, hostHealth, shardStatus, workerHealth } from './health.fixture.js';
import { METRICS } from './metrics.js';
import { observeHealth } from './open-telemetry.js';
import { SessionTotals } from './session-totals.js';

/** Collects when it is asked to. */
class HandReader extends MetricReader {
  protected async onForceFlush(): Promise<void> {
    // Nothing is buffered.
  }
  protected async onShutdown(): Promise<void> {
    // Nothing is open.
  }
}

const series = ({ resourceMetrics }: CollectionResult) =>
  resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
    metrics.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({ name: descriptor.name, unit: descriptor.unit, attributes, value })),
    ),
  );

function observed(first: WorkerHealth) {
  const reader = new HandReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter('test');
  const world = { health: first };
  const end = observeHealth(meter, { read: () => world.health, totals: new SessionTotals() });
  return { world, end, collect: async () => series(await reader.collect()) };
}

const everything = workerHealth({
  hosts: [hostHealth()],
  consumers: [
    consumerHealth({
      daemon: daemonHealth({ restarts: 2 }),
      shards: [shardStatus({ retries: 4, circuitBreaker: 'open' })],
    }),
  ],
});

describe('a Meter of OpenTelemetry', () => {
  it('gets every metric under the name that Prometheus has', async () => {
    const found = await observed(everything).collect();

    expect(new Set(found.map(({ name }) => name))).toEqual(new Set(METRICS.map(({ name }) => name)));
    expect(found).toContainEqual({
      name: 'millrace_shard_lag_seconds',
      unit: 's',
      attributes: { application: 'mailer', stream: 'orders', shard: 'shardId-000' },
      value: 1.5,
    });
    expect(found).toContainEqual({
      name: 'millrace_daemon_restarts_total',
      unit: '1',
      attributes: { application: 'mailer', stream: 'orders' },
      value: 2,
    });
  });

  it('does not go on saying what was true of a shard that has gone', async () => {
    const { world, collect } = observed(everything);
    await collect();
    world.health = workerHealth({ consumers: [consumerHealth({ shards: [] })] });

    const later = [...(await collect()), ...(await collect())];

    const ofShards = later.filter(({ name }) => name.startsWith('millrace_shard_'));
    expect(new Set(ofShards.map(({ value }) => value))).toEqual(new Set([0]));
    expect(later).toContainEqual(expect.objectContaining({ name: 'millrace_retries_total', value: 4 }));
  });

  it('does not go on calling a worker live that has ended', async () => {
    const { end, collect } = observed(everything);
    const before = await collect();
    end();

    const after = [...(await collect()), ...(await collect())].filter(({ name }) => name === 'millrace_up');

    expect(before).toContainEqual(expect.objectContaining({ name: 'millrace_up', value: 1 }));
    expect(after.map(({ value }) => value)).toEqual([0, 0]);
  });
});
