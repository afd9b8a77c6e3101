/**
 * The public surface of `@millrace/core`: everything named here, and nothing else.
 *
 * @packageDocumentation
 */

// First of all: it takes the daemon's pipes before user code can write to them.
import './standard-pipes.js';
import './process-role.js';

// Declaring consumers
export { KinesisConsumer } from './decorators/kinesis-consumer.js';
export { OnBatch, OnRecord, OnWindow } from './decorators/handlers.js';
export { OnInitialize, OnLeaseLost, OnShardEnd, OnShutdownRequested } from './decorators/hooks.js';
export type { ShardHookDecorator } from './decorators/hooks.js';
export {
  CheckpointPolicy,
  CircuitBreaker,
  Concurrency,
  DeadLetter,
  Filter,
  Idempotent,
  RetryPolicy,
  Use,
} from './decorators/policies.js';
export type {
  ClassDecoratorFor,
  MethodDecoratorFor,
  PolicyClassDecorator,
  PolicyDecorator,
} from './decorators/decorator-types.js';
export { readDefinition } from './decorators/read-definition.js';
export { batchHandler, defineConsumer, recordHandler, windowHandler } from './definition/define-consumer.js';
export type { ConsumerData, DeadLetterInput, HandlerData } from './definition/define-consumer.js';
export type { ConsumerOptions, ConsumerOptionsSource, MillraceOptions } from './definition/consumer-options.js';
export type {
  BuilderValue,
  DateLike,
  IsoTimestamp,
  KclProperties,
  StartPosition,
} from './definition/kcl-properties.js';
export type {
  BatchOptions,
  Emit,
  WindowOptions,
  CheckpointOptions,
  CircuitBreakerOptions,
  ConcurrencyOptions,
  DeadLetterOptions,
  RecordOptions,
  RetryOptions,
  RetryOverrideOptions,
  SinkInput,
} from './definition/handler-options.js';
export type {
  FilterFields,
  FilterIgnoreCase,
  FilterPattern,
  FilterRange,
  FilterTexts,
  FilterValue,
  FilterValues,
} from './definition/filter-pattern.js';
export type {
  HandlerContext,
  Idempotency,
  IdempotencyStoreContext,
  IdempotencyStoreDescription,
  IdempotencyStoreInput,
  IdempotencyStoreSource,
  IdempotentOptions,
  Middleware,
  MiddlewareInput,
  MiddlewareService,
  MiddlewareSource,
  Next,
} from './definition/middleware.js';
export type { AwsPlace, ParkedPlace, S3Place } from './definition/parked-place.js';
export type { Decoded, DtoClass, Payload, SchemaInput } from './definition/payload.js';
export type {
  BatchHandler,
  WindowHandler,
  CheckpointPolicy as ResolvedCheckpointPolicy,
  CircuitBreakerPolicy as ResolvedCircuitBreaker,
  ConsumerClass,
  ConsumerDefinition,
  DeadLetter as ResolvedDeadLetter,
  DeclaredOptions,
  Decode,
  Environment,
  ErrorClass,
  ErrorPattern,
  Exhausted,
  Handler,
  Hook,
  HookName,
  Hooks,
  InstanceSource,
  OptionsSource,
  RecordHandler,
  Concurrency as ResolvedConcurrency,
  RetryOverride as ResolvedRetryOverride,
  RetryPolicy as ResolvedRetryPolicy,
  RetryRules,
  Schema,
  SinkContext,
  SinkDescription,
  SinkSource,
} from './definition/definition.js';

// What handlers get
export { LOGGER, SHARD } from './definition/context.js';
export { currentContext, currentRecord } from './runtime/current-context.js';
export type {
  Batch,
  BatchContext,
  WindowBounds,
  WindowContext,
  WindowRecordContext,
  BatchItem,
  ConsumerRecord,
  Deferred,
  RecordContext,
  ServiceToken,
  ShardContext,
  ShutdownContext,
} from './definition/context.js';

// Services
export { delay, inject, injectAll, Lifecycle } from './container/tsyringe.js';
export type { DependencyContainer, InjectionToken, Override } from './container/tsyringe.js';
export { injectable, singleton } from './container/services.js';
export type { Ref } from './container/services.js';

// Dead letters
export { file } from './dead-letter/file-sink.js';
export type { FileSinkOptions } from './dead-letter/file-sink.js';
export { fn } from './dead-letter/function-sink.js';
export { kinesis } from './dead-letter/kinesis-sink.js';
export type { KinesisSinkOptions } from './dead-letter/kinesis-sink.js';
export { s3 } from './dead-letter/s3-sink.js';
export type { S3SinkDescription, S3SinkOptions } from './dead-letter/s3-sink.js';
export { sqs } from './dead-letter/sqs-sink.js';
export type { SqsSinkOptions } from './dead-letter/sqs-sink.js';
export type { AwsOptions } from './dead-letter/aws-connection.js';
export type { TooLargeOptions } from './dead-letter/overflow.js';
export { readParked } from './dead-letter/parked-file.js';
export type { TornLine } from './dead-letter/parked-file.js';

// Idempotency
export { dynamoDbStore } from './idempotency/dynamo-db-store.js';
export type { DynamoDbStoreOptions } from './idempotency/dynamo-db-store.js';
export { memoryStore } from './idempotency/memory-store.js';
export type { MemoryStoreOptions } from './idempotency/memory-store.js';

// Running
export { run } from './run.js';
export { createWorker } from './create-worker.js';
export { EXIT_CODES } from './exit-codes.js';
export type { ExitCode } from './exit-codes.js';
export type { Consumer, Engine, HealthOptions, Worker, WorkerOptions, WorkerOutcome } from './worker-options.js';

// Watching
export type {
  ConsumerHealth,
  DaemonHealth,
  DaemonState,
  HostHealth,
  WorkerHealth,
  WorkerPhase,
} from './runtime/worker-health.js';
export type { HeldRecord, ShardStatus } from './runtime/shard-status.js';
export type { DaemonEvent, DiagnosticsMessages, HostEvent } from './diagnostics.js';
export type {
  Meter,
  MeterCallback,
  MeterInstrument,
  MeterInstrumentOptions,
  MeterResult,
} from './health/open-telemetry.js';
export type { PositionData, SessionEvent, SettledHow } from './events.js';
export type {
  Clock,
  ContainerPort,
  DeadLetterCause,
  DeadLetterEntry,
  DeadLetterSink,
  IdempotencyAnswer,
  IdempotencyClaim,
  IdempotencyStore,
  LogFields,
  Logger,
  Observer,
  Random,
  RuntimePorts,
  Scope,
  ShardFacts,
  Timer,
} from './ports.js';

// The embedded Kinesis, for programs and tests that bring their own stream
export { startEmulator } from './local/emulator.js';
export type { Emulator, EmulatorOptions } from './local/emulator.js';
export type { StreamPlan } from './local/ensure-stream.js';

// Errors
export {
  ConfigurationError,
  DefinitionError,
  ERROR_CODES,
  isMillraceError,
  MillraceError,
  NonRetryableError,
  RetryLaterError,
  StopWorkerError,
} from './errors.js';
export type { ErrorCode, Issue, MillraceErrorOptions } from './errors.js';
