import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseProperties, writeProperties } from './properties-text.js';

const anyString = fc.string({ unit: 'binary', maxLength: 30 });
const awkward = fc.string({
  unit: fc.constantFrom(' ', '\t', '\f', '\n', '\r', '\\', '=', ':', '#', '!', 'u', 'a', 'é', '\ud800'),
});

function entriesOf(text: string): readonly (readonly [string, string])[] {
  return parseProperties(text).entries.map(({ name, value }) => [name, value]);
}

describe('writing properties', () => {
  it.each([
    ['a plain value', 'maxRecords', '1000', 'maxRecords=1000\n'],
    ['a leading blank', 'a', '  b ', 'a=\\  b \n'],
    ['a blank in the key', 'a b', 'c', 'a\\ b=c\n'],
    ['separators', 'a=b:c', 'd=e:f', 'a\\=b\\:c=d\\=e\\:f\n'],
    ['comment signs', '#a', '!b', '\\#a=\\!b\n'],
    ['line ends and tabs', 'a', '\r\n\t\f', 'a=\\r\\n\\t\\f\n'],
    ['backslashes', 'a\\', 'b\\n\\', 'a\\\\=b\\\\n\\\\\n'],
    ['letters beyond ASCII', 'ä', '€😀', '\\u00E4=\\u20AC\\uD83D\\uDE00\n'],
    ['half a surrogate pair', 'a', '\ud83d', 'a=\\uD83D\n'],
    ['control characters', 'a', '\u0000\u007f', 'a=\\u0000\\u007F\n'],
    ['nothing', '', '', '=\n'],
  ])('escapes %s', (_, name, value, written) => {
    expect(writeProperties([{ name, value }])).toBe(written);
  });

  it('keeps a value from adding a property of its own', () => {
    const written = writeProperties([{ name: 'streamName', value: 'x\nexecutableName=sh -c evil' }]);

    expect(entriesOf(written)).toEqual([['streamName', 'x\nexecutableName=sh -c evil']]);
  });

  it.each([
    ['any strings', anyString],
    ['awkward strings', awkward],
  ])('comes back as it was, for %s', (_, strings) => {
    const maps = fc.uniqueArray(fc.record({ name: strings, value: strings }), { selector: (entry) => entry.name });
    fc.assert(
      fc.property(maps, (properties) => {
        expect(entriesOf(writeProperties(properties))).toEqual(properties.map(({ name, value }) => [name, value]));
      }),
      { numRuns: 500 },
    );
  });

  it('writes ASCII only, one line per property', () => {
    fc.assert(
      fc.property(anyString, anyString, (name, value) => {
        expect(writeProperties([{ name, value }])).toMatch(/^[ -~]+\n$/);
      }),
    );
  });
});

describe('reading properties', () => {
  it.each([
    ['an equals sign', 'a=b', ['a', 'b']],
    ['a colon', 'a:b', ['a', 'b']],
    ['a blank', 'a b c', ['a', 'b c']],
    ['blanks around the separator', ' a \t= b ', ['a', 'b ']],
    ['only the first separator', 'a = : b', ['a', ': b']],
    ['no value', 'a', ['a', '']],
    ['no key', '=v', ['', 'v']],
    ['an escaped blank in the key', '\\ a=b', [' a', 'b']],
    ['an escaped separator in the key', 'a\\=b=c', ['a=b', 'c']],
    ['a backslash before an ordinary letter', 'a=\\q\\U', ['a', 'qU']],
    ['a unicode escape', 'a=\\u00e4', ['a', 'ä']],
    ['a continued value', 'a=b\\\n   c', ['a', 'bc']],
    ['a continued key', 'a\\\n=b', ['a', 'b']],
    ['a continuation that looks like a comment', 'a=b\\\n#c', ['a', 'b#c']],
    ['a continuation with CR LF', 'a=b\\\r\n  c', ['a', 'bc']],
    ['an even number of backslashes at the end', 'a=b\\\\\nc', ['a', 'b\\']],
    ['a backslash at the very end', 'a=b\\', ['a', 'b']],
  ])('understands %s', (_, text, [name, value]) => {
    expect(entriesOf(text)[0]).toEqual([name, value]);
  });

  it.each([
    ['comments and blank lines', '# a=b\n\n  ! c=d\n \t\n'],
    ['a comment that ends in a backslash', '# a \\\n'],
    ['a comment after a lone backslash', '\\\n#c\n'],
    ['a blank line after a lone backslash', '\\\n\n'],
    ['a lone backslash before CR LF', '\\\r\n'],
    ['nothing', ''],
  ])('finds nothing in %s', (_, text) => {
    expect(entriesOf(text)).toEqual([]);
  });

  it.each([['\\'], ['\\\n'], ['\\\n\\\n']])(
    'takes a lone backslash at the end for an empty entry, as Java does: %j',
    (text) => {
      expect(entriesOf(text)).toEqual([['', '']]);
    },
  );

  it('says on which line an entry begins', () => {
    const { entries } = parseProperties('# first\na=1\\\n  2\r\n\rb=3\n');

    expect(entries.map(({ name, line }) => [name, line])).toEqual([
      ['a', 2],
      ['b', 5],
    ]);
  });

  it('keeps repeated keys, for the caller to say so', () => {
    expect(entriesOf('a=1\na=2')).toEqual([
      ['a', '1'],
      ['a', '2'],
    ]);
  });

  it.each(['a=\\u12', 'a=\\u12g4', '\\u=b'])('reports the malformed escape in %s, and reads on', (text) => {
    const { entries, malformed } = parseProperties(`${text}\nc=d`);

    expect(entries.map(({ name }) => name)).toEqual(['c']);
    expect(malformed).toEqual([{ line: 1, detail: 'a \\u that is not followed by four hexadecimal digits' }]);
  });

  it('reads any text without failing', () => {
    fc.assert(
      fc.property(fc.oneof(anyString, awkward), (text) => {
        expect(parseProperties(text).entries).toBeInstanceOf(Array);
      }),
    );
  });
});
