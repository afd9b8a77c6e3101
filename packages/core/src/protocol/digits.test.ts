import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareDigits, copyDigits } from './digits.js';

const viewOf = (text: string): DataView => new DataView(Uint8Array.from(Buffer.from(text, 'latin1')).buffer);
/** Digits, and what stands beside them in ASCII or looks like them in half of its bits. */
const character = fc.constantFrom(...'0123456789', '/', ':', '?', '"', ',', '\u00b0', '\u00b9', '\0');
const text = fc.array(character, { maxLength: 24 }).map((characters) => characters.join(''));

describe('digits that are copied', () => {
  it('are those that stand there, as many as are wanted, and nothing behind them is written to', () => {
    fc.assert(
      fc.property(text, text, fc.nat({ max: 30 }), fc.nat({ max: 5 }), (before, after, limit, at) => {
        const page = new DataView(new ArrayBuffer(64));
        const digits = /^[0-9]*/.exec(after)?.[0].slice(0, limit) ?? '';

        const count = copyDigits(viewOf(`${before}${after}`), before.length, { page, at, limit });

        const written = Buffer.from(page.buffer).toString('latin1');
        expect(count).toBe(digits.length);
        expect(written.slice(0, at + count)).toBe(`${'\0'.repeat(at)}${digits}`);
        expect(written.slice(at + count)).toBe('\0'.repeat(64 - at - count));
      }),
    );
  });
});

describe('digits that are compared', () => {
  const digits = (length: number) =>
    fc.array(fc.constantFrom(...'0123456789'), { minLength: length, maxLength: length }).map((all) => all.join(''));
  const pair = fc
    .nat({ max: 13 })
    .chain((length) => fc.record({ one: digits(length), other: digits(length), same: fc.nat({ max: 13 }) }))
    .map(({ one, other, same }) => ({ one, other: one.slice(0, same) + other.slice(same) }));

  it('have the order of their numbers, whatever stands before, between and behind them', () => {
    fc.assert(
      fc.property(pair, text, text, text, ({ one, other }, before, between, behind) => {
        const first = before.length;
        const second = first + one.length + between.length;
        const view = viewOf(`${before}${one}${between}${other}${behind}zzzz`);

        const order = compareDigits(view, { first, second, digits: one.length });

        const [a, b] = [BigInt(one || '0'), BigInt(other || '0')];
        expect(Math.sign(order)).toBe(b > a ? 1 : b < a ? -1 : 0);
      }),
    );
  });
});
