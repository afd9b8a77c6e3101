/**
 * Runs delivered batches through a batch handler with the same rights as single records: items are validated one by one,
 * marked ones are tried again as a smaller batch, exhausted ones are parked one by one.
 */
import type { BatchItem } from '../definition/context.js';
import type { BatchHandler } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import { comparePositions } from '../protocol/position.js';
import type { Prepared } from '../records/pipeline.js';
import { Attempt, type AttemptResult } from './attempt.js';
import { WholeBatchContext } from './contexts.js';
import type { Endings } from './ending.js';
import { whenPrepared } from './prepare.js';
import { isThenable, sleepUntilAborted } from './race.js';
import type { RunnerOptions } from './record-runner.js';
import type { RecordSlot } from './record-slot.js';
import type { LastBatch, SessionParts } from './session-parts.js';
import type { Window } from './window.js';

interface Item {
  readonly slot: RecordSlot;
  readonly value: unknown;
}

/** One run of the handler, as its context knows it: a context outlives its run. */
interface Run {
  readonly items: readonly Item[];
  readonly failures: Map<RecordSlot, Error>;
  /** The last item of its first run: what succeeded in an earlier run may lie behind the items of this one. */
  readonly end: RecordSlot;
}

/** Where preparation stopped: a record that must be held before anything behind it may run. */
interface Blocked {
  readonly slot: RecordSlot;
  readonly error: MillraceError;
}

export class BatchRunner {
  readonly #parts: SessionParts;
  readonly #endings: Endings;
  readonly #window: Window;
  readonly #handler: BatchHandler;
  /** The run whose handler has not ended yet. */
  #running: Run | undefined;

  constructor({ parts, endings, window }: RunnerOptions, handler: BatchHandler) {
    this.#parts = parts;
    this.#endings = endings;
    this.#window = window;
    this.#handler = handler;
  }

  async run(slots: readonly RecordSlot[], batch: LastBatch): Promise<void> {
    const { life, checkpointer } = this.#parts;
    const [oldest] = slots;
    if (oldest !== undefined && !this.#window.hasRoomFor(oldest)) await this.#window.whenRoomFor(oldest);
    let blocked: Blocked | undefined;
    if (life.accepting) {
      const prepared = await this.#prepare(slots);
      blocked = prepared.blocked;
      // What a run declares done ends with its own items: those behind them are another run's.
      for (const items of this.#parts.starts?.runsOf(prepared.items) ?? [prepared.items])
        await this.#runItems(items, items.at(-1)?.slot, batch);
    }
    if (blocked !== undefined && life.accepting) await this.#endings.after(blocked.slot, this.#handler, blocked.error);
    for (const slot of slots)
      if (slot.phase !== 'returned') this.#endings.abandon(slot, 'the session ended before it was settled');
    await checkpointer.afterRecord();
  }

  /** Between two deliveries nothing runs. */
  whenIdle(): Promise<void> {
    return Promise.resolve();
  }

  /** Parks or skips what cannot be decoded at once; under `hold` and `stop` nothing behind such a record may run. */
  async #prepare(slots: readonly RecordSlot[]): Promise<{ items: Item[]; blocked: Blocked | undefined }> {
    const items: Item[] = [];
    for (const slot of slots) {
      const keyParked = this.#endings.blockedBy(slot);
      if (keyParked !== undefined) return { items, blocked: { slot, error: keyParked } };
      const preparing = this.#prepareOne(slot);
      const prepared = preparing instanceof Promise ? await preparing : preparing;
      if (prepared === undefined) return { items: [], blocked: undefined };
      if (prepared.kind === 'ready') {
        items.push({ slot, value: prepared.payload });
        continue;
      }
      const { then } = this.#endings.rulesFor(this.#handler, prepared.error).rules;
      if (then === 'hold' || then === 'stop') return { items, blocked: { slot, error: prepared.error } };
      const ending = await this.#endings.after(slot, this.#handler, prepared.error);
      if (ending.kind === 'abandoned') return { items, blocked: undefined };
    }
    return { items, blocked: undefined };
  }

  /** Undefined when no handler starts any more. */
  #prepareOne(slot: RecordSlot): Prepared | Promise<Prepared | undefined> {
    const { starts, pipeline } = this.#parts;
    const error = starts?.refusal(slot);
    if (error !== undefined) return { kind: 'failed', handler: this.#handler, error };
    const prepare = (): Prepared | Promise<Prepared | undefined> => {
      const preparing = pipeline.prepare(slot.record);
      return isThenable(preparing) ? whenPrepared(this.#parts, slot, preparing) : preparing;
    };
    return starts?.isCareful(slot) === true ? starts.prepare(slot, prepare) : prepare();
  }

  async #runItems(first: readonly Item[], end: RecordSlot | undefined, batch: LastBatch): Promise<void> {
    const { ports, life } = this.#parts;
    let items = first;
    while (end !== undefined && items.length > 0 && life.accepting) {
      const entering = this.#enter(items);
      if (entering !== undefined && !(await entering)) return;
      if (entering !== undefined && !this.#mayStart(items)) continue;
      const failures = new Map<RecordSlot, Error>();
      const result = await this.#attempt({ items, failures, end }, batch);
      if (result.kind !== 'abandoned') this.#addWholeBatchFailure(items, failures, result);
      this.#left(items, failures, result);
      if (result.kind === 'abandoned') return;
      const { again, delayMs } = await this.#judge(items, failures);
      if (again.length > 0 && delayMs > 0 && !(await sleepUntilAborted(ports.clock, delayMs, life.intake))) return;
      items = again;
    }
  }

  #enter(items: readonly Item[]): Promise<boolean> | undefined {
    const [first] = items;
    return first === undefined ? undefined : this.#parts.starts?.enter(first.slot, items.at(-1)?.slot);
  }

  /** What was true when it began to wait is looked at again in the moment in which it starts. */
  #mayStart([first]: readonly Item[]): boolean {
    const { starts, life } = this.#parts;
    if (starts === undefined || first === undefined || (life.accepting && starts.isCurrent(first.slot))) return true;
    starts.giveUp(first.slot);
    return false;
  }

