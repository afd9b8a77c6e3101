/** Our writer and reader of properties against Java's own class: the one that the daemon reads its file with. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatProperties } from '../src/config/explain.js';
import { parseProperties, writeProperties } from '../src/config/properties-text.js';
import { resolveScenario } from '../src/config/resolve.fixture.js';

const LOADER = fileURLToPath(new URL('./java-properties/LoadProperties.java', import.meta.url));
const INSTALL =
  'This suite needs a Java development kit of version 11 or newer on the PATH: `apt-get install default-jdk-headless`, or https://adoptium.net.';

type Loaded = ReadonlyMap<string, string> | 'refused';

/** What Java reads from each of the files, in one JVM. */
function loadInJava(files: readonly string[]): readonly Loaded[] {
  const input = files.map((file) => `${Buffer.from(file, 'latin1').toString('hex')}\n`).join('');
  const java = spawnSync('java', [LOADER], { input, encoding: 'latin1', maxBuffer: 1 << 28 });
  if (java.error !== undefined) throw new Error(`java cannot be started: ${java.error.message}. ${INSTALL}`);
  if (java.status !== 0) throw new Error(`java failed (${java.status}): ${java.stderr}\n${INSTALL}`);
  const lines = java.stdout.split(/\r?\n/).slice(0, -1);
  expect(lines).toHaveLength(files.length);
  return lines.map(readLoaded);
}

function readLoaded(line: string): Loaded {
  if (line === 'error') return 'refused';
  if (line === '') return new Map();
  return new Map(line.split(',').map((pair) => pair.split('=').map(decodeUnits) as [string, string]));
}

function decodeUnits(hex: string): string {
  return (hex.match(/.{4}/g) ?? []).map((unit) => String.fromCharCode(Number.parseInt(unit, 16))).join('');
}

/** Characters that mean something to Java's reader, beside ordinary, accented, astral and broken ones. */
const awkward = fc.string({
  unit: fc.constantFrom(
    ...' \t\f\n\r\\=:#!u0aZ"~\u0000\u007f\u0085\u00e4\u00ff\u0100\u2028€'.split(''),
    '😀',
    '\ud83d',
    '\ude00',
    '\\u0041',
  ),
  maxLength: 12,
});
const anything = fc.oneof(awkward, fc.string({ unit: 'binary', maxLength: 20 }), fc.string({ maxLength: 20 }));
const leadingBlanks = fc.tuple(fc.constantFrom(' ', '  ', '\t', '\f '), anything).map((parts) => parts.join(''));
const text = fc.oneof(
  { weight: 4, arbitrary: anything },
  { weight: 1, arbitrary: leadingBlanks },
  { weight: 1, arbitrary: fc.constant('') },
);
const maps = fc.uniqueArray(fc.record({ name: text, value: text }), { selector: (entry) => entry.name, maxLength: 8 });

/** Files as nobody would write them, Latin-1 letters and broken escapes included. */
const files = fc
  .array(
    fc.constantFrom(
      'a',
      'b=',
      'c:',
      ' ',
      '\t',
      '\f',
      '\n',
      '\r',
      '\r\n',
      '\\',
      '\\\n',
      '\\\r\n',
      '#',
      '!',
      '=',
      ':',
      'é',
      '\\u00e4',
      '\\u12',
      '\\t',
      '\\q',
    ),
    {
      maxLength: 14,
    },
  )
  .map((pieces) => pieces.join(''));

const RUNS = 2000;
const SEED = 20_260_131;

describe('java.util.Properties', () => {
  it('reads from our files exactly what we wrote', () => {
    const written = fc.sample(maps, { numRuns: RUNS, seed: SEED });

    const loaded = loadInJava(written.map(writeProperties));

    for (const [index, properties] of written.entries()) {
      const expected = new Map(properties.map(({ name, value }) => [name, value]));
      expect(loaded[index], JSON.stringify(properties)).toEqual(expected);
    }
  });

  it('sees in any file what our reader sees, and refuses what our reader calls malformed', () => {
    const texts = [
      ...fc.sample(files, { numRuns: RUNS, seed: SEED }),
      '\\',
      '\\\n',
      '\\\n\n',
      '\\\r\n',
      '\\\n#c\nx=y',
      'a=b\\',
      'a\\\n \\\n b',
    ];

    const loaded = loadInJava(texts);

    for (const [index, file] of texts.entries()) {
      const { entries, malformed } = parseProperties(file);
      const expected = malformed.length > 0 ? 'refused' : new Map(entries.map(({ name, value }) => [name, value]));
      expect(loaded[index], JSON.stringify(file)).toEqual(expected);
    }
  });

  it('loads the file that `millrace properties` prints, comments and all', () => {
    const resolved = resolveScenario({
      definition: { name: 'Mailer\nexecutableName=evil' },
      options: { workerId: '  größer\\u0041 = # 😀', kinesisEndpoint: 'http://localhost:4567/a?b=c#d' },
      text: 'processingLanguage=nodejs',
    });

    const [loaded] = loadInJava([formatProperties(resolved)]);

    expect(loaded).toEqual(new Map(resolved.properties.map(({ name, value }) => [name, value])));
  });
});
