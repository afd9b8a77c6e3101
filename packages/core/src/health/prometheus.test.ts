import { readFile } from 'node:fs/promises';
import { register } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { consumerHealth, daemonHealth, hostHealth, shardStatus, snapshotOf, workerHealth } from './health.fixture.js';
import { METRICS } from './metrics.js';
import { PrometheusPage } from './prometheus.js';

async function lines(page: PrometheusPage, health = workerHealth()): Promise<string[]> {
  const { text } = await page.render(snapshotOf(health));
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

const everything = workerHealth({
  healthy: false,
  hosts: [hostHealth({ responding: false, silentMs: 2500 })],
  consumers: [
    consumerHealth({
      daemon: daemonHealth({ state: 'restarting', restarts: 2 }),
      shards: [
        shardStatus({
          state: 'held',
          oldestUnsettledAgeMs: 4000,
          action: { name: 'processRecords', openMs: 3000 },
          unsettled: 7,
          settled: { handled: 10, parked: 1, skipped: 2, filtered: 3, deduplicated: 4 },
          retries: 5,
          held: { recordId: 'r', why: 'exhausted' },
          checkpointError: 'ThrottlingException',
        }),
      ],
    }),
  ],
});

describe('the page for Prometheus', () => {
  it('tells everything, in seconds and with the labels of the shard', async () => {
    const of = 'application="mailer",stream="orders"';

    expect(await lines(new PrometheusPage(), everything)).toEqual([
      'millrace_up 0',
      'millrace_ready 0',
      'millrace_healthy 0',
      `millrace_sessions{${of}} 1`,
      `millrace_records_settled_total{${of},how="handled"} 10`,
      `millrace_records_settled_total{${of},how="parked"} 1`,
      `millrace_records_settled_total{${of},how="skipped"} 2`,
      `millrace_records_settled_total{${of},how="filtered"} 3`,
      `millrace_records_settled_total{${of},how="deduplicated"} 4`,
      `millrace_retries_total{${of}} 5`,
      `millrace_shard_state{${of},shard="shardId-000",state="held"} 1`,
      `millrace_shard_lag_seconds{${of},shard="shardId-000"} 1.5`,
      `millrace_shard_oldest_unsettled_age_seconds{${of},shard="shardId-000"} 4`,
      `millrace_shard_action_open_seconds{${of},shard="shardId-000"} 3`,
      `millrace_shard_unsettled_records{${of},shard="shardId-000"} 7`,
      `millrace_shard_held{${of},shard="shardId-000"} 1`,
      `millrace_shard_checkpoint_failing{${of},shard="shardId-000"} 1`,
      `millrace_daemon_state{${of},state="restarting"} 1`,
      `millrace_daemon_restarts_total{${of}} 2`,
      'millrace_host_responding{host="h1"} 0',
      'millrace_host_silent_seconds{host="h1"} 2.5',
      'millrace_host_sessions{host="h1"} 3',
    ]);
  });

  it('forgets shards that are gone', async () => {
    const page = new PrometheusPage();
    await lines(page);

    const later = await lines(page, workerHealth({ consumers: [consumerHealth({ shards: [] })] }));

    expect(later.filter((line) => line.startsWith('millrace_shard_'))).toEqual([]);
  });

  it('has one series for a shard whose sessions overlap, that of the younger one', async () => {
    const shards = [shardStatus({ state: 'doubt' }), shardStatus({ sessionId: 's2', state: 'ready' })];

    const states = await lines(new PrometheusPage(), workerHealth({ consumers: [consumerHealth({ shards })] }));

    expect(states.filter((line) => line.startsWith('millrace_shard_state'))).toEqual([
      'millrace_shard_state{application="mailer",stream="orders",shard="shardId-000",state="ready"} 1',
    ]);
  });

  it('counts a session that knows its shard not yet, without a series for it', async () => {
    const shards = [shardStatus({ shardId: undefined, state: 'starting' })];

    const found = await lines(new PrometheusPage(), workerHealth({ consumers: [consumerHealth({ shards })] }));

    expect(found).toContain('millrace_sessions{application="mailer",stream="orders"} 1');
    expect(found.filter((line) => line.startsWith('millrace_shard_'))).toEqual([]);
  });

  it('leaves the registry of the program alone, and can be there twice', async () => {
    await Promise.all([lines(new PrometheusPage()), lines(new PrometheusPage())]);

    expect(register.getMetricsAsArray()).toEqual([]);
  });
});

describe('the metrics', () => {
  it('are all described in docs/health.md', async () => {
    const page = await readFile(new URL('../../../../docs/health.md', import.meta.url), 'utf8');

    expect(METRICS.map(({ name }) => name).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
