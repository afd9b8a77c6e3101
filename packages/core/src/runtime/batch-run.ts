/** One run of a batch handler: what it gets, what it marks, what it declares done, and how it ended. */
import type { BatchItem } from '../definition/context.js';
import type { BatchHandler } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import { classify } from '../policy/classify.js';
import { comparePositions } from '../protocol/position.js';
import { Attempt, type AttemptResult } from './attempt.js';
import { AttemptScope } from './attempt-scope.js';
import { WholeBatchContext } from './contexts.js';
import type { Endings } from './ending.js';
import { LeftOut } from './middleware.js';
import { isThenable } from './race.js';
import type { RecordSlot } from './record-slot.js';
import type { LastBatch, SessionParts } from './session-parts.js';

export interface Item {
  readonly slot: RecordSlot;
  readonly value: unknown;
}

/** What runs together: a delivered batch, a piece of it, or what has gathered. */
export interface Group {
  /** Its last record: what succeeded in an earlier run may lie behind the items of a later one. */
  readonly end: RecordSlot;
  readonly batch: LastBatch;
}

/** How a run ended that was not given up. */
export interface RunEnd {
  readonly items: readonly Item[];
  readonly failures: ReadonlyMap<RecordSlot, Error>;
  /** It threw what no try can mend, and had marked no item: nobody knows which of them it was. */
  readonly unexplained: Error | undefined;
}

/** One run as its context knows it: a context outlives its run. */
interface Run {
  readonly items: readonly Item[];
  readonly failures: Map<RecordSlot, Error>;
  readonly end: RecordSlot;
}

export interface BatchRunsOptions {
  readonly parts: SessionParts;
  readonly endings: Endings;
  readonly handler: BatchHandler;
}

export class BatchRuns {
  readonly #parts: SessionParts;
  readonly #endings: Endings;
  readonly #handler: BatchHandler;
  /** The run whose handler has not ended yet. */
  #running: Run | undefined;

  constructor({ parts, endings, handler }: BatchRunsOptions) {
    this.#parts = parts;
    this.#endings = endings;
    this.#handler = handler;
  }

  /** Calls the handler once, when it may start; undefined when the session gave the items up meanwhile. */
  async once(items: readonly Item[], { end, batch }: Group): Promise<RunEnd | undefined> {
    for (let entering = this.#enter(items); entering !== undefined; entering = this.#enter(items)) {
      if (!(await entering)) return undefined;
      if (this.#mayStart(items)) break;
      if (!this.#parts.life.accepting) return undefined;
    }
    const run: Run = { items, failures: new Map(), end };
    const result = await this.#attempt(run, batch);
    if (result.kind === 'abandoned') {
      this.#giveUp(items);
      return undefined;
    }
    if (result.kind === 'returned' && result.value instanceof LeftOut) {
      this.#giveUp(items);
      this.#leaveOut(items, result.value);
      return { items: [], failures: run.failures, unexplained: undefined };
    }
    const unexplained =
      result.kind === 'threw' && run.failures.size === 0 && classify(result.error).kind === 'final'
        ? result.error
        : undefined;
    this.#addWholeBatchFailure(run, result);
    const slots = items.map(({ slot }) => slot);
    this.#parts.starts?.leftBatch(slots, this.#handler, run.failures);
    return { items, failures: run.failures, unexplained };
  }

  /** Undefined when the handler may start at once; resolves to false when none starts any more. */
  #enter(items: readonly Item[]): Promise<boolean> | undefined {
    const { starts } = this.#parts;
    const [first] = items;
    const last = items.at(-1);
    if (starts === undefined || first === undefined) return undefined;
    return starts.enter(first.slot, last?.slot);
  }

  /** Whatever was true when it began to wait is looked at again in the moment in which it starts. */
  #mayStart(items: readonly Item[]): boolean {
    const { starts, life } = this.#parts;
    const [first] = items;
    if (first !== undefined && life.accepting && starts?.isCurrent(first.slot) !== false) return true;
    this.#giveUp(items);
    return false;
  }

