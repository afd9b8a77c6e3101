import { describe, expect, it } from 'vitest';
import { type Slot, Watermark } from './watermark.js';

class Delivered implements Slot {
  settled = false;
  readonly subSequenceNumber = 0;

  constructor(readonly sequenceNumber: string) {}
}

/** A watermark with so many delivered slots. */
function delivered(count: number) {
  const watermark = new Watermark<Delivered>();
  const slots = Array.from({ length: count }, (_, index) => new Delivered(String(index + 1)));
  for (const slot of slots) watermark.deliver(slot);
  const settle = (...numbers: readonly number[]): void => {
    for (const slot of slots) slot.settled ||= numbers.includes(Number(slot.sequenceNumber));
    watermark.advance();
  };
  return { watermark, settle, at: () => watermark.position?.sequenceNumber };
}

describe('a watermark that is held', () => {
  it('stays where it is and keeps only the last position of what settles, until it is released', () => {
    const { watermark, settle, at } = delivered(5);
    settle(1);
    watermark.hold();
    settle(2, 3, 5);
    expect([at(), watermark.held, watermark.waiting]).toEqual(['1', 2, 2]);

    watermark.release();
    expect([at(), watermark.held, watermark.waiting]).toEqual(['3', 0, 2]);
    settle(4);
    expect([at(), watermark.waiting]).toEqual(['5', 0]);
  });

  it('does not go back when it is released again and nothing has settled since', () => {
    const { watermark, settle, at } = delivered(3);
    watermark.hold();
    settle(1);
    watermark.release();
    settle(2);
    watermark.hold();
    watermark.release();
    expect(at()).toBe('2');
  });
});

describe('records that are taken in together', () => {
  const slots = (...numbers: readonly number[]): Delivered[] => numbers.map((number) => new Delivered(String(number)));

  it('are waited for when all of them are new', () => {
    const { watermark, settle } = delivered(2);
    const more = slots(3, 4);
    expect(watermark.deliverAscending(more)).toBe(true);
    expect([...watermark.pending()].map(({ sequenceNumber }) => sequenceNumber)).toEqual(['1', '2', '3', '4']);

    for (const slot of more) slot.settled = true;
    settle(1, 2);
    expect(watermark.position?.sequenceNumber).toBe('4');
    expect(watermark.deliver(new Delivered('4'))).toBe('settled');
  });

  it('are not taken in when one of them came before', () => {
    const { watermark } = delivered(2);
    expect(watermark.deliverAscending(slots(2, 3))).toBe(false);
    expect([...watermark.pending()].map(({ sequenceNumber }) => sequenceNumber)).toEqual(['1', '2']);
  });

  it('may be none', () => {
    const { watermark } = delivered(1);
    expect(watermark.deliverAscending([])).toBe(true);
    expect(watermark.waiting).toBe(1);
  });
});
