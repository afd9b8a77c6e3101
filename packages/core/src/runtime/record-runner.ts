/**
 * Runs the records of a shard one after the other: prepare, call the handler, settle, or do what the policy says.
 * Nothing here waits when neither the handler nor its schema does: a synchronous handler costs no promise.
 */
import type { Deferred, RecordContext } from '../definition/context.js';
import type { Handler, RecordHandler } from '../definition/definition.js';
import { toError } from '../errors.js';
import { comparePositions } from '../protocol/position.js';
import type { Prepared } from '../records/pipeline.js';
import { Attempt, type AttemptResult } from './attempt.js';
import { contextExpired, OneRecordContext } from './contexts.js';
import type { Endings } from './ending.js';
import { whenPrepared } from './prepare.js';
import { isThenable, sleepUntilAborted } from './race.js';
import type { RecordSlot } from './record-slot.js';
import type { LastBatch, SessionParts } from './session-parts.js';
import type { Window } from './window.js';

type Ready = { readonly handler: RecordHandler; readonly payload: unknown };
/** What has failed: with a payload it can run again. */
type Failed = Ready | { readonly handler: Handler | undefined };
type Done = void | Promise<void>;
/** One run of a handler, as its context knows it: a context outlives its run. */
interface Run {
  readonly slot: RecordSlot;
  readonly handler: RecordHandler;
  readonly attempt: Attempt;
  readonly number: number;
}

export interface RecordRunnerOptions {
  readonly parts: SessionParts;
  readonly endings: Endings;
  readonly window: Window;
}

export class RecordRunner {
  readonly #parts: SessionParts;
  readonly #endings: Endings;
  readonly #window: Window;
  readonly #manual: boolean;
  #batch: LastBatch = { millisBehindLatest: undefined };
  /** A deferred record has failed and its end is being decided: nothing starts until then. */
  #failing: Promise<void> | undefined;

  constructor({ parts, endings, window }: RecordRunnerOptions) {
    this.#parts = parts;
    this.#endings = endings;
    this.#window = window;
    this.#manual = parts.consumer.definition.checkpoint.kind === 'manual';
  }

  /** Runs the slots in order; those the session gives up are abandoned. */
  async run(slots: readonly RecordSlot[], batch: LastBatch): Promise<void> {
    const { life, checkpointer } = this.#parts;
    this.#batch = batch;
    for (const slot of slots) {
      // Either may come about while the other is waited for.
      while (this.#failing !== undefined || (this.#window.full && life.accepting))
        await (this.#failing ?? this.#window.whenRoom());
      if (!life.accepting) {
        this.#endings.abandon(slot, 'no further handler starts');
        continue;
      }
      const running = this.#runOne(slot);
      if (running !== undefined) await running;
      const written = checkpointer.afterRecord();
      if (written !== undefined) await written;
    }
  }

  #runOne(slot: RecordSlot): Done {
    const blocked = this.#endings.blockedBy(slot);
    if (blocked !== undefined) return this.#fail(slot, undefined, blocked);
    const prepared = this.#parts.pipeline.prepare(slot.record);
    return isThenable(prepared) ? this.#startWhenPrepared(slot, prepared) : this.#start(slot, prepared);
  }

  async #startWhenPrepared(slot: RecordSlot, preparing: PromiseLike<Prepared>): Promise<void> {
    const prepared = await whenPrepared(this.#parts, slot, preparing);
    if (prepared === undefined) this.#endings.abandon(slot, 'no further handler starts');
    else await this.#start(slot, prepared);
  }

  #start(slot: RecordSlot, prepared: Prepared): Done {
    if (prepared.kind === 'failed') return this.#fail(slot, prepared, prepared.error);
    const { handler, payload } = prepared;
    if (handler.kind !== 'record')
      throw new TypeError(`${handler.name} is a batch handler; this session runs records.`);
    const ready: Ready = { handler, payload };
    const result = this.#attempt(slot, ready);
    if (isThenable(result)) return Promise.resolve(result).then((value) => this.#after(slot, ready, value));
    return this.#after(slot, ready, result);
  }

  #attempt(slot: RecordSlot, { handler, payload }: Ready): AttemptResult | Promise<AttemptResult> {
    const { ports, life, report, consumer, instance } = this.#parts;
    const policy = this.#endings.policyOf(handler);
    slot.phase = 'running';
    slot.attempts += 1;
    const name = `${consumer.definition.name}.${handler.name}`;
    const attempt = new Attempt({
      clock: ports.clock,
      timeoutMs: policy.timeoutMs,
      handler: name,
      recordId: slot.record.id,
      over: life.over,
      onStuck: (runningMs) => this.#endings.stuck(slot, name, runningMs),
    });
    const context = this.#context({ slot, handler, attempt, number: slot.attempts });
    report.emitRecord(slot, { kind: 'handlerStarted', handler: handler.name, attempt: slot.attempts });
    return attempt.run(() => handler.call(instance, payload, context));
  }

