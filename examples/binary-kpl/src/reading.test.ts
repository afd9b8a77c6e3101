import { describe, expect, it } from 'vitest';
import { decodeReading, encodeReading, Reading } from './reading.js';

const reading: Reading = { sensorId: 'cellar', celsius: 0, takenAtMs: 1_700_000_000_123 };

describe('a reading', () => {
  it('survives its way through protobuf, the value that protobuf leaves out included', () => {
    expect(Reading.parse(decodeReading(encodeReading(reading)))).toEqual(reading);
  });

  it('is not made from bytes that are cut off', () => {
    expect(() => decodeReading(encodeReading(reading).subarray(0, -1))).toThrow(RangeError);
  });

  it('is not made from no bytes, which protobuf accepts', () => {
    expect(Reading.safeParse(decodeReading(new Uint8Array())).success).toBe(false);
  });
});
