/**
 * A session at the circuit breaker of its consumer: handlers wait here while it is open, and the shard is held. Whoever is
 * let in tells how it ended; a failure that the downstream is to blame for uses up no attempt while it is not closed.
 */
import type { ResolvedConsumer } from '../config/resolved.js';
import type { Handler } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import { classify } from '../policy/classify.js';
import { says } from '../policy/overrides.js';
import type { AttemptResult } from './attempt.js';
import type { BreakerKind, CircuitBreaker } from './circuit-breaker.js';
import type { Holds } from './holds.js';
import { judgementOf } from './judgement.js';
import { LeftOut } from './middleware.js';
import type { OpenWindow } from './open-window.js';
import { RecordSlot } from './record-slot.js';
import type { Reporter } from './reporter.js';
import type { SessionLife } from './session-life.js';

interface Parts {
  readonly consumer: ResolvedConsumer;
  readonly report: Reporter;
  readonly holds: Holds;
  readonly life: SessionLife;
}

interface Forgiven {
  readonly runs: number;
  /** The attempt that was forgiven last. */
  readonly attempt: number;
}

/** What goes through the gate: a record, a batch by its first record, or a window that is emitted. */
export type Call = RecordSlot | OpenWindow;

export class BreakerGate {
  readonly #parts: Parts;
  readonly #breaker: CircuitBreaker;
  readonly #silence: () => void;
  /** Handlers that run. */
  readonly #eras = new Map<Call, number>();
  readonly #forgiven = new WeakMap<RecordSlot, Forgiven>();

  constructor(parts: Parts, breaker: CircuitBreaker) {
    this.#parts = parts;
    this.#breaker = breaker;
    this.#silence = breaker.listen((kind) => this.#changed(kind));
  }

  /** Hears nothing of the breaker any more. */
  end(): void {
    this.#silence();
  }

  /**
   * Lets a handler in; undefined when it may start at once. Resolves to false when no handler starts any more. The shard is
   * held meanwhile.
   */
  enter(call: Call): Promise<boolean> | undefined {
    const era = this.#breaker.start();
    if (era === undefined) return this.#enterLater(call);
    this.#eras.set(call, era);
    return undefined;
  }

  /** False when the breaker has changed since it was let in. */
  isCurrent(call: Call): boolean {
    const era = this.#eras.get(call);
    return era !== undefined && this.#breaker.isCurrent(era);
  }

  /** The handler of a record has ended. */
  left(slot: RecordSlot, handler: Handler, result: AttemptResult): void {
    // What a middleware left out has called nobody.
    const called = result.kind === 'returned' && !(result.value instanceof LeftOut);
    if (result.kind !== 'threw') return this.#left(slot, called ? 'succeeded' : 'neutral');
    if (!this.#counts(handler, result.error)) return this.#left(slot, 'neutral');
    this.#left(slot, 'failed', result.error);
    this.#forgive(slot);
  }

  /** A window was emitted, or was not; whether the run counts as an attempt. */
  leftWindow(open: OpenWindow, handler: Handler, result: AttemptResult): boolean {
    const failed = result.kind === 'threw';
    const counts = failed && this.#counts(handler, result.error);
    this.#left(open, counts ? 'failed' : failed ? 'neutral' : 'succeeded', failed ? result.error : undefined);
    return !counts || this.#breaker.kind === 'closed';
  }

  /** The handler of a batch has ended. The batch is one call, and failed when as many of its items did as open the breaker. */
  leftBatch(slots: readonly RecordSlot[], handler: Handler, failures: ReadonlyMap<RecordSlot, Error>): void {
    const [first] = slots;
    if (first === undefined) return;
    const counted = [...failures].filter(([, error]) => this.#counts(handler, error));
    const [failure] = counted;
    const failed = failure !== undefined && counted.length >= this.#breaker.policy.failureRate * slots.length;
    if (failed) this.#left(first, 'failed', failure[1]);
    else this.#left(first, failures.size < slots.length ? 'succeeded' : 'neutral');
    for (const [slot] of counted) this.#forgive(slot);
  }

  /** It was let in and does not start after all, or the session has given it up. */
  giveUp(call: Call): void {
    this.#left(call, 'neutral');
  }

  /** It ignores its aborted signal: nobody knows when it ends, and others must not wait for what it says. */
  stuck(call: Call, handler: Handler, error: Error): void {
    this.#left(call, this.#counts(handler, error) ? 'failed' : 'neutral', error);
  }

  /** How many of the record's runs were used up. */
  usedUp(slot: RecordSlot): number {
    return slot.attempts - (this.#forgiven.get(slot)?.runs ?? 0);
  }

  /** Whether its last run was not. */
  forgave(slot: RecordSlot): boolean {
    return this.#forgiven.get(slot)?.attempt === slot.attempts;
  }

  async #enterLater(call: Call): Promise<boolean> {
    const { life, holds } = this.#parts;
    const { consumer } = this.#breaker;
    const why = `the circuit breaker of ${consumer} is open`;
    const error = new MillraceError(
      'CIRCUIT_OPEN',
      `The circuit breaker of ${consumer} is open, because too many of its calls failed. It probes by itself; look at what the handler calls.`,
    );
    if (life.accepting) holds.holdShard('breaker', call instanceof RecordSlot ? call : undefined, { why, error });
    const era = await this.#breaker.startLater(life.intake);
    if (era === undefined) return false;
    this.#eras.set(call, era);
    return true;
  }

  #left(call: Call, how: 'succeeded' | 'failed' | 'neutral', error?: Error): void {
    const era = this.#eras.get(call);
    if (era === undefined) return;
    this.#eras.delete(call);
    this.#breaker.end(era, how, error);
  }

  /** Whether the error tells of the downstream, and not of the record. */
  #counts(handler: Handler, error: Error): boolean {
    const { only } = this.#breaker.policy;
    if (classify(error).kind !== 'retryable' || !judgementOf(this.#parts, handler, error).retryable) return false;
    return only === undefined || says(only, error, (thrown) => this.#broken(thrown));
  }

  #forgive(slot: RecordSlot): void {
    if (this.#breaker.kind === 'closed') return;
    const runs = (this.#forgiven.get(slot)?.runs ?? 0) + 1;
    this.#forgiven.set(slot, { runs, attempt: slot.attempts });
  }

  #broken(thrown: unknown): void {
    this.#parts.report.log.error(
      { err: toError(thrown) },
      'The function `only` of the circuit breaker threw; the error does not count.',
    );
  }

  #changed(kind: BreakerKind): void {
    this.#parts.report.emit({ kind: 'circuitBreaker', state: kind });
    // Not between two probes: a shard that is let through once for a moment is as held as before.
    if (kind === 'closed') this.#parts.holds.releaseShard('breaker');
  }
}
