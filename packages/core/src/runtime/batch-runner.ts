/**
 * Brings batches to their end with the same rights as single records: items that failed run again as a smaller batch,
 * exhausted ones are parked one by one, and a failure that names no item is looked for by halving the batch (`bisect`).
 * Who calls it decides what a batch is: what was delivered (delivered-batches.ts), or what has gathered
 * (gathered-batches.ts). One batch runs at a time.
 */
import type { BatchHandler } from '../definition/definition.js';
import type { MillraceError } from '../errors.js';
import type { Prepared } from '../records/pipeline.js';
import { BatchRuns, type Group, type Item, type RunEnd } from './batch-run.js';
import type { Endings, FailedRecord } from './ending.js';
import { failAlike, halvesOf } from './halves.js';
import { prepareSlot } from './prepare.js';
import type { RunnerOptions } from './record-runner.js';
import type { RecordSlot } from './record-slot.js';
import type { LastBatch, SessionParts } from './session-parts.js';
import type { Window } from './window.js';

/** A record that has been decoded and validated, or could not be. */
export interface Entry {
  readonly slot: RecordSlot;
  readonly prepared: Prepared;
}

export interface BatchStart {
  readonly batch: LastBatch;
  /** Whether the handler may be called a first time; it never runs again once the intake is closed. */
  readonly mayStart: () => boolean;
}

/** Where sorting stopped: a record that must be held before anything behind it may run. */
interface Blocked {
  readonly slot: RecordSlot;
  readonly error: MillraceError;
}

/** What runs again, in order; without a delay at once. */
interface Again {
  readonly items: readonly Item[];
  readonly delayMs: number | undefined;
  /** Those that failed: an operator decides over them while they wait, not over what runs again because of them. */
  readonly failed: readonly FailedRecord[];
}

const NOTHING: Again = { items: [], delayMs: undefined, failed: [] };

export class BatchRunner {
  readonly #parts: SessionParts;
  readonly #endings: Endings;
  readonly #window: Window;
  readonly #handler: BatchHandler;
  readonly #runs: BatchRuns;
  /** How many items the handler has handled. */
  #handled = 0;

  constructor({ parts, endings, window }: RunnerOptions, handler: BatchHandler) {
    this.#parts = parts;
    this.#endings = endings;
    this.#window = window;
    this.#handler = handler;
    this.#runs = new BatchRuns({ parts, endings, handler });
  }

  /** Decodes and validates; undefined when the session lets no handler start any more. A promise only when user code waits. */
  prepare(slot: RecordSlot): Entry | Promise<Entry | undefined> {
    const preparing = this.#prepare(slot);
    if (!(preparing instanceof Promise)) return { slot, prepared: preparing };
    return preparing.then((prepared) => (prepared === undefined ? undefined : { slot, prepared }));
  }

  #prepare(slot: RecordSlot): Prepared | Promise<Prepared | undefined> {
    const error = this.#parts.starts?.refusal(slot);
    if (error !== undefined) return { kind: 'failed', handler: this.#handler, error };
    return prepareSlot(this.#parts, slot);
  }

  filter(slot: RecordSlot): void {
    this.#endings.settle(slot, 'filtered');
  }

  abandon(slot: RecordSlot): void {
    this.#endings.abandon(slot, 'no further handler starts');
  }

  /** Brings a batch to its end; false when the session gave some of it up. */
  async run(entries: readonly Entry[], { batch, mayStart }: BatchStart): Promise<boolean> {
    const { life } = this.#parts;
    let rest = entries;
    while (rest.length > 0 && mayStart()) {
      const { items, blocked } = await this.#sort(rest);
      const part = this.#parts.starts?.runsOf(items)[0] ?? items;
      const ended = mayStart() && (await this.#runPart(part, batch));
      if (part.length === items.length)
        rest = blocked === undefined || !life.accepting ? [] : await this.#unblocked(rest, blocked);
      // What has become of it may keep the others from running.
      else rest = ended ? behind(rest, part.at(-1)?.slot) : [];
    }
    for (const { slot } of entries)
      if (slot.phase !== 'returned') this.#endings.abandon(slot, 'the session ended before it was settled');
    return entries.every(({ slot }) => slot.phase === 'settled' || slot.phase === 'returned');
  }

  /** All of the items, or one that is suspected by itself; what a part declares done ends with its own items. False when the session gave it up. */
  async #runPart(part: readonly Item[], batch: LastBatch): Promise<boolean> {
    const end = part.at(-1)?.slot;
    if (end === undefined) return false;
    const group = { end, batch };
    const first = await this.#runs.once(part, group);
    return first !== undefined && this.#finish(first, group);
  }

  /** What runs once an operator has decided over a blocked record: it and its successors, or these alone. */
  async #unblocked(entries: readonly Entry[], { slot, error }: Blocked): Promise<readonly Entry[]> {
    const ending = await this.#endings.after(slot, this.#handler, error);
    const rest = behind(entries, slot);
    if (ending.kind === 'settled') return rest;
    const anew = ending.kind === 'again' ? await this.prepare(slot) : undefined;
    return anew === undefined ? [] : [anew, ...rest];
  }

