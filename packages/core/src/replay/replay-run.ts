/**
 * Takes parked records out of a source and runs them through a consumer.
 *
 * A record is removed after its handler has succeeded, never before: a run that is killed in between runs it again. One
 * that fails again stays where it is.
 */
import type { ResolvedConsumer } from '../config/resolved.js';
import { toError } from '../errors.js';
import type { ContainerPort, RuntimePorts } from '../ports.js';
import type { ParkedSource, TakenItem, Wants } from './parked-source.js';
import { forReplay, holdsKeys } from './replay-consumer.js';
import { ReplaySession, type ReplayOutcome, type ReplaySessionOptions } from './replay-session.js';

export interface ReplayOptions {
  readonly source: ParkedSource;
  /** As declared. */
  readonly consumer: ResolvedConsumer;
  readonly container: ContainerPort;
  /** Of idempotent handlers. */
  readonly stores: ReplaySessionOptions['stores'];
  readonly ports: Omit<RuntimePorts, 'observer'>;
  readonly wants: Wants;
  /** Records at most; undefined: all. */
  readonly limit: number | undefined;
  /** Ends in order: running handlers may finish. */
  readonly interrupted: AbortSignal;
  readonly onOutcome: (outcome: ReplayOutcome) => void;
}

export interface ReplayEnd {
  /** Why it ended before everything had run; undefined also after an interrupt. */
  readonly stoppedBy: Error | undefined;
}

/** @throws MillraceError from the source; what fails in the consumer comes as an outcome, or as `stoppedBy`. */
export function replay(options: ReplayOptions): Promise<ReplayEnd> {
  return new ReplayRun(options).run();
}

class ReplayRun {
  readonly #options: ReplayOptions;
  readonly #stopping = new AbortController();
  readonly #sessions = new Map<string, ReplaySession>();
  readonly #consumer: ResolvedConsumer;
  readonly #holdsKeys: boolean;
  /** Keys of records that failed again, where the consumer holds their successors. */
  readonly #blockedKeys = new Set<string>();
  #left: number;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#consumer = forReplay(options.consumer);
    this.#holdsKeys = holdsKeys(options.consumer.definition);
    this.#left = options.limit ?? Number.POSITIVE_INFINITY;
  }

  async run(): Promise<ReplayEnd> {
    const { source, wants, interrupted } = this.#options;
    const over = AbortSignal.any([interrupted, this.#stopping.signal]);
    const taking = await source.take(wants);
    try {
      for await (const group of taking.groups(over)) {
        if (source.view === 'whole') await this.#closeOthers(group.at(0)?.entry.shardId);
        await this.#runGroup(group.slice(0, this.#left));
        this.#left -= group.length;
        if (this.#left <= 0 || over.aborted) break;
      }
    } catch (error) {
      // A request that the end has cut off is no failure of the source.
      if (!over.aborted) throw error;
    } finally {
      // What is deferred ends with its session, and is removed before the source lets go of it.
      await this.#closeOthers(undefined);
      await taking.end();
    }
    const { signal } = this.#stopping;
    return { stoppedBy: signal.aborted ? toError(signal.reason) : undefined };
  }

  async #runGroup(group: readonly TakenItem[]): Promise<void> {
    const size = this.#holdsKeys ? 1 : group.length;
    for (let at = 0; at < group.length; at += size) {
      if (this.#stopping.signal.aborted || this.#options.interrupted.aborted) return;
      const items = group.slice(at, at + size).filter((item) => this.#mayRun(item));
      const [first] = items;
      if (first === undefined) continue;
      const session = await this.#sessionFor(first);
      await session.deliver(items);
    }
  }

  #mayRun(item: TakenItem): boolean {
    if (!this.#blockedKeys.has(item.entry.partitionKey)) return true;
    const why = "an earlier record of its key failed again, and the consumer holds its successors (sameKey: 'hold')";
    this.#options.onOutcome({ item, result: { kind: 'left', why } });
    return false;
  }

  async #sessionFor(item: TakenItem): Promise<ReplaySession> {
    const { shardId } = item.entry;
    const open = this.#sessions.get(shardId);
    if (open?.takes(item) === true) return open;
    // What comes again or out of order would count as done: a session goes by positions.
    await open?.close();
    const { container, stores, ports, interrupted } = this.#options;
    const session = new ReplaySession(
      {
        consumer: this.#consumer,
        container,
        stores,
        ports,
        interrupted,
        stopped: this.#stopping.signal,
        stop: (cause) => this.#stopping.abort(cause),
        onOutcome: (outcome) => this.#take(outcome),
      },
      shardId,
    );
    this.#sessions.set(shardId, session);
    await session.open();
    return session;
  }

  #take(outcome: ReplayOutcome): void {
    const { kind } = outcome.result;
    if (this.#holdsKeys && kind === 'failed') this.#blockedKeys.add(outcome.item.entry.partitionKey);
    this.#options.onOutcome(outcome);
  }

  async #closeOthers(shardId: string | undefined): Promise<void> {
    for (const [id, session] of this.#sessions) {
      if (id === shardId) continue;
      this.#sessions.delete(id);
      await session.close();
    }
  }
}
