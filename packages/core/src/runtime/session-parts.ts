/** What the parts of one session share. Assembled once, by the shard runner, when `initialize` has come. */
import type { ResolvedConsumer } from '../config/resolved.js';

import type { Watermark } from '../policy/watermark.js';
import type { DeadLetterSink, RuntimePorts, ShardFacts } from '../ports.js';
import type { Pipeline } from '../records/pipeline.js';
import type { Checkpointer } from './checkpointer.js';
import type { Holds } from './holds.js';
import type { Parking } from './parking.js';
import type { RecordSlot } from './record-slot.js';
import type { Reporter } from './reporter.js';
import type { SessionLife } from './session-life.js';
import type { Starts } from './starts.js';

export interface SessionParts {
  readonly consumer: ResolvedConsumer;
  readonly facts: ShardFacts;
  readonly ports: RuntimePorts;
  readonly life: SessionLife;
  readonly watermark: Watermark<RecordSlot>;
  readonly report: Reporter;
  readonly holds: Holds;
  readonly parking: Parking;
  /** Undefined where handlers start whatever happened before. */
  readonly starts: Starts | undefined;
  readonly checkpointer: Checkpointer;
  readonly pipeline: Pipeline;
  /** The consumer's instance of this shard lease. */
  readonly instance: object;
  readonly sinks: OpenSinks;
  /** Ends the whole worker in order. */
  readonly requestStop: (cause: Error) => void;
}

/** The sinks that are open in this worker, by the handler they serve. */
export interface OpenSinks {
  /** The handler's own sink, else the consumer's; undefined when neither declares one. */
  sinkOf(handlerName: string | undefined): DeadLetterSink | undefined;
}

export interface LastBatch {
  readonly millisBehindLatest: number | undefined;
}
