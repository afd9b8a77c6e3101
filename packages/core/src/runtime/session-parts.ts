/** What the parts of one session share. Assembled once, by the shard runner, when `initialize` has come. */
import type { ResolvedConsumer } from '../config/resolved.js';

import type { Watermark } from '../policy/watermark.js';
import type { DeadLetterSink, RuntimePorts, Scope, ShardFacts } from '../ports.js';
import type { Pipeline } from '../records/pipeline.js';
import type { Invoke } from './bind-calls.js';
import type { Checkpointer } from './checkpointer.js';
import type { Holds } from './holds.js';
import type { Orders } from './orders.js';
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
  readonly orders: Orders;
  readonly parking: Parking;
  /** Undefined where handlers start whatever happened before. */
  readonly starts: Starts | undefined;
  readonly checkpointer: Checkpointer;
  readonly pipeline: Pipeline;
  /** The consumer's instance of this shard lease. */
  readonly instance: object;
  /** The lease's own. */
  readonly scope: Scope;
  /** Calls a handler, with its middleware around it. */
  readonly invoke: Invoke;
  readonly sinks: OpenSinks;
  /** The records were parked once and run again, by hand. */
  readonly replayed: boolean;
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
