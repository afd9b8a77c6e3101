/** What a session tells the outside: events for observers, counters and a status for health. It decides nothing. */
import { toError } from '../errors.js';
import type { SessionEvent, SettledHow } from '../events.js';
import type { LogFields, Logger, RuntimePorts } from '../ports.js';
import type { OpenWindow, WindowFacts } from './open-window.js';
import type { RecordSlot } from './record-slot.js';

/** One event without what the reporter fills in by itself. */
type Bare<E> = E extends SessionEvent ? Omit<E, 'at' | 'sessionId' | 'shardId'> : never;
type BareRecord<E> = E extends { recordId: string; partitionKey: string }
  ? Omit<E, 'at' | 'sessionId' | 'shardId' | 'recordId' | 'partitionKey' | 'lane'>
  : never;
type RecordEvent = Extract<
  SessionEvent,
  {
    kind:
      | 'handlerStarted'
      | 'handlerEnded'
      | 'retryScheduled'
      | 'recordSettled'
      | 'recordAbsorbed'
      | 'recordDeferred'
      | 'recordAbandoned';
  }
>;

export interface ReporterOptions {
  readonly ports: RuntimePorts;
  readonly sessionId: string;
}

export class Reporter {
  readonly #ports: RuntimePorts;
  readonly #sessionId: string;
  #shardId = '';
  readonly #settled: Record<SettledHow, number> = { handled: 0, parked: 0, skipped: 0, filtered: 0, deduplicated: 0 };
  #retries = 0;
  #reported = 0;
  #log: Logger;

  constructor(options: ReporterOptions) {
    this.#ports = options.ports;
    this.#sessionId = options.sessionId;
    this.#log = bindLogger(options.ports.logger, { sessionId: options.sessionId });
  }

  get log(): Logger {
    return this.#log;
  }
  /** Settled since the session began, by how. */
  get settled(): Readonly<Record<SettledHow, number>> {
    return this.#settled;
  }
  get retries(): number {
    return this.#retries;
  }

  /** The shard is known only once `initialize` has come. */
  setShard(shardId: string): void {
    this.#shardId = shardId;
    this.#log = bindLogger(this.#ports.logger, { shardId });
  }

  emit(event: Bare<SessionEvent>): void {
    const { observer, clock } = this.#ports;
    if (observer === undefined) return;
    try {
      observer.onEvent({ ...event, at: clock.now(), sessionId: this.#sessionId, shardId: this.#shardId });
    } catch (error) {
      // Events are told in the middle of settling and checkpointing: whoever only watches must not be able to break these.
      this.#log.error({ err: toError(error), event: event.kind }, 'The observer threw; it must not.');
    }
  }

  emitRecord(slot: RecordSlot, event: BareRecord<RecordEvent>): void {
    if (this.#ports.observer?.records !== true) return;
    const { record, lane } = slot;
    const { id: recordId, partitionKey } = record;
    this.emit({ ...event, recordId, partitionKey, ...(lane === undefined || lane === partitionKey ? {} : { lane }) });
  }

  /** True where somebody looks at single records. */
  get watchesRecords(): boolean {
    return this.#ports.observer?.records === true;
  }

  /** The records of a window come to their end together. */
  countWindow({ records, watched }: OpenWindow, facts: WindowFacts, how: 'handled' | 'skipped'): void {
    this.#settled[how] += records;
    this.emit({ kind: 'windowEmitted', how, ...facts });
    for (const { recordId, partitionKey, attempts } of watched)
      this.emit({ kind: 'recordSettled', recordId, partitionKey, how, attempts, error: undefined });
  }

  abandonWindow({ watched }: OpenWindow): void {
    for (const { recordId, partitionKey } of watched)
      this.emit({ kind: 'recordAbandoned', recordId, partitionKey, why: 'its window was not emitted' });
  }

  countSettled(slot: RecordSlot, how: SettledHow, error?: Error): void {
    this.#settled[how] += 1;
    if (this.watchesRecords) this.emitRecord(slot, { kind: 'recordSettled', how, attempts: slot.attempts, error });
  }

  countRetry(slot: RecordSlot, delayMs: number, error: Error): void {
    this.countRun();
    this.emitRecord(slot, { kind: 'retryScheduled', attempt: slot.attempts, delayMs, error });
  }

  /** One more run of something that failed. */
  countRun(): void {
    this.#retries += 1;
  }

  /** Tells the totals when they changed; once an action, not once a record. */
  progress(): void {
    const total = Object.values(this.#settled).reduce((sum, count) => sum + count, this.#retries);
    if (total === this.#reported) return;
    this.#reported = total;
    this.emit({ kind: 'progress', settled: { ...this.#settled }, retries: this.#retries });
  }
}

/** A logger that puts the same fields into every line. */
export function bindLogger(logger: Logger, fields: LogFields): Logger {
  return {
    debug: (more, message) => logger.debug({ ...fields, ...more }, message),
    info: (more, message) => logger.info({ ...fields, ...more }, message),
    warn: (more, message) => logger.warn({ ...fields, ...more }, message),
    error: (more, message) => logger.error({ ...fields, ...more }, message),
  };
}
