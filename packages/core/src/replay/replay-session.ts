/**
 * Runs parked records of one shard through the session that a worker runs them through: the same decoding, routing,
 * validation, policy and hooks. The other side is the local engine's daemon, with checkpoints that go nowhere.
 */
import type { ResolvedConsumer } from '../config/resolved.js';
import type { IdempotencyStoreDescription } from '../definition/middleware.js';
import { MillraceError, toError } from '../errors.js';
import type { SessionEvent, SettledHow } from '../events.js';
import { ShardDaemon } from '../local/shard-daemon.js';
import type { ContainerPort, DeadLetterEntry, IdempotencyStore, RuntimePorts } from '../ports.js';
import type { Position, WireRecord } from '../protocol/messages.js';
import { comparePositions } from '../protocol/position.js';
import { untilAborted } from '../runtime/race.js';
import { ShardRunner, type SessionOutcome } from '../runtime/shard-runner.js';
import { memoryChannelPair } from '../transport/memory-channel.js';
import type { TakenItem } from './parked-source.js';
import { STAYS_PARKED } from './replay-consumer.js';

/** Ends that take a record out of where it was parked. */
export type Done = Exclude<SettledHow, 'parked'>;

export type ReplayOutcome = {
  readonly item: TakenItem;
  readonly result:
    | { readonly kind: Done }
    | { readonly kind: 'failed'; readonly error: Error }
    /** It did not run to its end, for a reason that is not its own. */
    | { readonly kind: 'left'; readonly why: string };
};

export interface ReplaySessionOptions {
  /** As `forReplay` gave it. */
  readonly consumer: ResolvedConsumer;
  readonly container: ContainerPort;
  /** Of idempotent handlers: what they have handled already is not handled again. */
  readonly stores: ReadonlyMap<IdempotencyStoreDescription, IdempotencyStore>;
  readonly ports: Omit<RuntimePorts, 'observer'>;
  /** No handler starts any more; those that run may finish. */
  readonly interrupted: AbortSignal;
  /** The whole replay is cut off: a handler asks for it, hangs, or everything fails. */
  readonly stopped: AbortSignal;
  readonly stop: (cause: Error) => void;
  readonly onOutcome: (outcome: ReplayOutcome) => void;
}

const STORES_NOTHING = { put: () => Promise.resolve() };
const BEGINNING: Position = { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 };

export class ReplaySession {
  readonly #options: ReplaySessionOptions;
  readonly #runner: ShardRunner;
  readonly #daemon: ShardDaemon;
  readonly #serving: Promise<SessionOutcome>;
  /** Delivered, and not known to have ended. */
  readonly #pending = new Map<string, TakenItem>();
  readonly #lastErrors = new Map<string, Error>();
  readonly #removing = new Set<Promise<void>>();
  readonly #drain: () => void;
  #last: Position | undefined;

