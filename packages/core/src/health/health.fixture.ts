/** Workers, daemons, hosts and shards as they would describe themselves. */
import type { ShardStatus } from '../runtime/shard-status.js';
import type { ConsumerHealth, DaemonHealth, HostHealth, WorkerHealth } from '../runtime/worker-health.js';
import { SessionTotals } from './session-totals.js';
import { takeSnapshot, type HealthSnapshot } from './metrics.js';

export function workerHealth(more: Partial<WorkerHealth> = {}): WorkerHealth {
  return { phase: 'running', healthy: true, consumers: [consumerHealth()], hosts: [], ...more };
}

export function consumerHealth(more: Partial<ConsumerHealth> = {}): ConsumerHealth {
  return {
    consumer: 'OrderMailer',
    applicationName: 'mailer',
    stream: 'orders',
    daemon: undefined,
    shards: [shardStatus()],
    ...more,
  };
}

export function daemonHealth(more: Partial<DaemonHealth> = {}): DaemonHealth {
  return { state: 'serving', workerId: 'box-0', restarts: 0, since: 0, waitingFor: undefined, ...more };
}

export function hostHealth(more: Partial<HostHealth> = {}): HostHealth {
  return { id: 'h1', pid: 12, responding: true, silentMs: 200, sessions: 3, ...more };
}

export function shardStatus(more: Partial<ShardStatus> = {}): ShardStatus {
  return {
    sessionId: 's1',
    shardId: 'shardId-000',
    state: 'running',
    action: undefined,
    millisBehindLatest: 1500,
    oldestUnsettledAgeMs: undefined,
    unsettled: 0,
    settled: { handled: 0, parked: 0, skipped: 0, filtered: 0, deduplicated: 0 },
    window: undefined,
    retries: 0,
    circuitBreaker: undefined,
    held: undefined,
    heldRecords: [],
    heldCount: 0,
    checkpoint: undefined,
    checkpointError: undefined,
    ...more,
  };
}

export function snapshotOf(health: WorkerHealth): HealthSnapshot {
  return takeSnapshot({ read: () => health, totals: new SessionTotals() });
}
