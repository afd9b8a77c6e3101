/** Writing a record to the dead-letter sink. The record is parked only once the sink has acknowledged it. */
import type { ConsumerRecord } from '../definition/context.js';
import { isMillraceError, MillraceError, toError } from '../errors.js';
import { backoffMs, type Backoff } from '../policy/retry.js';
import type { DeadLetterCause, DeadLetterEntry, DeadLetterSink, RuntimePorts } from '../ports.js';
import type { Holds } from './holds.js';
import { SESSION_ENDING, type Answer, type Orders, type WishAnswer } from './orders.js';
import { atMost } from './race.js';
import type { RecordSlot } from './record-slot.js';
import type { Reporter } from './reporter.js';
import type { SessionLife } from './session-life.js';

/** A sink is user code: it gets a deadline like any other. */
const WRITE_TIMEOUT_MS = 30_000;
/** After so many failures in a row the shard is reported as held; the writes go on. */
const HELD_AFTER = 5;
const BACKOFF: Backoff = { initialDelayMs: 200, maxDelayMs: 30_000, factor: 2 };
const CAUSES_MAX = 10;

export interface ParkingOptions {
  readonly stream: string;
  readonly applicationName: string;
  readonly consumer: string;
  readonly ports: RuntimePorts;
  readonly life: SessionLife;
  readonly holds: Holds;
  readonly orders: Orders;
  readonly report: Reporter;
}

export interface ParkRequest {
  readonly sink: DeadLetterSink;
  readonly slot: RecordSlot;
  readonly handler: string | undefined;
  readonly error: Error;
  /** Why an operator cannot have it run again instead. */
  readonly neverAgain?: string | undefined;
  /** Of the operator who ordered it; told after the first write. */
  readonly answer?: Answer;
}

export type Parked =
  /** The entry is durable. */
  | { readonly kind: 'parked' }
  /** The session gave the record up first. */
  | { readonly kind: 'abandoned' }
  /** An operator wants something else of a record that the sink does not take. */
  | { readonly kind: 'ordered'; readonly order: 'retry' | 'skip'; readonly answer: Answer };

export class Parking {
  readonly #options: ParkingOptions;

  constructor(options: ParkingOptions) {
    this.#options = options;
  }

  /** Tries until the entry is durable, the session ends, or an operator decides otherwise. */
  async park(request: ParkRequest): Promise<Parked> {
    const { ports, life, holds, orders } = this.#options;
    const entry = this.#entry(request);
    let { answer } = request;
    for (let failures = 1; ; failures += 1) {
      const error = await this.#write(request.sink, entry);
      answer?.(answerOf(error));
      answer = undefined;
      if (error === 'abandoned') return { kind: 'abandoned' };
      if (error === undefined) {
        holds.release(entry.id);
        return { kind: 'parked' };
      }
      this.#options.report.log.warn(
        { recordId: entry.id, failures, err: error },
        'The dead-letter sink did not take a record; it is tried again.',
      );
      if (failures === HELD_AFTER)
        holds.hold(request.slot, `the dead-letter sink failed ${failures} times in a row`, error);
      const delayMs = backoffMs(BACKOFF, failures, ports.random);
      const woken = await orders.wait({
        recordIds: [entry.id],
        delayMs,
        giveUp: life.intake,
        refusal: (_, order) => (order === 'retry' ? request.neverAgain : undefined),
      });
      if (woken.kind === 'aborted') return { kind: 'abandoned' };
      if (woken.kind !== 'order') continue;
      if (!life.accepting) {
        woken.answer({ kind: 'refused', text: SESSION_ENDING });
        return { kind: 'abandoned' };
      }
      if (woken.order !== 'park') return { kind: 'ordered', order: woken.order, answer: woken.answer };
      ({ answer } = woken);
    }
  }

  /** Undefined once durable. A write that is cut off may still land: its id makes the repeat visible. */
  async #write(sink: DeadLetterSink, entry: DeadLetterEntry): Promise<Error | 'abandoned' | undefined> {
    const { ports, life } = this.#options;
    const abort = new AbortController();
    if (life.over.aborted) return 'abandoned';
    try {
      const raced = await atMost(sink.write(entry, abort.signal), {
        clock: ports.clock,
        limitMs: WRITE_TIMEOUT_MS,
        giveUp: life.over,
      });
      if (raced.kind === 'done') return undefined;
      if (life.over.aborted) {
        abort.abort(life.over.reason);
        return 'abandoned';
      }
      const late = new MillraceError(
        'SINK_FAILED',
        `The dead-letter sink did not answer within ${WRITE_TIMEOUT_MS} ms.`,
        { details: { recordId: entry.id } },
      );
      abort.abort(late);
      return late;
    } catch (error) {
      return toError(error);
    }
  }

  #entry({ slot, handler, error }: ParkRequest): DeadLetterEntry {
    const { stream, applicationName, consumer, ports } = this.#options;
    const { record } = slot;
    return {
      id: record.id,
      stream,
      applicationName,
      consumer,
      handler,
      shardId: record.shardId,
      sequenceNumber: record.sequenceNumber,
      subSequenceNumber: record.subSequenceNumber,
      partitionKey: record.partitionKey,
      approximateArrivalTimestamp: record.approximateArrivalTimestamp,
      data: bytesOf(record),
      attempts: slot.attempts,
      causes: causeChain(error),
      parkedAt: ports.clock.now(),
    };
  }
}

function answerOf(error: Error | 'abandoned' | undefined): WishAnswer {
  if (error === undefined) return { kind: 'done', text: 'It is parked.' };
  const why =
    error === 'abandoned' ? 'the session has ended' : `the dead-letter sink did not take it (${error.message})`;
  const then =
    error === 'abandoned' ? 'its next owner gets it' : 'the write is tried again, and the record waits for it';
  return { kind: 'refused', text: `It is not parked: ${why}; ${then}.` };
}

/** A record whose base64 is broken has no bytes to keep; its causes say so. */
function bytesOf(record: ConsumerRecord): Uint8Array {
  try {
    return record.bytes;
  } catch {
    return new Uint8Array();
  }
}

/** The error and its causes, outermost first; a chain that bites its tail ends. */
function causeChain(error: Error): DeadLetterCause[] {
  const causes: DeadLetterCause[] = [];
  const seen = new Set<unknown>();
  for (
    let next: unknown = error;
    next instanceof Error && !seen.has(next) && causes.length < CAUSES_MAX;
    next = next.cause
  ) {
    seen.add(next);
    causes.push({ name: next.name, code: codeOf(next), message: next.message, stack: next.stack });
  }
  return causes;
}

function codeOf(error: Error): string | undefined {
  if (isMillraceError(error)) return error.code;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
