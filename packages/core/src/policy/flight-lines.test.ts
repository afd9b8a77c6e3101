import { describe, expect, it } from 'vitest';
import { type FlightEntry, flightLineOffset, formatFlightLine, parseFlightFile } from './flight-lines.js';

const LINE_BYTES = 256;
const at = (number: number, subSequenceNumber = 0) => ({
  sequenceNumber: `49680472822785406503947250856611970033281563250000${String(number).padStart(6, '0')}`,
  subSequenceNumber,
});
const { sequenceNumber: one } = at(1);
const { sequenceNumber: two } = at(2);

const text = (...entries: FlightEntry[]): string =>
  entries.map((entry) => Buffer.from(formatFlightLine(entry)).toString('latin1')).join('');
const line = (words: string): string => `${words.padEnd(LINE_BYTES - 1)}\n`;

describe('what is in flight', () => {
  it('is read as it was written', () => {
    const suspect = { from: at(3), to: at(4, 7), alone: false, deaths: 2 };
    const flying = { from: at(5), to: at(5), alone: true };
    expect(
      parseFlightFile(
        text(
          { kind: 'delivered', upTo: at(9, 1) },
          { kind: 'suspect', ...suspect },
          { kind: 'landed' },
          { kind: 'flying', ...flying },
        ),
      ),
    ).toEqual({
      ended: false,
      delivered: at(9, 1),
      suspects: [{ kind: 'suspect', ...suspect }],
      flying: [{ kind: 'flying', ...flying }],
    });
  });

  it('of a session that ended is told as such', () => {
    expect(parseFlightFile(text({ kind: 'landed' }, { kind: 'ended' }))).toEqual({
      ended: true,
      delivered: undefined,
      suspects: [],
      flying: [],
    });
  });

  it('has its place for each line, so that one can be written anew', () => {
    const file = text({ kind: 'delivered', upTo: at(1) }, { kind: 'landed' }, { kind: 'ended' });
    expect([0, 1, 2, 3].map(flightLineOffset)).toEqual([0, LINE_BYTES, 2 * LINE_BYTES, file.length]);
    expect(file.slice(flightLineOffset(2))).toBe(line('ended'));
  });

  it('is words between single blanks', () => {
    expect(text({ kind: 'suspect', from: at(1), to: at(2), alone: true, deaths: 3 })).toBe(
      line(`suspect ${one} 0 ${two} 0 alone 3`),
    );
  });
});

describe('a file that holds something else is not believed:', () => {
  it.each([
    ['a line that is cut off', line('ended').slice(0, -1)],
    ['one byte more', `${line('ended')}\n`],
    ['landed with a word more', line('landed 1')],
    ['ended with a word more', line('ended now')],
    ['an unknown kind', line(`falling ${one} 0 ${two} 0 alone`)],
    ['an unknown kind with deaths', line(`falling ${one} 0 ${two} 0 alone 3`)],
    ['delivered without its number', line('delivered')],
    ['delivered without its place in an aggregate', line(`delivered ${one}`)],
    ['delivered with a word more', line(`delivered ${one} 0 1`)],
    ['a sequence number of letters', line('delivered abc 0')],
    ['a place in an aggregate with a letter behind', line(`delivered ${one} 1a`)],
    ['a place in an aggregate with a letter before', line(`delivered ${one} a1`)],
    ['a place in an aggregate with an exponent', line(`delivered ${one} 1e3`)],
    ['a place in an aggregate in another base', line(`delivered ${one} 0x10`)],
    ['flying without its end', line(`flying ${one} 0`)],
    ['flying with a damaged end', line(`flying ${one} 0 x 0 alone`)],
    ['flying neither alone nor beside others', line(`flying ${one} 0 ${two} 0 somehow`)],
    ['flying that says nothing of others', line(`flying ${one} 0 ${two} 0`)],
    ['flying with a word more', line(`flying ${one} 0 ${two} 0 alone 3`)],
    ['a suspect without deaths', line(`suspect ${one} 0 ${two} 0 alone`)],
    ['a suspect with deaths that are no number', line(`suspect ${one} 0 ${two} 0 alone many`)],
    ['a suspect with a letter behind its deaths', line(`suspect ${one} 0 ${two} 0 alone 3x`)],
    ['a suspect with a letter before its deaths', line(`suspect ${one} 0 ${two} 0 alone x3`)],
    ['a suspect with more deaths than there can be', line(`suspect ${one} 0 ${two} 0 alone 1234567890`)],
    ['a suspect with a word more', line(`suspect ${one} 0 ${two} 0 alone 3 4`)],
    ['a good line and a damaged one', line('landed') + line('landet')],
  ])('%s', (_, file) => {
    expect(parseFlightFile(file)).toBeUndefined();
  });
});