  /** Parks or skips what cannot be decoded at once; under `hold` and `stop` nothing behind such a record may run. */
  async #sort(entries: readonly Entry[]): Promise<{ items: readonly Item[]; blocked: Blocked | undefined }> {
    const items: Item[] = [];
    const rest = [...entries];
    for (let entry = rest.shift(); entry !== undefined; entry = rest.shift()) {
      const { slot, prepared } = entry;
      const keyParked = this.#endings.blockedBy(slot);
      if (keyParked !== undefined) return { items, blocked: { slot, error: keyParked } };
      switch (prepared.kind) {
        case 'ready':
          items.push({ slot, value: prepared.payload });
          break;
        case 'failed': {
          const { then } = this.#endings.rulesFor(this.#handler, prepared.error).rules;
          if (then === 'hold' || then === 'stop') return { items, blocked: { slot, error: prepared.error } };
          const ending = await this.#endings.after(slot, this.#handler, prepared.error);
          // An operator may have it tried again while the sink is down.
          const anew = ending.kind === 'again' ? await this.prepare(slot) : undefined;
          if (anew !== undefined) rest.unshift(anew);
          else if (ending.kind !== 'settled') return { items: [], blocked: undefined };
          break;
        }
        case 'filtered':
          this.filter(slot);
          break;
        default:
          prepared satisfies never;
      }
    }
    return { items, blocked: undefined };
  }

  /**
   * From the end of a run on: retries and halves until every item has come to its end; false when the session gave them up.
   * `since`: how many items had been handled when the first halving began.
   */
  async #finish(first: RunEnd, group: Group, since?: number): Promise<boolean> {
    for (let run = first; ;) {
      const again = this.#isToBeHalved(run)
        ? await this.#halve(run, group, since ?? this.#handled)
        : await this.#judge(run);
      if (again === undefined) return false;
      if (again.items.length === 0) return true;
      const next = await this.#runAgain(again, group);
      if (next === undefined) return false;
      run = next;
    }
  }

  async #runAgain({ items, delayMs, failed }: Again, group: Group): Promise<RunEnd | undefined> {
    if (delayMs !== undefined) await this.#endings.pause(failed, delayMs);
    if (!this.#parts.life.accepting) return undefined;
    const open = items.filter(isOpen);
    if (open.length === 0) return { items: [], failures: new Map(), unexplained: undefined };
    return this.#runs.once(open, group);
  }

  /** Settles what succeeded, ends what is exhausted, and gives back what is to run again. */
  async #judge({ items, failures }: RunEnd): Promise<Again | undefined> {
    const strict = this.#handler.order === 'strict';
    const again: Item[] = [];
    const failed: FailedRecord[] = [];
    let delayMs: number | undefined;
    let cut = false;
    if (failures.size < items.length) this.#endings.succeeded();
    // What becomes of a failed item may take for ever, and those behind it have been handled.
    if (!strict) for (const { slot } of items) if (!failures.has(slot)) this.#succeed(slot);
    for (const item of items) {
      const error = failures.get(item.slot);
      if (cut) {
        // It runs again because of another item, so this run is not an attempt of its own.
        item.slot.attempts -= 1;
        again.push(item);
      } else if (error === undefined) {
        if (strict) this.#succeed(item.slot);
      } else {
        cut = strict;
        const ending = await this.#endings.after(item.slot, this.#handler, error);
        if (ending.kind === 'abandoned') return undefined;
        if (ending.kind === 'again') {
          again.push(item);
          failed.push({ slot: item.slot, handler: this.#handler, error });
          delayMs = Math.max(delayMs ?? 0, ending.delayMs);
        }
      }
    }
    return { items: again, delayMs, failed };
  }

  #isToBeHalved({ items, unexplained }: RunEnd): boolean {
    return this.#handler.bisect && unexplained !== undefined && items.filter(isOpen).length > 1;
  }

  /**
   * Runs both halves by themselves, and what fails in them likewise. Under `strict` the right one waits until the left one
   * is settled; otherwise it runs before anything of the left one is given up, because it may tell an outage.
   */
  async #halve({ items, unexplained }: RunEnd, group: Group, since: number): Promise<Again | undefined> {
    const open = items.filter(isOpen);
    for (const { slot } of open) this.#noteHalving(slot, unexplained);
    const { left, right } = halvesOf(open);
    const first = await this.#runAgain({ ...NOTHING, items: left }, group);
    if (first === undefined) return undefined;
    const early = first.unexplained !== undefined && this.#handler.order === 'any';
    if (!early && !(await this.#finish(first, group, since))) return undefined;
    let second = await this.#runAgain({ ...NOTHING, items: right }, group);
    while (second !== undefined && this.#isOutage(first, second, since)) {
      const again = this.#outage(early ? [...first.items, ...second.items] : second.items, second);
      if (early) return again;
      second = await this.#runAgain(again, group);
    }
    if (second === undefined) return undefined;
    // What has succeeded says so first: then the rest is no outage.
    const rest = !early ? [second] : second.unexplained === undefined ? [second, first] : [first, second];
    for (const each of rest) if (!(await this.#finish(each, group, since))) return undefined;
    return NOTHING;
  }

  #noteHalving(slot: RecordSlot, error: Error | undefined): void {
    slot.phase = 'failed';
    slot.halvings += 1;
    if (error !== undefined) this.#parts.report.countRetry(slot, 0, error);
  }

  /** Whoever wants the worker to stop wants it to stop in an outage, too. */
  #isOutage(left: RunEnd, right: RunEnd, since: number): boolean {
    if (left.unexplained === undefined || right.unexplained === undefined || this.#handled !== since) return false;
    return failAlike(left.unexplained, right.unexplained) && this.#endings.policyOf(this.#handler).then !== 'stop';
  }

  #outage(items: readonly Item[], { unexplained: error }: RunEnd): Again {
    const open = items.filter(isOpen);
    const failed: FailedRecord[] = [];
    let delayMs = 0;
    for (const { slot } of open) {
      if (error === undefined) continue;
      failed.push({ slot, handler: this.#handler, error });
      ({ delayMs } = this.#endings.outage(slot, this.#handler, error));
    }
    return { items: open, delayMs, failed };
  }

  #succeed(slot: RecordSlot): void {
    this.#handled += 1;
    if (slot.phase !== 'running') return;
    if (this.#parts.consumer.definition.checkpoint.kind === 'manual') {
      slot.phase = 'returned';
      this.#window.enter(slot);
    } else this.#endings.settle(slot, 'handled');
  }
}

function isOpen({ slot }: Item): boolean {
  return !slot.closed;
}

function behind(entries: readonly Entry[], slot: RecordSlot | undefined): readonly Entry[] {
  return entries.slice(entries.findIndex((entry) => entry.slot === slot) + 1);
}
