/** The context objects that user code gets. */
import type {
  BatchContext,
  ConsumerRecord,
  Deferred,
  RecordContext,
  ServiceToken,
  ShardContext,
  ShutdownContext,
  WindowContext,
  WindowRecordContext,
} from '../definition/context.js';
import { MillraceError } from '../errors.js';
import type { Clock, Logger } from '../ports.js';
import type { AttemptScope } from './attempt-scope.js';
import { sleepUntilAborted } from './race.js';
import type { WindowState } from './open-window.js';
import { bindLogger } from './reporter.js';

export interface ContextBasis {
  readonly shardId: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Looked up late: most handlers never ask for their signal. */
  signalOf(): AbortSignal;
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
  /** The handler's own name. */
  readonly method: string;
  readonly attempt: number;
  readonly replayed: boolean;
  readonly millisBehindLatest: number | undefined;
  checkpoint(): Promise<void>;
  defer(): Deferred;
  openScope(): AttemptScope;
}

/** What every context of a single record has. */
class RecordBoundContext extends HookContext {
  readonly record: ConsumerRecord;
  readonly attempt: number;
  readonly replayed: boolean;
  readonly millisBehindLatest: number | undefined;
  readonly #run: BoundRun;
  #boundLog: Logger | undefined;
  #scope: AttemptScope | undefined;

  constructor(run: BoundRun, record: ConsumerRecord) {
    super(run);
    this.record = record;
    this.attempt = run.attempt;
    this.replayed = run.replayed;
    this.millisBehindLatest = run.millisBehindLatest;
    this.#run = run;
  }

  override get log(): Logger {
    this.#boundLog ??= this.#bindLog();
    return this.#boundLog;
  }

  #bindLog(): Logger {
    const { record, shardId, attempt } = this;
    const { sequenceNumber, subSequenceNumber, id: recordId } = record;
    const handler = this.#run.method;
    return bindLogger(super.log, { shardId, sequenceNumber, subSequenceNumber, recordId, handler, attempt });
  }

  resolve<T>(token: ServiceToken<T>): Promise<T> {
    this.#scope ??= this.#run.openScope();
    return this.#scope.resolve(token);
  }
}

type BoundRun = ContextBasis &
  Pick<RecordControls, 'attempt' | 'replayed' | 'millisBehindLatest' | 'method' | 'openScope'>;

export class OneRecordContext extends RecordBoundContext implements RecordContext {
  readonly #controls: Pick<RecordControls, 'checkpoint' | 'defer'>;

  constructor(run: ContextBasis & RecordControls, record: ConsumerRecord) {
    super(run, record);
    this.#controls = run;
  }

  checkpoint(): Promise<void> {
    return this.#controls.checkpoint();
  }
  defer(): Deferred {
    return this.#controls.defer();
  }
}

export class AbsorbContext extends RecordBoundContext implements WindowRecordContext<unknown> {
  readonly startMs: number;
  readonly endMs: number;
  readonly #window: WindowState;

  constructor(run: BoundRun, record: ConsumerRecord, window: WindowState) {
    super(run, record);
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
  readonly replayed: boolean;
  readonly millisBehindLatest: number | undefined;
  readonly #controls: Omit<RecordControls, 'defer'>;
  #boundLog: Logger | undefined;
  #scope: AttemptScope | undefined;

  constructor(basis: ContextBasis, controls: Omit<RecordControls, 'defer'>) {
    super(basis);
    this.attempt = controls.attempt;
    this.replayed = controls.replayed;
    this.millisBehindLatest = controls.millisBehindLatest;
    this.#controls = controls;
  }

  override get log(): Logger {
    const { shardId, attempt } = this;
    this.#boundLog ??= bindLogger(super.log, { shardId, handler: this.#controls.method, attempt });
    return this.#boundLog;
  }

  checkpoint(): Promise<void> {
    return this.#controls.checkpoint();
  }
  resolve<T>(token: ServiceToken<T>): Promise<T> {
    this.#scope ??= this.#controls.openScope();
    return this.#scope.resolve(token);
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