  #after(slot: RecordSlot, ready: Ready, result: AttemptResult): Done {
    this.#ended(slot, ready.handler, result);
    switch (result.kind) {
      case 'abandoned':
        this.#endings.abandon(slot, 'its handler was still running when the session ended');
        return undefined;
      case 'returned':
        this.#returned(slot);
        return undefined;
      case 'threw':
        return this.#threw(slot, ready, result.error);
      default:
        return result satisfies never;
    }
  }

  #returned(slot: RecordSlot): void {
    this.#endings.succeeded();
    if (slot.phase !== 'running') return;
    if (this.#manual) {
      slot.phase = 'returned';
      this.#window.entered();
    } else this.#endings.settle(slot, 'handled');
  }

  #threw(slot: RecordSlot, ready: Ready, error: Error): Done {
    if (slot.phase !== 'running') {
      // Whoever declared the record done, or holds its handle, decides over it; the error must not vanish, though.
      this.#parts.report.log.error(
        { recordId: slot.record.id, err: error },
        `A handler threw after its record was ${slot.phase === 'settled' ? 'declared done' : 'deferred'}; that decides over the record.`,
      );
      return undefined;
    }
    return this.#fail(slot, ready, error);
  }

  /** From a failure on: retries, holds, parks, skips or abandons until the slot is closed. */
  async #fail(slot: RecordSlot, failed: Failed | undefined, first: Error): Promise<void> {
    const { ports, life } = this.#parts;
    let error = first;
    for (;;) {
      const ending = await this.#endings.after(slot, failed?.handler, error);
      if (ending.kind === 'abandoned') this.#endings.abandon(slot, 'the session ended before it was settled');
      if (ending.kind !== 'again' || failed === undefined || !('payload' in failed)) return;
      if (!(await sleepUntilAborted(ports.clock, ending.delayMs, life.intake)) || !life.accepting) {
        this.#endings.abandon(slot, 'the session ended before its next attempt');
        return;
      }
      const result = await this.#attempt(slot, failed);
      if (result.kind !== 'threw' || slot.phase !== 'running') {
        await this.#after(slot, failed, result);
        return;
      }
      this.#ended(slot, failed.handler, result);
      error = result.error;
    }
  }

  #ended(slot: RecordSlot, handler: RecordHandler, result: AttemptResult): void {
    const error = result.kind === 'threw' ? result.error : undefined;
    this.#parts.report.emitRecord(slot, { kind: 'handlerEnded', handler: handler.name, attempt: slot.attempts, error });
  }

  #context(run: Run): RecordContext {
    const { ports, report, facts, replayed } = this.#parts;
    const { slot, attempt, number } = run;
    const basis = { shardId: facts.shardId, clock: ports.clock, log: report.log, signalOf: () => attempt.signal };
    return new OneRecordContext(basis, slot.record, {
      attempt: number,
      replayed,
      millisBehindLatest: this.#batch.millisBehindLatest,
      checkpoint: () => this.#checkpoint(run),
      defer: () => this.#defer(run),
    });
  }

  async #checkpoint({ slot, number }: Run): Promise<void> {
    if (slot.phase === 'abandoned') throw contextExpired(slot.record.id);
    if (this.#manual) {
      // Whoever still works for an attempt that failed has no say in the one that follows.
      if (slot.phase === 'failed' || slot.attempts !== number) throw contextExpired(slot.record.id);
      this.#declareUpTo(slot);
    }
    await this.#parts.checkpointer.request();
  }

  /** Under `manual`: this record and all before it are done, except those somebody holds a handle of. */
  #declareUpTo(slot: RecordSlot): void {
    for (const earlier of [...this.#parts.watermark.pending()]) {
      // By position: the record itself may be settled and gone from here, and those behind it are not declared.
      if (comparePositions(earlier, slot) > 0) return;
      const returned = earlier.phase === 'returned';
      if (returned) this.#window.left();
      if (returned || (earlier === slot && earlier.phase === 'running')) this.#endings.settle(earlier, 'handled');
    }
  }

  #defer({ slot, handler, attempt, number }: Run): Deferred {
    if (slot.phase !== 'running' || slot.attempts !== number) throw contextExpired(slot.record.id);
    slot.phase = 'deferred';
    this.#window.entered();
    this.#parts.report.emitRecord(slot, { kind: 'recordDeferred' });
    const { record } = slot;
    const deferred: Deferred = {
      record,
      done: () => {
        if (!this.#leave(slot)) return;
        attempt.release();
        this.#endings.succeeded();
        this.#endings.settle(slot, 'handled');
        this.#parts.checkpointer.declared();
      },
      fail: (thrown) => {
        if (slot.phase !== 'deferred') return;
        slot.phase = 'failing';
        attempt.release();
        const before = this.#failing;
        const failing = Promise.resolve(before).then(() => this.#failDeferred(slot, handler, toError(thrown)));
        this.#failing = failing;
        void failing.then(() => {
          if (this.#failing === failing) this.#failing = undefined;
        });
      },
    };
    attempt.handOver((escaped) => deferred.fail(escaped));
    return deferred;
  }

  /** The handle's first call takes the record out of the window; later ones find it gone. */
  #leave(slot: RecordSlot): boolean {
    if (slot.phase !== 'deferred') return false;
    slot.phase = 'running';
    this.#window.left();
    return true;
  }

  async #failDeferred(slot: RecordSlot, handler: Handler, error: Error): Promise<void> {
    // The session may have ended while an earlier one was being decided.
    if (slot.closed) return;
    const ending = await this.#endings.withoutRetry(slot, handler, error);
    if (ending.kind === 'abandoned') this.#endings.abandon(slot, 'the session ended before it was settled');
    this.#window.left();
  }
}