  #left(items: readonly Item[], failures: ReadonlyMap<RecordSlot, Error>, result: AttemptResult): void {
    const { starts } = this.#parts;
    const [first] = items;
    if (starts === undefined || first === undefined) return;
    if (result.kind === 'abandoned') starts.giveUp(first.slot);
    else {
      const slots = items.map(({ slot }) => slot);
      starts.leftBatch(slots, this.#handler, failures);
    }
  }

  async #attempt(run: Run, { millisBehindLatest }: LastBatch): Promise<AttemptResult> {
    const { items, failures } = run;
    const { ports, life, consumer, instance, facts, report, checkpointer } = this.#parts;
    const name = `${consumer.definition.name}.${this.#handler.name}`;
    const attempt = new Attempt({
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
    let number = 0;
    for (const { slot } of items) {
      slot.phase = 'running';
      slot.attempts += 1;
      number = Math.max(number, slot.attempts);
      report.emitRecord(slot, { kind: 'handlerStarted', handler: this.#handler.name, attempt: slot.attempts });
    }
    const basis = { shardId: facts.shardId, clock: ports.clock, log: report.log, signalOf: () => attempt.signal };
    const context = new WholeBatchContext(basis, {
      attempt: number,
      millisBehindLatest,
      checkpoint: () => {
        if (consumer.definition.checkpoint.kind === 'manual') this.#declare(run);
        return checkpointer.request();
      },
    });
    const given = items.map((item) => toBatchItem(item, failures));
    this.#running = run;
    const result = await attempt.run(() => this.#handler.call(instance, given, context));
    this.#running = undefined;
    return result;
  }

  /** Marked items failed for what they were marked with; a throw or a returned value fails the others as well. */
  #addWholeBatchFailure(items: readonly Item[], failures: Map<RecordSlot, Error>, result: AttemptResult): void {
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

  /** Settles what succeeded, ends what is exhausted, and gives back what is to run again, in order. */
  async #judge(
    items: readonly Item[],
    failures: ReadonlyMap<RecordSlot, Error>,
  ): Promise<{ again: Item[]; delayMs: number }> {
    const again: Item[] = [];
    let delayMs = 0;
    let cut = false;
    if (failures.size < items.length) this.#endings.succeeded();
    for (const item of items) {
      const error = failures.get(item.slot);
      if (cut) {
        // It runs again because of another item, so this run is not an attempt of its own.
        item.slot.attempts -= 1;
        again.push(item);
      } else if (error === undefined) this.#succeed(item.slot);
      else {
        cut = this.#handler.order === 'strict';
        const ending = await this.#endings.after(item.slot, this.#handler, error);
        if (ending.kind === 'abandoned') return { again: [], delayMs: 0 };
        if (ending.kind === 'again') {
          again.push(item);
          delayMs = Math.max(delayMs, ending.delayMs);
        }
      }
    }
    return { again, delayMs };
  }

  #succeed(slot: RecordSlot): void {
    if (slot.phase !== 'running') return;
    if (this.#parts.consumer.definition.checkpoint.kind === 'manual') {
      slot.phase = 'returned';
      this.#window.enter(slot);
    } else this.#endings.settle(slot, 'handled');
  }

  /** Under `manual`: what this run has not failed, and all before it, is done; nothing of a later batch is. */
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
