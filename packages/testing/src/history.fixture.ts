/** Histories written by hand: one story per session, record n at sequence number 1000 + n. */
import {
  batchHandler,
  defineConsumer,
  recordHandler,
  type PositionData,
  type SessionEvent,
  type SettledHow,
} from '@millrace/core';
import type { ConsumerDefinition } from '@millrace/core';
import type { DaemonMessage, WireRecord, WorkerLine } from '@millrace/core/internal';
import { digestOf } from './digest.js';
import { History, type DeliveredRecord } from './history.js';
import type { Observed } from './observed.js';

type Action = Exclude<DaemonMessage['kind'], 'checkpoint' | 'processRecords' | 'initialize'>;
type Bare<E> = E extends SessionEvent ? Omit<E, 'at' | 'sessionId' | 'shardId'> : never;
type At = number | 'SHARD_END';

export const shardIdOf = (shard: string): string => `shardId-00000000000${shard}`;

export class Story implements Observed {
  readonly history: History;
  readonly delivered: DeliveredRecord[];
  readonly shardId: string;
  readonly sessionId: string;
  readonly #clock: { ms: number };
  readonly #keys = new Map<number, string>();

  constructor({ shard = 'A', session = 1, after }: { shard?: string; session?: number; after?: Story } = {}) {
    this.shardId = shardIdOf(shard);
    this.sessionId = `${shard}/${session}`;
    this.history = after?.history ?? new History();
    this.delivered = after?.delivered ?? [];
    this.#clock = after === undefined ? { ms: 0 } : after.#clock;
  }

  get entries(): History['entries'] {
    return this.history.entries;
  }
  /** The story's records as a whole bed sees them. */
  get bed(): Observed {
    return { history: this.history, delivered: this.delivered, shardId: undefined };
  }

  wait(delayMs: number): this {
    this.#clock.ms += delayMs;
    return this;
  }

  id(n: number): string {
    return `${this.shardId}:${1000 + n}:0`;
  }

  record(n: number): DeliveredRecord {
    const found = this.delivered.find(({ id }) => id === this.id(n));
    if (found === undefined) throw new Error(`record ${n} is not delivered`);
    return found;
  }

  begin(): this {
    return this.sent({
      kind: 'initialize',
      shardId: this.shardId,
      sequenceNumber: 'TRIM_HORIZON',
      subSequenceNumber: 0,
    })
      .event({ kind: 'sessionReady' })
      .status('initialize');
  }

  /** One batch, which stays open; `[n, key]` for a key of its own. */
  deliver(...batch: readonly (number | readonly [n: number, key: string])[]): this {
    const wires = batch.map((item): WireRecord => {
      const [n, partitionKey] = typeof item === 'number' ? [item, 'k'] : item;
      this.#keys.set(n, partitionKey);
      const data = payload(n);
      return { ...position(n), partitionKey, data, approximateArrivalTimestamp: 0 };
    });
    for (const { sequenceNumber, subSequenceNumber, partitionKey, data } of wires) {
      const id = `${this.shardId}:${sequenceNumber}:${subSequenceNumber}`;
      if (this.delivered.some((known) => known.id === id)) continue;
      this.delivered.push({ id, shardId: this.shardId, sequenceNumber, subSequenceNumber, partitionKey, data });
    }
    return this.sent({ kind: 'processRecords', records: wires, millisBehindLatest: 0 });
  }

