import { CheckpointPolicy, DeadLetter, file, KinesisConsumer, OnRecord, type RecordContext } from '@millrace/core';
import { decodeReading, Reading } from './reading.js';
import { Readings } from './readings.js';

/**
 * Stores readings. The Kinesis Producer Library packs many of them into one Kinesis record; each arrives here by itself,
 * with the sequence number that all of the pack share and a sub-sequence number of its own.
 */
@KinesisConsumer('readings', 'reading-store')
@CheckpointPolicy('batch')
@DeadLetter(file({ directory: './parked' }))
export class ReadingStore {
  constructor(private readonly readings: Readings) {}

  @OnRecord({ decode: decodeReading, schema: Reading })
  store(reading: Reading, { record }: RecordContext): void {
    // `record.id` holds both numbers; with the sequence number as key, one reading of each pack would survive.
    this.readings.store(record.id, reading);
  }
}
