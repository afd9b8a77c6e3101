/**
 * For `@millrace/testing` and nobody else: parts of the runtime that it drives. They change without notice.
 *
 * @packageDocumentation
 */
export { resolveConsumer } from './config/resolve.js';
export type { ResolvedConsumer } from './config/resolved.js';
export { createTsyringeContainer } from './container/worker-container.js';
export { classesOf } from './container/classes-of.js';
export type { WorkerContainer } from './container/worker-container.js';
export { toError } from './errors.js';
export { DaemonError } from './local/daemon-error.js';
export { aggregate, deaggregate } from './local/kpl.js';
export type { UserRecord } from './local/kpl.js';
export { ShardDaemon } from './local/shard-daemon.js';
export type { ByteChannel } from './ports.js';
export type { MessageTimeout, Misbehaviour } from './local/shard-daemon.js';
export { readWorkerLine } from './local/worker-line.js';
export type { WorkerLine } from './local/worker-line.js';
export { openDaemonPlace, startLocalServices } from './open-daemon-place.js';
export type { DaemonPlace, LocalServices } from './open-daemon-place.js';
export { comparePositions } from './protocol/position.js';
export type { CheckpointTarget, DaemonMessage, Position, WireRecord } from './protocol/messages.js';
export { viewRecord } from './records/record-view.js';
export { compilePipeline } from './records/pipeline.js';
export type { Pipeline, Prepared } from './records/pipeline.js';
export { contextLogger } from './runtime/current-context.js';
export { openCircuitBreaker } from './runtime/circuit-breaker.js';
export type { CircuitBreaker } from './runtime/circuit-breaker.js';
export { Attempt } from './runtime/attempt.js';
export { ShardRunner } from './runtime/shard-runner.js';
export type { SessionOutcome } from './runtime/shard-runner.js';
export { decodeMessage } from './protocol/decoder.js';
export { memoryChannelPair } from './transport/memory-channel.js';
