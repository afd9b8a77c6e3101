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
import type { RecordSlot } from './record-slot.js';
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

export class BreakerGate {
  readonly #parts: Parts;
  readonly #breaker: CircuitBreaker;
  readonly #silence: () => void;
  /** Handlers that run, by their record or the first record of their batch. */
  readonly #eras = new Map<RecordSlot, number>();
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
  enter(slot: RecordSlot): Promise<boolean> | undefined {
    const era = this.#breaker.start();
    if (era === undefined) return this.#enterLater(slot);
    this.#eras.set(slot, era);
    return undefined;
  }

  /** False when the breaker has changed since it was let in. */
  isCurrent(slot: RecordSlot): boolean {
    const era = this.#eras.get(slot);
    return era !== undefined && this.#breaker.isCurrent(era);
  }

  /** The handler of a record has ended. */
  left(slot: RecordSlot, handler: Handler, result: AttemptResult): void {
    if (result.kind !== 'threw') return this.#left(slot, result.kind === 'returned' ? 'succeeded' : 'neutral');
    if (!this.#counts(handler, result.error)) return this.#left(slot, 'neutral');
    this.#left(slot, 'failed', result.error);
    this.#forgive(slot);
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
  giveUp(slot: RecordSlot): void {
    this.#left(slot, 'neutral');
  }

  /** It ignores its aborted signal: nobody knows when it ends, and others must not wait for what it says. */
  stuck(slot: RecordSlot, handler: Handler, error: Error): void {
    this.#left(slot, this.#counts(handler, error) ? 'failed' : 'neutral', error);
  }

  /** How many of the record's runs were used up. */
  usedUp(slot: RecordSlot): number {
    return slot.attempts - (this.#forgiven.get(slot)?.runs ?? 0);
  }

  /** Whether its last run was not. */
  forgave(slot: RecordSlot): boolean {
    return this.#forgiven.get(slot)?.attempt === slot.attempts;
  }

  async #enterLater(slot: RecordSlot): Promise<boolean> {
    const { life, holds } = this.#parts;
    const { consumer } = this.#breaker;
    const why = `the circuit breaker of ${consumer} is open`;
    const error = new MillraceError(
      'CIRCUIT_OPEN',
      `The circuit breaker of ${consumer} is open, because too many of its calls failed. It probes by itself; look at what the handler calls.`,
    );
    if (life.accepting) holds.holdShard('breaker', slot, { why, error });
    const era = await this.#breaker.startLater(life.intake);
    if (era === undefined) return false;
    this.#eras.set(slot, era);
    return true;
  }

  #left(slot: RecordSlot, how: 'succeeded' | 'failed' | 'neutral', error?: Error): void {
    const era = this.#eras.get(slot);
    if (era === undefined) return;
    this.#eras.delete(slot);
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
