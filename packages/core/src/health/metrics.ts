/** Every metric in one table; Prometheus and OpenTelemetry publish the same names from it. docs/health.md describes them. */
import type { ShardStatus } from '../runtime/shard-status.js';
import type { ConsumerHealth, WorkerHealth } from '../runtime/worker-health.js';
import { liveness, readiness, type Probe } from './probes.js';
import type { ConsumerTotals, SessionTotals } from './session-totals.js';

export interface HealthSnapshot {
  readonly health: WorkerHealth;
  readonly live: Probe;
  readonly ready: Probe;
  readonly totals: readonly ConsumerTotals[];
}

export interface Metric {
  readonly name: string;
  readonly kind: 'gauge' | 'counter';
  readonly help: string;
  readonly labels: readonly string[];
  samples(snapshot: HealthSnapshot): readonly Sample[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface HealthSource {
  readonly read: () => WorkerHealth;
  readonly totals: SessionTotals;
}

export function takeSnapshot({ read, totals }: HealthSource): HealthSnapshot {
  const health = read();
  return { health, live: liveness(health), ready: readiness(health), totals: totals.look(health) };
}

const OF_CONSUMER = ['application', 'stream'];
const OF_HOST = ['host'];

const WORKER_METRICS: readonly Metric[] = [
  {
    name: 'millrace_up',
    kind: 'gauge',
    help: '1 while the worker is live.',
    labels: [],
    samples: ({ live }) => [flag({}, live.ok)],
  },
  {
    name: 'millrace_ready',
    kind: 'gauge',
    help: '1 while sessions can be served.',
    labels: [],
    samples: ({ ready }) => [flag({}, ready.ok)],
  },
  {
    name: 'millrace_healthy',
    kind: 'gauge',
    help: '0 while a record is held or checkpoints are not written.',
    labels: [],
    samples: ({ health }) => [flag({}, health.healthy)],
  },
  {
    name: 'millrace_sessions',
    kind: 'gauge',
    help: 'Sessions that are alive.',
    labels: OF_CONSUMER,
    samples: ({ health }) =>
      health.consumers.map((consumer) => ({ labels: ofConsumer(consumer), value: consumer.shards.length })),
  },
  {
    name: 'millrace_records_settled_total',
    kind: 'counter',
    help: 'Records that were settled, by how.',
    labels: [...OF_CONSUMER, 'how'],
    samples: ({ totals }) =>
      totals.flatMap((total) =>
        Object.entries(total.settled).map(([how, value]) => ({ labels: { ...ofConsumer(total), how }, value })),
      ),
  },
  {
    name: 'millrace_retries_total',
    kind: 'counter',
    help: 'Attempts that failed and were followed by another.',
    labels: OF_CONSUMER,
    samples: ({ totals }) => totals.map((total) => ({ labels: ofConsumer(total), value: total.retries })),
  },
];

const SHARD_METRICS: readonly Metric[] = [
  ofShards({
    name: 'millrace_shard_state',
    help: '1 for the state that the shard is in.',
    label: 'state',
    read: ({ state }) => ({ label: state, value: 1 }),
  }),
  ofShards({
    name: 'millrace_shard_lag_seconds',
    help: 'How far the last batch was behind the end of the shard.',
    read: ({ millisBehindLatest }) => seconds(millisBehindLatest),
  }),
  ofShards({
    name: 'millrace_shard_oldest_unsettled_age_seconds',
    help: 'Time since the oldest unsettled record arrived at Kinesis; 0 when there is none.',
    read: ({ oldestUnsettledAgeMs }) => seconds(oldestUnsettledAgeMs ?? 0),
  }),
  ofShards({
    name: 'millrace_shard_action_open_seconds',
    help: 'How long the daemon has waited for the open action; 0 when none is open.',
    read: ({ action }) => seconds(action?.openMs ?? 0),
  }),
  ofShards({
    name: 'millrace_shard_unsettled_records',
    help: 'Records that were delivered and are not settled.',
    read: ({ unsettled }) => ({ value: unsettled }),
  }),
  ofShards({
    name: 'millrace_shard_held',
    help: '1 while the shard is held.',
    read: ({ held }) => ({ value: held === undefined ? 0 : 1 }),
  }),
  ofShards({
    name: 'millrace_shard_circuit_breaker',
    help: "1 for the state of the consumer's circuit breaker where the shard is served.",
    label: 'state',
    read: ({ circuitBreaker }) => (circuitBreaker === undefined ? undefined : { label: circuitBreaker, value: 1 }),
  }),
  ofShards({
    name: 'millrace_shard_checkpoint_failing',
    help: '1 while checkpoints are not written.',
    read: ({ checkpointError }) => ({ value: checkpointError === undefined ? 0 : 1 }),
  }),
];

const DAEMON_METRICS: readonly Metric[] = [
  {
    name: 'millrace_daemon_state',
    kind: 'gauge',
    help: '1 for the state that the daemon is in.',
    labels: [...OF_CONSUMER, 'state'],
    samples: ({ health }) =>
      health.consumers.flatMap((consumer) =>
        consumer.daemon === undefined ? [] : [flag({ ...ofConsumer(consumer), state: consumer.daemon.state }, true)],
      ),
  },
  {
    name: 'millrace_daemon_restarts_total',
    kind: 'counter',
    help: 'How often the daemon was started again after an end that nobody asked for.',
    labels: OF_CONSUMER,
    samples: ({ health }) =>
      health.consumers.flatMap((consumer) =>
        consumer.daemon === undefined ? [] : [{ labels: ofConsumer(consumer), value: consumer.daemon.restarts }],
      ),
  },
];

const HOST_METRICS: readonly Metric[] = [
  {
    name: 'millrace_host_responding',
    kind: 'gauge',
    help: '0 while the host does not respond.',
    labels: OF_HOST,
    samples: ({ health }) => health.hosts.map(({ id, responding }) => flag({ host: id }, responding)),
  },
  {
    name: 'millrace_host_silent_seconds',
    kind: 'gauge',
    help: 'Time since the last sign of life of the host.',
    labels: OF_HOST,
    samples: ({ health }) => health.hosts.map(({ id, silentMs }) => ({ labels: { host: id }, value: silentMs / 1000 })),
  },
  {
    name: 'millrace_host_sessions',
    kind: 'gauge',
    help: 'Sessions that the host serves.',
    labels: OF_HOST,
    samples: ({ health }) => health.hosts.map(({ id, sessions }) => ({ labels: { host: id }, value: sessions })),
  },
];

export const METRICS: readonly Metric[] = [...WORKER_METRICS, ...SHARD_METRICS, ...DAEMON_METRICS, ...HOST_METRICS];

interface ShardMetric {
  readonly name: string;
  readonly help: string;
  /** A label beside application, stream and shard. */
  readonly label?: string;
  /** Undefined while the shard has no such value. */
  readonly read: (status: ShardStatus) => { readonly label?: string; readonly value: number } | undefined;
}

function ofShards({ name, help, label, read }: ShardMetric): Metric {
  return {
    name,
    kind: 'gauge',
    help,
    labels: [...OF_CONSUMER, 'shard', ...(label === undefined ? [] : [label])],
    samples: ({ health }) =>
      health.consumers.flatMap((consumer) =>
        youngestOfEach(consumer).flatMap(([shard, status]) => {
          const found = read(status);
          if (found === undefined) return [];
          const more = label === undefined || found.label === undefined ? {} : { [label]: found.label };
          return [{ labels: { ...ofConsumer(consumer), shard, ...more }, value: found.value }];
        }),
      ),
  };
}

/** Two sessions of a shard can overlap; the younger one has the lease. A session that knows its shard not yet has no series. */
function youngestOfEach({ shards }: ConsumerHealth): readonly (readonly [shardId: string, status: ShardStatus])[] {
  const youngest = new Map<string, ShardStatus>();
  for (const status of shards) if (status.shardId !== undefined) youngest.set(status.shardId, status);
  return [...youngest];
}

function ofConsumer({ applicationName, stream }: Pick<ConsumerHealth, 'applicationName' | 'stream'>): Sample['labels'] {
  return { application: applicationName, stream };
}

function flag(labels: Sample['labels'], set: boolean): Sample {
  return { labels, value: set ? 1 : 0 };
}

function seconds(milliseconds: number | undefined): { readonly value: number } | undefined {
  return milliseconds === undefined ? undefined : { value: milliseconds / 1000 };
}