  constructor(options: ReplaySessionOptions, shardId: string) {
    const { consumer, container, stores, ports, stop } = options;
    this.#options = options;
    const pair = memoryChannelPair();
    this.#runner = new ShardRunner({
      consumer,
      container,
      stores,
      sessionId: `${consumer.applicationName}/${shardId}#replay`,
      channel: pair.worker,
      sinks: new Map([[STAYS_PARKED, { durable: true, write: done, close: done }]]),
      ports: { ...ports, observer: { records: true, onEvent: (event) => this.#onEvent(event) } },
      retentionMs: undefined,
      replayed: true,
      // Whoever replays looks on, and what fails again stays parked; a breaker would wait instead.
      breaker: undefined,
      flights: undefined,
      requestStop: stop,
    });
    this.#daemon = new ShardDaemon({ shardId, channel: pair.daemon, store: STORES_NOTHING });
    this.#serving = this.#runner.run();
    this.#drain = () => this.#runner.drain();
    if (options.interrupted.aborted) this.#drain();
    options.interrupted.addEventListener('abort', this.#drain, { once: true });
  }

  /** The instance is there, `@OnInitialize` has run. */
  async open(): Promise<void> {
    await this.#exchange(() => this.#daemon.initialize(BEGINNING));
  }

  /** A session takes rising positions only. */
  takes({ entry }: TakenItem): boolean {
    return this.#last === undefined || comparePositions(this.#last, entry) < 0;
  }

  /** Resolves when each record has ended or is deferred, and what ended well is removed. */
  async deliver(items: readonly TakenItem[]): Promise<void> {
    for (const item of items) this.#pending.set(item.entry.id, item);
    this.#last = items.at(-1)?.entry;
    await this.#exchange(() => this.#daemon.processRecords(items.map(({ entry }) => wireOf(entry))));
    await this.#removed();
  }

  /** Says goodbye as a worker that stops, waits for what is deferred, and disposes the instance. */
  async close(): Promise<void> {
    const { interrupted } = this.#options;
    interrupted.removeEventListener('abort', this.#drain);
    this.#runner.drain();
    await this.#exchange(() => this.#daemon.shutdownRequested());
    await this.#exchange(() => this.#daemon.leaseLost());
    if (this.#options.stopped.aborted) this.#runner.leave('cut');
    await this.#daemon.end();
    await this.#serving;
    for (const { entry } of this.#pending.values()) this.#leave(entry.id, 'its handler has not settled it');
    await this.#removed();
  }

  async #exchange(action: () => Promise<void>): Promise<void> {
    if (this.#options.stopped.aborted) return;
    try {
      await untilAborted(action(), this.#options.stopped);
    } catch (error) {
      this.#options.stop(toError(error));
    }
  }

  async #removed(): Promise<void> {
    while (this.#removing.size > 0) await Promise.all(this.#removing);
  }

  #onEvent(event: SessionEvent): void {
    if (event.kind === 'handlerEnded' && event.error !== undefined) this.#lastErrors.set(event.recordId, event.error);
    if (event.kind === 'recordSettled') this.#onSettled(event);
    if (event.kind === 'recordAbandoned') this.#onAbandoned(event.recordId, event.why);
    if (event.kind === 'held') this.#onHeld(event);
  }

  #onSettled({ recordId, how, error }: Extract<SessionEvent, { kind: 'recordSettled' }>): void {
    switch (how) {
      case 'handled':
      case 'filtered':
      case 'deduplicated':
        this.#remove(recordId, how);
        return;
      case 'skipped':
        // Only middleware skips here: no policy of a replay does.
        this.#remove(recordId, how);
        return;
      case 'parked':
        this.#end(recordId, { kind: 'failed', error: error ?? new Error('its handler failed') });
        return;
      default:
        how satisfies never;
    }
  }

  #onAbandoned(recordId: string, why: string): void {
    const error = this.#lastErrors.get(recordId);
    if (error === undefined) this.#leave(recordId, why);
    else this.#end(recordId, { kind: 'failed', error });
  }

  /** A worker would wait here for somebody to mend it; somebody sits in front of this command. */
  #onHeld({ recordId, why, error }: Extract<SessionEvent, { kind: 'held' }>): void {
    if (recordId !== undefined) this.#end(recordId, { kind: 'failed', error });
    this.#options.stop(new MillraceError('REPLAY_FAILED', `The replay has stopped: ${why}.`, { cause: error }));
  }

  #remove(recordId: string, kind: Done): void {
    const item = this.#pending.get(recordId);
    if (item === undefined) return;
    this.#pending.delete(recordId);
    const removing = item.remove().then(
      () => this.#options.onOutcome({ item, result: { kind } }),
      (cause: unknown) => this.#notRemoved(item, cause),
    );
    this.#removing.add(removing);
    void removing.then(() => this.#removing.delete(removing));
  }

  #notRemoved(item: TakenItem, cause: unknown): void {
    const error = new MillraceError(
      'REPLAY_FAILED',
      `The record ${item.entry.id} was handled and could not be removed, so the next replay runs it again: ${toError(cause).message}`,
      { cause, details: { recordId: item.entry.id, place: item.place } },
    );
    this.#options.onOutcome({ item, result: { kind: 'failed', error } });
    this.#options.stop(error);
  }

  #leave(recordId: string, why: string): void {
    this.#end(recordId, { kind: 'left', why });
  }

  #end(recordId: string, result: ReplayOutcome['result']): void {
    const item = this.#pending.get(recordId);
    if (item === undefined) return;
    this.#pending.delete(recordId);
    this.#options.onOutcome({ item, result });
  }
}

function wireOf(entry: DeadLetterEntry): WireRecord {
  const { sequenceNumber, subSequenceNumber, partitionKey, data, approximateArrivalTimestamp } = entry;
  return { sequenceNumber, subSequenceNumber, partitionKey, data, approximateArrivalTimestamp };
}

function done(): Promise<void> {
  return Promise.resolve();
}
