/** Gives records their place in a stream: sequence numbers as Kinesis makes them, increasing over all shards of a bed. */
import { deaggregate, type WireRecord } from '@millrace/core/internal';
import type { TestRecord } from './record-builders.js';

/** Real numbers are of this size and grow by steps of this size. */
const FIRST = 49_680_472_822_785_406_503_947_250_856_611_970_033_281_563_257_059_934_210n;
const STEP = 1n << 80n;

export class Placement {
  readonly #now: () => number;
  #next = FIRST;

  constructor(now: () => number) {
    this.#now = now;
  }

  place(record: TestRecord): readonly WireRecord[] {
    const sequenceNumber = String(this.#next);
    this.#next += STEP;
    const approximateArrivalTimestamp = record.approximateArrivalTimestamp ?? this.#now();
    switch (record.kind) {
      case 'single': {
        const { partitionKey, data } = record;
        // As the daemon does: an intact aggregate arrives as its user records, anything else as it is.
        return deaggregate({ sequenceNumber, partitionKey, data, approximateArrivalTimestamp }).records;
      }
      case 'kpl':
        return record.records.map(({ partitionKey, data }, subSequenceNumber) => ({
          sequenceNumber,
          subSequenceNumber,
          partitionKey,
          data,
          approximateArrivalTimestamp,
        }));
      default:
        return record satisfies never;
    }
  }
}
