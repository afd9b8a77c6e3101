/** May the worker go on living, and does it serve? Decided from what it says of itself, with the reasons in words. */
import type { ConsumerHealth, DaemonState, HostHealth, WorkerHealth } from '../runtime/worker-health.js';

export interface Probe {
  readonly ok: boolean;
  /** Why not; empty when `ok`. */
  readonly reasons: readonly string[];
}

/**
 * False when only a new start helps: a host does not respond, or a daemon has ended although nobody asked. A shard that is
 * held does not count: a restart would deliver the same record again, and the orchestrator would restart for ever.
 */
export function liveness(health: WorkerHealth): Probe {
  const asked = health.phase === 'stopping' || health.phase === 'ended';
  const ended = asked ? [] : health.consumers.filter(({ daemon }) => daemon?.state === 'ended');
  return probe([
    ...health.hosts.flatMap(silence),
    ...ended.map(({ applicationName }) => `the daemon of ${applicationName} has ended`),
  ]);
}

/** False while sessions cannot be served: something starts, waits, restarts or stops. */
export function readiness(health: WorkerHealth): Probe {
  return probe([...workerPhase(health), ...health.consumers.flatMap(daemonWait), ...health.hosts.flatMap(silence)]);
}

function probe(reasons: readonly string[]): Probe {
  return { ok: reasons.length === 0, reasons };
}

function silence({ id, pid, responding, silentMs }: HostHealth): string[] {
  return responding ? [] : [`host ${id} (pid ${pid}) has not responded for ${Math.round(silentMs / 1000)} s`];
}

function workerPhase({ phase }: WorkerHealth): string[] {
  switch (phase) {
    case 'running':
      return [];
    case 'starting':
      return ['the worker is starting'];
    case 'stopping':
      return ['the worker is stopping'];
    case 'ended':
      return ['the worker has ended'];
    default:
      return phase satisfies never;
  }
}

function daemonWait({ applicationName, daemon }: ConsumerHealth): string[] {
  if (daemon === undefined || daemon.state === 'serving') return [];
  const waits = daemon.waitingFor === undefined ? '' : ` and waits for ${daemon.waitingFor}`;
  return [`the daemon of ${applicationName} ${inWords(daemon.state)}${waits}`];
}

function inWords(state: Exclude<DaemonState, 'serving'>): string {
  switch (state) {
    case 'checking':
      return 'is not started yet: what it needs is being checked';
    case 'starting':
      return 'is starting';
    case 'stopping':
      return 'is stopping';
    case 'restarting':
      return 'ended without being asked and will be started again';
    case 'ended':
      return 'has ended';
    default:
      return state satisfies never;
  }
}
