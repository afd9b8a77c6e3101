/**
 * The circuit breaker of a consumer at work: one for all its sessions in this process, because they call the same
 * downstream. What its states are and when they change is decided in policy/circuit-breaker.ts.
 */
import type { CircuitBreakerPolicy, ConsumerDefinition } from '../definition/definition.js';
import { type BreakerState, type CallEnd, closedBreaker, ended, mayStart, started } from '../policy/circuit-breaker.js';
import type { Clock, Logger, RuntimePorts, Timer } from '../ports.js';

export type BreakerKind = BreakerState['kind'];

interface Waiter {
  readonly start: (era: number) => void;
}

export interface CircuitBreakerOptions {
  /** Named in the log and in what is held. */
  readonly consumer: string;
  readonly policy: CircuitBreakerPolicy;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function openCircuitBreaker(
  { name, circuitBreaker: policy }: ConsumerDefinition,
  { clock, logger }: Pick<RuntimePorts, 'clock' | 'logger'>,
): CircuitBreaker | undefined {
  return policy === undefined ? undefined : new CircuitBreaker({ consumer: name, policy, clock, logger });
}

export class CircuitBreaker {
  readonly consumer: string;
  readonly policy: CircuitBreakerPolicy;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listeners = new Set<(kind: BreakerKind) => void>();
  /** In the order in which they came: a record whose probe failed is behind those of other shards the next time. */
  readonly #waiting = new Set<Waiter>();
  #state: BreakerState = closedBreaker();
  #timer: Timer | undefined;

  constructor({ consumer, policy, clock, logger }: CircuitBreakerOptions) {
    this.consumer = consumer;
    this.policy = policy;
    this.#clock = clock;
    this.#logger = logger;
  }

  get kind(): BreakerKind {
    return this.#state.kind;
  }

  /** Hears of each change of state until the function that it gives is called. */
  listen(listener: (kind: BreakerKind) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Starts a call when it may start now; the era to end it with. */
  start(): number | undefined {
    if (this.#waiting.size > 0 || !mayStart(this.#state, this.policy, this.#clock.monotonicMs())) return undefined;
    return this.#start();
  }

  /** Starts a call as soon as it may start; undefined when `giveUp` aborted first. */
  startLater(giveUp: AbortSignal): Promise<number | undefined> {
    if (giveUp.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const leave = (): void => {
        this.#waiting.delete(waiter);
        this.#arm();
        resolve(undefined);
      };
      const waiter: Waiter = {
        start: (era) => {
          giveUp.removeEventListener('abort', leave);
          resolve(era);
        },
      };
      giveUp.addEventListener('abort', leave, { once: true });
      this.#waiting.add(waiter);
      this.#pump();
    });
  }

  isCurrent(era: number): boolean {
    return era === this.#state.era;
  }

  /** Every call that was started has to end here. */
  end(era: number, how: CallEnd, error?: Error): void {
    const before = this.#state;
    const nowMs = this.#clock.monotonicMs();
    this.#become(ended(before, { era, how }, { policy: this.policy, nowMs }), error);
    if (this.#state !== before) this.#pump();
  }

  #start(): number {
    this.#become(started(this.#state));
    return this.#state.era;
  }

  #pump(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const waiter of this.#waiting) {
      if (!mayStart(this.#state, this.policy, nowMs)) break;
      this.#waiting.delete(waiter);
      waiter.start(this.#start());
    }
    this.#arm();
  }

  /** Wakes those who wait when the time of an open breaker is over; without any it needs no timer. */
  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#waiting.size === 0 || this.#state.kind !== 'open') return;
    const delayMs = Math.max(0, this.#state.untilMs - this.#clock.monotonicMs());
    this.#timer = this.#clock.setTimer(delayMs, () => this.#pump(), 'pause');
  }

  #become(state: BreakerState, error?: Error): void {
    const { kind } = this.#state;
    this.#state = state;
    if (state.kind === kind) return;
    this.#tell(state, error);
    for (const listener of this.#listeners) listener(state.kind);
  }

  #tell(state: BreakerState, err: Error | undefined): void {
    const { consumer, policy } = this;
    switch (state.kind) {
      case 'open':
        this.#logger.error(
          { consumer, openMs: state.openMs, err },
          `The circuit breaker of ${consumer} is open: too many of its calls failed. No handler starts for ${state.openMs} ms; no attempt is used up and nothing is parked meanwhile.`,
        );
        return;
      case 'halfOpen':
        this.#logger.info(
          { consumer },
          `The circuit breaker of ${consumer} lets ${policy.probes} ${policy.probes === 1 ? 'probe' : 'probes'} through.`,
        );
        return;
      case 'closed':
        this.#logger.info({ consumer }, `The circuit breaker of ${consumer} is closed: its probes succeeded.`);
        return;
      default:
        state satisfies never;
    }
  }
}