  #giveUp([first]: readonly Item[]): void {
    if (first !== undefined) this.#parts.starts?.giveUp(first.slot);
  }

  async #attempt(run: Run, { millisBehindLatest }: LastBatch): Promise<AttemptResult> {
    const { items, failures } = run;
    const { consumer, invoke, facts, ports, report, checkpointer, replayed } = this.#parts;
    const attempt = this.#newAttempt(items);
    const number = this.#announce(items);
    const basis = { shardId: facts.shardId, clock: ports.clock, log: report.log, signalOf: () => attempt.signal };
    const context = new WholeBatchContext(basis, {
      method: this.#handler.name,
      attempt: number,
      replayed,
      millisBehindLatest,
      openScope: () => new AttemptScope(this.#parts, attempt),
      checkpoint: () => {
        if (consumer.definition.checkpoint.kind === 'manual') this.#declare(run);
        return checkpointer.request();
      },
    });
    const given = items.map((item) => toBatchItem(item, failures));
    this.#running = run;
    attempt.context = context;
    const result = await attempt.run(() => this.#call(run, () => invoke(this.#handler, given, context)));
    // Also when the handler goes on: the session has given it up.
    this.#ended(run);
    return result;
  }

  #ended(run: Run): void {
    if (this.#running === run) this.#running = undefined;
  }

  /** From the moment in which the handler has ended nothing declares its items any more: it may have failed them. */
  #call(run: Run, handler: () => unknown): unknown {
    const end = (): void => this.#ended(run);
    let value: unknown;
    try {
      value = handler();
    } catch (error) {
      end();
      throw error;
    }
    if (!isThenable(value)) {
      end();
      return value;
    }
    // Some thenables do their work each time they are asked, so it is asked once.
    const promise = Promise.resolve(value);
    promise.then(end, end);
    return promise;
  }

  #newAttempt(items: readonly Item[]): Attempt {
    const { ports, life, consumer } = this.#parts;
    const name = `${consumer.definition.name}.${this.#handler.name}`;
    return new Attempt({
      clock: ports.clock,
      timeoutMs: this.#endings.policyOf(this.#handler).timeoutMs,
      handler: name,
      recordId: items[0]?.slot.record.id,
      over: life.over,
      onStuck: (runningMs) => {
        const oldest = items[0]?.slot;
        if (oldest === undefined) return;
        const error = this.#endings.stuck(oldest, name, runningMs);
        this.#parts.starts?.stuck(oldest, this.#handler, error);
      },
    });
  }

  /** Says of every item that it runs; the greatest number of their attempts is the run's. */
  #announce(items: readonly Item[]): number {
    let number = 0;
    for (const { slot } of items) {
      slot.phase = 'running';
      slot.attempts += 1;
      number = Math.max(number, slot.attempts);
      this.#parts.report.emitRecord(slot, {
        kind: 'handlerStarted',
        handler: this.#handler.name,
        attempt: slot.attempts,
      });
    }
    return number;
  }

  #leaveOut(items: readonly Item[], leftOut: LeftOut): void {
    const { report } = this.#parts;
    for (const { slot } of items) {
      const attempt = slot.attempts;
      report.emitRecord(slot, { kind: 'handlerEnded', handler: this.#handler.name, attempt, error: undefined });
      if (slot.phase === 'running') this.#endings.leaveOut(slot, leftOut);
    }
  }

  /** Marked items failed for what they were marked with; a throw or a returned value fails the others as well. */
  #addWholeBatchFailure({ items, failures }: Run, result: AttemptResult): void {
    const error = wholeBatchError(result, this.#handler.name);
    for (const { slot } of items) {
      if (error !== undefined && !slot.closed && !failures.has(slot)) failures.set(slot, error);
      this.#parts.report.emitRecord(slot, {
        kind: 'handlerEnded',
        handler: this.#handler.name,
        attempt: slot.attempts,
        error: failures.get(slot),
      });
    }
  }

  /** Under `manual`: what this run has not failed, and all before it, is done; nothing of a later group is. */
  #declare(run: Run): void {
    const { items, failures, end } = run;
    const own = new Set(this.#running === run ? items.map(({ slot }) => slot) : []);
    for (const slot of [...this.#parts.watermark.pending()]) {
      if (comparePositions(slot, end) > 0) return;
      if (failures.has(slot) && this.#handler.order === 'strict') return;
      if (failures.has(slot)) continue;
      if (slot.phase === 'returned' || (own.has(slot) && slot.phase === 'running'))
        this.#endings.settle(slot, 'handled');
    }
  }
}

function toBatchItem({ slot, value }: Item, failures: Map<RecordSlot, Error>): BatchItem<unknown> {
  return {
    value,
    record: slot.record,
    fail: (error) => {
      if (!slot.closed && !failures.has(slot)) failures.set(slot, toError(error));
    },
  };
}

function wholeBatchError(result: AttemptResult, handler: string): Error | undefined {
  if (result.kind === 'threw') return result.error;
  if (result.kind !== 'returned' || result.value === undefined) return undefined;
  return new MillraceError(
    'HANDLER_RETURNED_VALUE',
    `The batch handler ${handler} returned a value; mark failed items with item.fail(error) and return nothing.`,
  );
}
