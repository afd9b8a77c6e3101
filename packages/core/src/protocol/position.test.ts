import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  comparePositions,
  compareSequenceNumbers,
  compareTargets,
  isPosition,
  isSequenceNumber,
  parsePosition,
} from './position.js';

const digits = fc.string({ unit: fc.constantFrom(...'0123456789'.split('')), minLength: 1, maxLength: 70 });

describe('isSequenceNumber', () => {
  it.each(['0', '007', '49680472822785406503947250856611970033281563257059934210'])('takes %s', (value) => {
    expect(isSequenceNumber(value)).toBe(true);
  });

  it.each(['', 'TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP', 'SHARD_END', '-1', '+1', '1.0', '1e3', ' 1', '1\n', '٣'])(
    'refuses %j',
    (value) => {
      expect(isSequenceNumber(value)).toBe(false);
    },
  );
});

describe('compareSequenceNumbers', () => {
  it('orders like the numbers, however long and with however many leading zeros', () => {
    fc.assert(
      fc.property(digits, digits, (a, b) => {
        const expected = BigInt(a) < BigInt(b) ? -1 : Number(BigInt(a) > BigInt(b));
        expect(Math.sign(compareSequenceNumbers(a, b))).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });

  it('takes numbers that differ in leading zeros only as the same', () => {
    expect(compareSequenceNumbers('00012', '12')).toBe(0);
    expect(compareSequenceNumbers('000', '0')).toBe(0);
  });
});

describe('comparePositions', () => {
  it('looks at the sub-sequence number within one sequence number only', () => {
    const at = (sequenceNumber: string, subSequenceNumber: number) => ({ sequenceNumber, subSequenceNumber });

    expect(comparePositions(at('10', 3), at('10', 2))).toBeGreaterThan(0);
    expect(comparePositions(at('9', 7), at('10', 0))).toBeLessThan(0);
    expect(comparePositions(at('10', 2), at('010', 2))).toBe(0);
  });
});

describe('compareTargets', () => {
  const position = { sequenceNumber: '9'.repeat(60), subSequenceNumber: 9 };

  it('puts the end of the shard after every position', () => {
    expect(compareTargets('SHARD_END', position)).toBeGreaterThan(0);
    expect(compareTargets(position, 'SHARD_END')).toBeLessThan(0);
    expect(compareTargets('SHARD_END', 'SHARD_END')).toBe(0);
    expect(compareTargets(position, position)).toBe(0);
  });
});

describe('parsePosition', () => {
  it('gives none for a sentinel or a null', () => {
    expect(parsePosition('TRIM_HORIZON', 0)).toBeUndefined();
    expect(parsePosition(undefined, 0)).toBeUndefined();
  });

  it('gives none for a sub-sequence number that is negative, broken or inexact', () => {
    expect(parsePosition('1', -1)).toBeUndefined();
    expect(parsePosition('1', 0.5)).toBeUndefined();
    expect(isPosition({ sequenceNumber: '1', subSequenceNumber: 2 ** 53 })).toBe(false);
  });

  it('gives the position of a real sequence number', () => {
    expect(parsePosition('12', 3)).toEqual({ sequenceNumber: '12', subSequenceNumber: 3 });
  });
});
