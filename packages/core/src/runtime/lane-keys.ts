/** Which lane a record runs in: what its handler's `key` makes of the payload, else what `@Concurrency` orders by. */
import type { ConsumerRecord } from '../definition/context.js';
import type { Concurrency } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import type { Prepared } from '../records/pipeline.js';
import { prepareSlot } from './prepare.js';
import type { RecordSlot } from './record-slot.js';
import type { SessionParts } from './session-parts.js';

export interface Keyed {
  readonly key: string;
  /** What finding the key has cost already, or why there is none; undefined when the payload was not needed. */
  readonly prepared: Prepared | undefined;
}

export class LaneKeys {
  readonly #parts: SessionParts;
  readonly #by: Concurrency['by'];
  /** Only payloads know their keys, so they are decoded before they enter a lane. */
  readonly #fromPayload: boolean;

  constructor(parts: SessionParts, { by }: Concurrency) {
    this.#parts = parts;
    this.#by = by;
    this.#fromPayload = parts.consumer.definition.handlers.some(
      (handler) => handler.kind === 'record' && handler.key !== undefined,
    );
  }

  /** A record whose key cannot be found runs in its partition key's lane, where it fails. */
  of(slot: RecordSlot): Keyed | Promise<Keyed> {
    if (!this.#fromPayload) return this.#ofRecord(slot.record, undefined);
    const { starts } = this.#parts;
    if (starts?.refusal(slot) !== undefined) return { key: slot.record.partitionKey, prepared: undefined };
    const prepared = prepareSlot(this.#parts, slot);
    if (!(prepared instanceof Promise)) return this.#ofPrepared(slot.record, prepared);
    return prepared.then((value) =>
      value === undefined
        ? { key: slot.record.partitionKey, prepared: undefined }
        : this.#ofPrepared(slot.record, value),
    );
  }

  #ofPrepared(record: ConsumerRecord, prepared: Prepared): Keyed {
    if (prepared.kind !== 'ready' || prepared.handler.kind !== 'record') return this.#ofRecord(record, prepared);
    const { handler, payload } = prepared;
    const { key } = handler;
    if (key === undefined) return this.#ofRecord(record, prepared);
    return keyed({ record, prepared, handler, find: () => key(payload) });
  }

  #ofRecord(record: ConsumerRecord, prepared: Prepared | undefined): Keyed {
    const by = this.#by;
    if (by === 'partitionKey') return { key: record.partitionKey, prepared };
    return keyed({ record, prepared, handler: undefined, find: () => by(record) });
  }
}

interface Search {
  readonly record: ConsumerRecord;
  readonly prepared: Prepared | undefined;
  readonly handler: Extract<Prepared, { kind: 'failed' }>['handler'];
  readonly find: () => unknown;
}

function keyed({ record, prepared, handler, find }: Search): Keyed {
  let cause: Error;
  try {
    const key = find();
    if (typeof key === 'string') return { key, prepared };
    cause = new TypeError(`it gave ${key === null ? 'null' : typeof key}`);
  } catch (error) {
    cause = toError(error);
  }
  const where = handler === undefined ? 'by of @Concurrency' : `key of ${handler.name}`;
  const error = new MillraceError(
    'LANE_KEY_FAILED',
    `The record ${record.id} has no lane: ${where} must return a text, but ${cause.message}.`,
    { cause, details: { recordId: record.id } },
  );
  return { key: record.partitionKey, prepared: { kind: 'failed', handler, error } };
}