  started(n: number, attempt = 1): this {
    return this.event({ kind: 'handlerStarted', handler: 'placed', attempt, ...this.#about(n) });
  }
  ended(n: number, error?: Error, attempt = 1): this {
    return this.event({ kind: 'handlerEnded', handler: 'placed', attempt, error, ...this.#about(n) });
  }
  settled(n: number, how: SettledHow = 'handled', error?: Error): this {
    return this.event({ kind: 'recordSettled', how, attempts: 1, error, ...this.#about(n) });
  }
  handled(...numbers: readonly number[]): this {
    for (const n of numbers) this.started(n).ended(n).settled(n);
    return this;
  }
  retried(n: number, error: Error): this {
    return this.event({ kind: 'retryScheduled', attempt: 1, delayMs: 200, error, ...this.#about(n) });
  }
  deferred(n: number): this {
    return this.event({ kind: 'recordDeferred', ...this.#about(n) });
  }
  abandoned(n: number): this {
    return this.event({ kind: 'recordAbandoned', why: 'the session ended', ...this.#about(n) });
  }
  held(n?: number): this {
    return this.event({
      kind: 'held',
      recordId: n === undefined ? undefined : this.id(n),
      why: 'the test',
      error: new Error('no'),
    });
  }
  released(n?: number): this {
    return this.event({ kind: 'released', recordId: n === undefined ? undefined : this.id(n) });
  }

  /** As delivered, unless it is said otherwise. */
  handed(n: number, { partitionKey = this.#about(n).partitionKey, data = payload(n) }: Partial<Handed> = {}): this {
    return this.#add({
      kind: 'handed',
      shardId: this.shardId,
      record: { id: this.id(n), partitionKey, digest: digestOf(data) },
    });
  }

  /** The sink has it. */
  parked(n: number, { message = 'card declined', attempts = 5 }: { message?: string; attempts?: number } = {}): this {
    const { partitionKey } = this.#about(n);
    const record = { id: this.id(n), shardId: this.shardId, ...position(n), partitionKey, data: new Uint8Array() };
    const origin = { stream: 'orders', applicationName: 'mailer', consumer: 'OrderMailer', handler: 'placed' };
    const causes = [{ name: 'PaymentError', code: 'E_CARD', message, stack: undefined }];
    const times = { approximateArrivalTimestamp: 0, parkedAt: 0 };
    return this.#add({ kind: 'parked', entry: { ...record, ...origin, ...times, attempts, causes } });
  }

  asks(at: At): this {
    return this.event({ kind: 'checkpointRequested', target: target(at) }).said({ kind: 'checkpoint', ...wire(at) });
  }
  stores(at: At): this {
    return this.#add({ kind: 'stored', shardId: this.shardId, target: target(at) });
  }
  answered(at: At, error?: string): this {
    return this.sent({ kind: 'checkpoint', ...wire(at), error }).event({
      kind: 'checkpointAnswered',
      target: target(at),
      error,
    });
  }
  checkpoint(at: At): this {
    return this.asks(at).stores(at).answered(at);
  }

  status(action: Exclude<DaemonMessage['kind'], 'checkpoint'>): this {
    return this.event({ kind: 'acknowledged', action, unsettled: 0 }).said({ kind: 'status', responseFor: action });
  }
  action(kind: Action): this {
    return this.sent({ kind });
  }
  doubt(): this {
    return this.event({ kind: 'leaseDoubt', why: 'ShutdownException' });
  }
  drain(): this {
    return this.event({ kind: 'draining', reason: 'handoff' });
  }
  over(): this {
    return this.event({ kind: 'sessionEnded', why: 'endOfInput', abandoned: 0 });
  }

  event(event: Bare<SessionEvent>): this {
    const { shardId, sessionId } = this;
    return this.#add({ kind: 'event', shardId, sessionId, event: { ...event, at: 0, shardId, sessionId } });
  }
  sent(message: DaemonMessage): this {
    return this.#add({ kind: 'daemonSent', shardId: this.shardId, sessionId: this.sessionId, message });
  }
  said(line: WorkerLine): this {
    return this.#add({ kind: 'workerSent', shardId: this.shardId, sessionId: this.sessionId, line });
  }
  misbehaved(what: string, detail: string): this {
    return this.#add({ kind: 'misbehaved', shardId: this.shardId, sessionId: this.sessionId, what, detail });
  }

  #about(n: number): { recordId: string; partitionKey: string } {
    return { recordId: this.id(n), partitionKey: this.#keys.get(n) ?? 'k' };
  }

  #add(entry: BareEntry): this {
    this.history.add({ ...entry, atMs: this.#clock.ms });
    return this;
  }
}

type Handed = Pick<DeliveredRecord, 'partitionKey' | 'data'>;
type Entry = History['entries'][number];
type BareEntry = Entry extends infer E ? (E extends Entry ? Omit<E, 'atMs'> : never) : never;

function payload(n: number): Uint8Array {
  return new TextEncoder().encode(`payload ${n}`);
}

function position(n: number): PositionData {
  return { sequenceNumber: `${1000 + n}`, subSequenceNumber: 0 };
}

function target(at: At): PositionData | 'SHARD_END' {
  return at === 'SHARD_END' ? at : position(at);
}

function wire(at: At): { sequenceNumber: string | undefined; subSequenceNumber: number | undefined } {
  return at === 'SHARD_END' ? { sequenceNumber: undefined, subSequenceNumber: undefined } : position(at);
}

/** A consumer for checkers that ask how it was declared. */
export function declared(
  kind: 'record' | 'batch' = 'record',
  checkpoint: 'record' | 'manual' = 'record',
  batch: { readonly maxWaitMs?: number } = {},
): ConsumerDefinition {
  const name = 'placed';
  const handle = (): void => undefined;
  const handler = kind === 'record' ? recordHandler({ name, handle }) : batchHandler({ name, handle, ...batch });
  return defineConsumer({
    name: 'OrderMailer',
    stream: 'orders',
    applicationName: 'mailer',
    checkpoint,
    handlers: [handler],
  });
}
