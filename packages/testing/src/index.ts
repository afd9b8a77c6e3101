/**
 * Unit tests for Millrace consumers: the production runner on shards in memory, a clock you hold, and a history to ask.
 *
 * @packageDocumentation
 */

// Beds
export { testBed } from './test-bed.js';
export type { TestBed } from './test-bed.js';
export type { IdleOptions, TestBedOptions } from './bed-options.js';
export type { Delivered, TestShard } from './test-shard.js';
export { VirtualClock } from './virtual-clock.js';
export { override } from './override.js';
export type { Overriding, StandIn } from './override.js';
export { track } from './tracked.js';
export type { FakeSink } from './fake-sink.js';
export type { CheckpointFailure, FakeCheckpoints } from './fake-checkpoints.js';
export type { KeptLog, LogLine } from './kept-log.js';

// One handler, no stream
export { handler } from './handler.js';
export type {
  BatchOutcome,
  HandlerHarness,
  HandlerInput,
  HandlerOptions,
  HandlerOutcome,
  HandlerTrace,
  RecordOutcome,
} from './handler.js';

// Crashes
export { replaySafe } from './replay-safe.js';
export type { ReplaySafeOptions, ReplayWorld } from './replay-safe.js';
export type { CrashMoment } from './crash-moments.js';

// What was recorded from a daemon
export { replayTranscript } from './replay-transcript.js';
export type { ReplayedTranscript, ReplayTranscriptOptions } from './replay-transcript.js';
export type { RecordedRecord } from './transcript-steps.js';

// The same scenario in memory and on the program itself
export { eachRuntime } from './runtimes.js';
export type { Runtime } from './runtimes.js';
export type {
  RuntimeMove,
  RuntimeName,
  RuntimeScenario,
  RuntimeSeen,
  RuntimeSubject,
  SeenShard,
} from './runtime-scenario.js';

// Records
export { records } from './record-builders.js';
export type { JsonRecordOptions, JsonRecords, KplRecord, SingleRecord, TestRecord } from './record-builders.js';
export type { EdgeCase } from './edge-cases.js';

// What happened
export type { DeliveredRecord, HandedRecord, History, HistoryEntry } from './history.js';
export type { Observed } from './observed.js';
export { timeline } from './timeline.js';
export type { TimelineOptions } from './timeline.js';
export { checkInvariants } from './invariants.js';
export type { InvariantId, Violation } from './violation.js';
export {
  check,
  reveal,
  toHaveAbandoned,
  toHaveFiltered,
  toHaveDeduplicated,
  toHaveHandled,
  toHaveParked,
  toHaveRetried,
  toHaveSkipped,
} from './matchers.js';
export type { MatchResult, ParkedAs } from './matchers.js';
export { toBeHeld, toHaveCheckpointed, toHaveLostNothing } from './shard-matchers.js';
