/** What a worker says of itself, its daemons, hosts and shards: `Worker.health()`, the health port and the metrics. */
import type { ShardStatus } from './shard-status.js';

export interface WorkerHealth {
  readonly phase: WorkerPhase;
  /** False while a record is held, a handler is stuck, or checkpoints are not written. */
  readonly healthy: boolean;
  readonly consumers: readonly ConsumerHealth[];
  /** The processes that serve shards; none where the worker serves them itself. */
  readonly hosts: readonly HostHealth[];
}

/** `starting` until the first sessions are being opened, `stopping` from the moment its end was asked for. */
export type WorkerPhase = 'starting' | 'running' | 'stopping' | 'ended';

export interface ConsumerHealth {
  readonly consumer: string;
  readonly applicationName: string;
  readonly stream: string;
  /** Undefined for the engines that start no daemon. */
  readonly daemon: DaemonHealth | undefined;
  readonly shards: readonly ShardStatus[];
}

export interface DaemonHealth {
  readonly state: DaemonState;
  /** Under which name it owns leases; undefined until that is settled. */
  readonly workerId: string | undefined;
  /** How often it ended without being asked and was started again. */
  readonly restarts: number;
  /** When `state` began, in milliseconds since the epoch. */
  readonly since: number;
  /** `its first lease`, for example. */
  readonly waitingFor: string | undefined;
}

/** `restarting` is the pause before the next start; `ended` is final. */
export type DaemonState = 'checking' | 'starting' | 'serving' | 'stopping' | 'restarting' | 'ended';

export interface HostHealth {
  readonly id: string;
  readonly pid: number;
  /** False when it has been silent for longer than a host that works can be. */
  readonly responding: boolean;
  /** Milliseconds since its last sign of life. */
  readonly silentMs: number;
  /** How many sessions it serves. */
  readonly sessions: number;
}
