/** What a session needs from its worker. */
import type { ResolvedConsumer } from '../config/resolved.js';
import type { SinkDescription } from '../definition/definition.js';
import type { IdempotencyStoreDescription } from '../definition/middleware.js';
import type { ByteChannel, ContainerPort, DeadLetterSink, IdempotencyStore, RuntimePorts } from '../ports.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import type { FlightRecorder } from './flights.js';

export interface ShardRunnerOptions {
  readonly consumer: ResolvedConsumer;
  /** Unique in this process; two sessions of one shard can be alive at once. */
  readonly sessionId: string;
  readonly channel: ByteChannel;
  readonly container: ContainerPort;
  /** The sinks that the worker has opened; those behind injection tokens come from the lease's scope. */
  readonly sinks: ReadonlyMap<SinkDescription, DeadLetterSink>;
  /** The idempotency stores that the worker has opened. */
  readonly stores: ReadonlyMap<IdempotencyStoreDescription, IdempotencyStore>;
  readonly ports: RuntimePorts;
  /** Shared by all sessions of the consumer in this process; undefined when it declares none. */
  readonly breaker: CircuitBreaker | undefined;
  /** Where it writes what is in flight, for the next process after a crash; undefined where nothing can be written. */
  readonly flights: FlightRecorder | undefined;
  /** The stream's retention, for the warnings of a held record; undefined when unknown. */
  readonly retentionMs: number | undefined;
  /** Ends the whole worker in order: StopWorkerError, `then: 'stop'`, a doubt that lasts. */
  readonly requestStop: (cause: Error) => void;
  /** What this session delivers was parked once: handlers see it in their context. Default false. */
  readonly replayed?: boolean;
  /** A younger session of the same shard ends this one's claim (S6); called once the shard is known. */
  readonly onShardKnown?: (shardId: string) => void;
}
