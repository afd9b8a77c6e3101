import { handler, records, testBed } from '@millrace/testing';
import '@millrace/testing/vitest';
import { describe, expect, it } from 'vitest';
import { encodeReading, type Reading } from './reading.js';
import { ReadingStore } from './reading-store.js';
import { Readings } from './readings.js';

const aReading = (celsius: number): Reading => ({
  sensorId: 'cellar',
  celsius,
  takenAtMs: 1_700_000_000_000 + celsius,
});
const reading = (celsius: number) => records.bytes(encodeReading(aReading(celsius)), 'cellar');

describe('ReadingStore', () => {
  it('stores each reading of a pack', async () => {
    await using bed = await testBed(ReadingStore);

    const delivered = bed.shard().deliver(records.kpl(reading(1), reading(2), reading(3)), reading(4));
    await bed.idle();

    expect(
      bed
        .resolve(Readings)
        .all()
        .map(({ celsius }) => celsius),
    ).toEqual([1, 2, 3, 4]);
    expect(delivered.map(({ subSequenceNumber }) => subSequenceNumber)).toEqual([0, 1, 2, 0]);
    expect(bed.shard()).toHaveCheckpointed(delivered[3]!);
  });

  it('parks one bad reading in the middle of a pack, and stores its neighbours', async () => {
    await using bed = await testBed(ReadingStore);

    const [, bad] = bed.shard().deliver(records.kpl(reading(1), records.bytes(Uint8Array.of(1, 2, 3)), reading(3)));
    await bed.idle();

    expect(bed).toHaveParked(bad!, { reason: 'DECODE_FAILED' });
    expect(bed.resolve(Readings).all()).toEqual([aReading(1), aReading(3)]);
  });

  it('stores a reading that is delivered again in the place of the first', async () => {
    await using bed = await testBed(ReadingStore);
    bed.checkpoints.fail('ThrottlingException');
    bed.shard().deliver(records.kpl(reading(1), reading(2)));
    await bed.settle();

    bed.checkpoints.recover();
    await bed.shard().crash();
    await bed.idle();

    expect(bed.resolve(Readings).all()).toHaveLength(2);
  });
});

describe('store', () => {
  it('refuses a reading below absolute zero', async () => {
    const outcome = await handler(ReadingStore, 'store').run(records.bytes(encodeReading(aReading(-300))));

    expect(outcome.error).toMatchObject({ code: 'VALIDATION_FAILED' });
  });
});
