/** One run of a record's handler: what its attempt looks at, and what its context asks for. A context outlives its run. */
import type { Deferred } from '../definition/context.js';
import type { RecordHandler, RetryPolicy, WindowHandler } from '../definition/definition.js';
import type { Clock, Logger } from '../ports.js';
import { Attempt, type AttemptOptions } from './attempt.js';
import type { SharedContext } from './shared-context.js';
import { AttemptScope } from './attempt-scope.js';
import type { ContextBasis, RecordControls } from './contexts.js';
import type { RecordSlot } from './record-slot.js';
import type { SessionParts } from './session-parts.js';

export type OneByOne = RecordHandler | WindowHandler;

/** A record's place among the handlers that run at once. */
export interface Turn {
  /** Lets another record run; giving it back twice does nothing. */
  yield(): void;
  /** Resolves when it may run again, or when no handler starts any more. */
  take(): Promise<void>;
}

/** What all runs of a handler in a session share; made once. */
export interface HandlerPlan {
  readonly handler: OneByOne;
  /** `OrderMailer.placed` */
  readonly title: string;
  readonly policy: RetryPolicy;
  /** Quick: it has returned, and never a promise, nor has it deferred a record. */
  pace: 'unknown' | 'quick' | 'slow';
  readonly parts: SessionParts;
  readonly runner: RunOwner;
}

/** Who decides over the record. */
export interface RunOwner {
  checkpoint(run: RecordRun): Promise<void>;
  defer(run: RecordRun): Deferred;
  stuck(run: RecordRun, runningMs: number): void;
}

/** One object for three who look at it: a run costs few allocations, and no closure. */
export class RecordRun implements AttemptOptions, ContextBasis, RecordControls {
  readonly plan: HandlerPlan;
  readonly slot: RecordSlot;
  readonly turn: Turn | undefined;
  readonly attempt: number;
  readonly millisBehindLatest: number | undefined;
  readonly shared: SharedContext | undefined;
  readonly execution: Attempt;

  constructor(plan: HandlerPlan, { slot, turn, millisBehindLatest, shared }: OneRun) {
    this.plan = plan;
    this.slot = slot;
    this.turn = turn;
    this.attempt = slot.attempts;
    this.millisBehindLatest = millisBehindLatest;
    this.shared = shared;
    this.execution = new Attempt(this);
  }

  get clock(): Clock {
    return this.plan.parts.ports.clock;
  }
  get timeoutMs(): number {
    return this.plan.policy.timeoutMs;
  }
  get handler(): string {
    return this.plan.title;
  }
  get method(): string {
    return this.plan.handler.name;
  }
  get recordId(): string {
    return this.slot.record.id;
  }
  get over(): AbortSignal {
    return this.plan.parts.life.over;
  }
  get shardId(): string {
    return this.plan.parts.facts.shardId;
  }
  get log(): Logger {
    return this.plan.parts.report.log;
  }
  get replayed(): boolean {
    return this.plan.parts.replayed;
  }

  signalOf(): AbortSignal {
    return this.execution.signal;
  }
  onStuck(runningMs: number): void {
    this.plan.runner.stuck(this, runningMs);
  }
  checkpoint(): Promise<void> {
    return this.plan.runner.checkpoint(this);
  }
  defer(): Deferred {
    return this.plan.runner.defer(this);
  }
  openScope(): AttemptScope {
    return new AttemptScope(this.plan.parts, this.execution);
  }
}

interface OneRun {
  readonly slot: RecordSlot;
  readonly turn: Turn | undefined;
  readonly millisBehindLatest: number | undefined;
  readonly shared: SharedContext | undefined;
}
