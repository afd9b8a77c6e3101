/** The context objects that user code gets. */
import type {
  BatchContext,
  ConsumerRecord,
  Deferred,
  RecordContext,
  ShardContext,
  ShutdownContext,
  WindowBounds,
  WindowContext,
  WindowRecordContext,
} from '../definition/context.js';
import { MillraceError } from '../errors.js';
import type { Clock, Logger } from '../ports.js';
import { sleepUntilAborted } from './race.js';
import { bindLogger } from './reporter.js';

export interface ContextBasis {
  readonly shardId: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Looked up late: most handlers never ask for their signal. */
  readonly signalOf: () => AbortSignal;
}

/** For hooks; the other contexts are this and more. */
export class HookContext implements ShardContext {
  readonly shardId: string;
  readonly #basis: ContextBasis;

  constructor(basis: ContextBasis) {
    this.shardId = basis.shardId;
    this.#basis = basis;
  }

  get signal(): AbortSignal {
    return this.#basis.signalOf();
  }
  get log(): Logger {
    return this.#basis.log;
  }

  async sleep(delayMs: number): Promise<void> {
    const { signal } = this;
    if (!(await sleepUntilAborted(this.#basis.clock, delayMs, signal))) throw signal.reason;
  }
}

export class StoppingContext extends HookContext implements ShutdownContext {
  readonly reason: 'handoff' | 'workerStopping';

  constructor(basis: ContextBasis, reason: 'handoff' | 'workerStopping') {
    super(basis);
    this.reason = reason;
  }
}

/** What a record's context may do to its record; the runner that made it answers. */
export interface RecordControls {
  readonly attempt: number;
  readonly millisBehindLatest: number | undefined;
  checkpoint(): Promise<void>;
  defer(): Deferred;
}

export class OneRecordContext extends HookContext implements RecordContext {
  readonly record: ConsumerRecord;
  readonly attempt: number;
  readonly millisBehindLatest: number | undefined;
  readonly #controls: RecordControls;
  #boundLog: Logger | undefined;

  constructor(basis: ContextBasis, record: ConsumerRecord, controls: RecordControls) {
    super(basis);
    this.record = record;
    this.attempt = controls.attempt;
    this.millisBehindLatest = controls.millisBehindLatest;
    this.#controls = controls;
  }

  override get log(): Logger {
    const { sequenceNumber, subSequenceNumber } = this.record;
    this.#boundLog ??= bindLogger(super.log, { sequenceNumber, subSequenceNumber });
    return this.#boundLog;
  }

  checkpoint(): Promise<void> {
    return this.#controls.checkpoint();
  }
  defer(): Deferred {
    return this.#controls.defer();
  }
}

/** The state of an open window, made when it is first asked for: a factory that throws fails the record that asked. */
export interface WindowState extends WindowBounds {
  state: unknown;
}

interface AbsorbFacts {
  readonly attempt: number;
  readonly millisBehindLatest: number | undefined;
  readonly window: WindowState;
}

export class AbsorbContext extends HookContext implements WindowRecordContext<unknown> {
  readonly record: ConsumerRecord;
  readonly attempt: number;
  readonly millisBehindLatest: number | undefined;
  readonly startMs: number;
  readonly endMs: number;
  readonly #window: WindowState;

  constructor(basis: ContextBasis, record: ConsumerRecord, { attempt, millisBehindLatest, window }: AbsorbFacts) {
    super(basis);
    this.record = record;
    this.attempt = attempt;
    this.millisBehindLatest = millisBehindLatest;
    this.startMs = window.startMs;
    this.endMs = window.endMs;
    this.#window = window;
  }

  get state(): unknown {
    return this.#window.state;
  }
  set state(state: unknown) {
    this.#window.state = state;
  }
}

type EmitFacts = Omit<WindowContext, keyof ShardContext>;

export class EmitContext extends HookContext implements WindowContext {
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly records: number;
  readonly last: WindowContext['last'];
  readonly closedBy: WindowContext['closedBy'];
  readonly attempt: number;

  constructor(basis: ContextBasis, facts: EmitFacts) {
    super(basis);
    this.id = facts.id;
    this.startMs = facts.startMs;
    this.endMs = facts.endMs;
    this.records = facts.records;
    this.last = facts.last;
    this.closedBy = facts.closedBy;
    this.attempt = facts.attempt;
  }
}

export class WholeBatchContext extends HookContext implements BatchContext {
  readonly attempt: number;
  readonly millisBehindLatest: number | undefined;
  readonly #checkpoint: () => Promise<void>;

  constructor(basis: ContextBasis, controls: Omit<RecordControls, 'defer'>) {
    super(basis);
    this.attempt = controls.attempt;
    this.millisBehindLatest = controls.millisBehindLatest;
    this.#checkpoint = () => controls.checkpoint();
  }

  checkpoint(): Promise<void> {
    return this.#checkpoint();
  }
}

export function contextExpired(recordId: string): MillraceError {
  return new MillraceError(
    'CONTEXT_EXPIRED',
    `The context of record ${recordId} was used after the record was given up; call it before the handler returns.`,
    {
      details: { recordId },
    },
  );
}
