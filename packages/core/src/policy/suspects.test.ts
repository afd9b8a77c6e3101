import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Position } from '../protocol/messages.js';
import { type FlightEntry, formatFlightLine, parseFlightFile } from './flight-lines.js';
import { type Life, pastOf, type Suspect, verdictOn } from './suspects.js';

const at = (n: number): Position => ({ sequenceNumber: String(10n ** 55n + BigInt(n)), subSequenceNumber: 0 });
const flying = (from: number, { to = from, alone = false } = {}) => ({ from: at(from), to: at(to), alone });
const suspect = (from: number, deaths: number, { to = from, alone = false } = {}): Suspect => ({
  ...flying(from, { to, alone }),
  deaths,
});
const life = (more: Partial<Life>): Life => ({ ended: false, delivered: at(100), suspects: [], flying: [], ...more });

describe('what lives before tell', () => {
  it.each<
    [string, readonly Life[], { readonly suspects: readonly Suspect[]; readonly carefulUpTo: number | undefined }]
  >([
    ['none: nothing', [], { suspects: [], carefulUpTo: undefined }],
    [
      'one that was given no record: nothing',
      [life({ delivered: undefined })],
      { suspects: [], carefulUpTo: undefined },
    ],
    ['a death without a name: what had come', [life({})], { suspects: [], carefulUpTo: 100 }],
    [
      'the first death with a name: it counts for the one before, too',
      [life({ delivered: at(50), flying: [flying(7)] })],
      { suspects: [suspect(7, 2)], carefulUpTo: 50 },
    ],
    [
      'a further death in a row',
      [life({ suspects: [suspect(7, 2)], flying: [flying(7)] })],
      { suspects: [suspect(7, 3)], carefulUpTo: 100 },
    ],
    [
      'another in flight: the row is broken',
      [life({ suspects: [suspect(7, 2)], flying: [flying(8)] })],
      { suspects: [suspect(8, 2)], carefulUpTo: 100 },
    ],
    ['none in flight: the row is broken', [life({ suspects: [suspect(7, 2)] })], { suspects: [], carefulUpTo: 100 }],
    [
      'several in flight: all of them',
      [life({ suspects: [suspect(7, 3), suspect(9, 2)], flying: [flying(7), flying(8)] })],
      { suspects: [suspect(7, 4), suspect(8, 2)], carefulUpTo: 100 },
    ],
    [
      'a part of a batch that was in flight before',
      [life({ suspects: [suspect(1, 2, { to: 9 })], flying: [flying(3, { to: 5 })] })],
      { suspects: [suspect(3, 3, { to: 5 })], carefulUpTo: 100 },
    ],
    [
      'a death alone is the proof, and stays until the record has its end',
      [life({ suspects: [suspect(7, 4, { alone: true })], flying: [flying(9)] })],
      { suspects: [suspect(7, 4, { alone: true }), suspect(9, 2)], carefulUpTo: 100 },
    ],
    [
      'a life that ended in order: what it has taken over, and no more care than that',
      [life({ ended: true, delivered: undefined, suspects: [suspect(7, 2)] })],
      { suspects: [suspect(7, 2)], carefulUpTo: 7 },
    ],
    [
      'a life that ended in order and had been given records: no care at all',
      [life({ ended: true })],
      { suspects: [], carefulUpTo: undefined },
    ],
    [
      'the same twice, alone the first time: it was alone',
      [life({ ended: true, delivered: at(8), suspects: [suspect(7, 4, { alone: true }), suspect(7, 4)] })],
      { suspects: [suspect(7, 4, { alone: true })], carefulUpTo: 7 },
    ],
    [
      'two deaths without a name, the one that had come further first: up to there',
      [life({ delivered: at(100) }), life({ delivered: at(50) })],
      { suspects: [], carefulUpTo: 100 },
    ],
    [
      'the same twice: once',
      [life({ suspects: [suspect(7, 2)], flying: [flying(7)] }), life({ ended: true, suspects: [suspect(7, 3)] })],
      { suspects: [suspect(7, 3)], carefulUpTo: 100 },
    ],
  ])('%s', (_, lives, { suspects, carefulUpTo }) => {
    expect(pastOf(lives)).toEqual({ suspects, carefulUpTo: carefulUpTo === undefined ? undefined : at(carefulUpTo) });
  });

  it.each<[readonly Suspect[], string]>([
    [[], 'clear'],
    [[suspect(7, 2)], 'clear'],
    [[suspect(7, 3)], 'suspect'],
    [[suspect(5, 3, { to: 9 })], 'suspect'],
    [[suspect(8, 3)], 'clear'],
    [[suspect(7, 9)], 'suspect'],
    [[suspect(7, 3, { alone: true })], 'suspect'],
    [[suspect(7, 4, { alone: true })], 'guilty'],
    [[suspect(1, 3, { to: 9 }), suspect(7, 4, { alone: true })], 'guilty'],
  ])('record 7 with %o is %s', (suspects, verdict) => {
    expect(verdictOn(at(7), suspects)).toBe(verdict);
  });
});

describe('the file of a session', () => {
  const position = fc.record({
    sequenceNumber: fc.bigInt({ min: 0n, max: 10n ** 57n }).map(String),
    subSequenceNumber: fc.nat(),
  });
  const span = { from: position, to: position, alone: fc.boolean() };
  const entry: fc.Arbitrary<FlightEntry> = fc.oneof(
    fc.record({ kind: fc.constant('suspect' as const), ...span, deaths: fc.nat({ max: 99 }) }),
    fc.record({ kind: fc.constant('flying' as const), ...span }),
    fc.record({ kind: fc.constant('landed' as const) }),
  );
  const textOf = (entries: readonly FlightEntry[]): string =>
    entries.map((one) => Buffer.from(formatFlightLine(one)).toString('latin1')).join('');

  it('tells what was written', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), fc.option(position, { nil: undefined }), (entries, upTo) => {
        const first: FlightEntry[] = upTo === undefined ? [{ kind: 'ended' }] : [{ kind: 'delivered', upTo }];

        const read = parseFlightFile(textOf([...first, ...entries]));

        expect(read?.ended).toBe(upTo === undefined);
        expect(read?.delivered).toEqual(upTo);
        expect(read?.suspects).toEqual(entries.filter(({ kind }) => kind === 'suspect'));
        expect(read?.flying).toEqual(entries.filter(({ kind }) => kind === 'flying'));
      }),
    );
  });

  it('is read whole or not at all', () => {
    const text = textOf([
      { kind: 'delivered', upTo: at(1) },
      { kind: 'flying', ...flying(1) },
    ]);

    expect(parseFlightFile(text)).toBeDefined();
    expect(parseFlightFile(text.slice(0, -1))).toBeUndefined();
    expect(parseFlightFile(text.replace('alone', 'other').replace('beside', 'other'))).toBeUndefined();
    fc.assert(fc.property(fc.string({ unit: 'binary', minLength: 1 }), (junk) => parseFlightFile(junk) === undefined));
  });
});
