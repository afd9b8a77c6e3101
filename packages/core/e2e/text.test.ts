/** What Kinesis stores arrives letter by letter, whatever the locale of the machine and however much comes at once. */
import { describe, expect, it } from 'vitest';
import { aggregate } from '../src/local/kpl.js';
import { missing, repeated, strange, wrongCheckpoints } from './support/ledger.js';
import { nodeRelease } from './support/node-release.js';
import { until } from './support/until.js';
import { useWorlds } from './support/world.js';

const KEYS = [
  'schlüssel',
  'ключ',
  '鍵',
  '🔑',
  '\u{10FFFF}',
  'line\u2028separator',
  'paragraph\u2029separator',
  'next\u0085line',
  'control\u0001\u001F',
  'line\r\nfeed\ttab',
  'quote"and\\backslash',
  '\uFEFFmark',
  'e\u0301 is not \u00E9',
];

const LARGE = 60_000_000;

const { startWorld } = useWorlds();

describe('with the locale C', () => {
  it.each([
    ['this Node', process.version],
    ['node@24', 'v24.'],
  ])('keys and texts of every kind arrive intact under %s', async (version, expected) => {
    const node = version === 'this Node' ? process.execPath : await nodeRelease(version);
    const world = await startWorld({ shards: 2 });
    await world.put(KEYS.map((key) => ({ id: `text of ${key}`, key })));
    const worker = world.startWorker({ node, env: { LANG: 'C', LC_ALL: 'C' } });
    const stored = await world.untilAllHandled();

    expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
    const handled = world.handled();
    expect(handled.map(({ key }) => key).toSorted()).toEqual(KEYS.toSorted());
    expect(handled.filter(({ key, payload }) => payload !== `text of ${key}`)).toEqual([]);
    expect([missing(stored, handled), strange(stored, handled), repeated(handled)]).toEqual([[], [], []]);
    expect(handled.filter(({ node: release }) => !release.startsWith(expected))).toEqual([]);
    expect(await worker.leftovers()).toEqual([]);
  });
});

it('a message of more than 60 MB arrives whole: an aggregate of many small records with a long key', async () => {
  const world = await startWorld({ shards: 1 });
  const key = '鍵'.repeat(256);
  const parts = 64_000;
  const record = { partitionKey: key, data: Buffer.from('{}') };
  await world.putEntries([{ PartitionKey: 'one', Data: aggregate(Array.from({ length: parts }, () => record)) }]);
  // A limit below its length tells how long it is, without a look at the pipe.
  const refusing = world.startWorker({ options: { lineBytesMax: LARGE } });
  const refusal = new RegExp(`at least \\d+ bytes; the limit is ${LARGE}`);
  await until('the refusal', () => refusing.logs.some(({ msg }) => refusal.test(msg)), {
    last: () => world.describe(),
  });
  await refusing.stop();
  expect(world.handled()).toEqual([]);

  const worker = world.startWorker({ checkpoint: { everyMs: 1_000 } });
  await until('the last record', async () => (await world.leases())[0]?.subSequenceNumber === parts - 1, {
    last: () => world.describe(),
  });

  expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
  const [stored, handled] = [await world.readStream(), world.handled()];
  expect(handled).toHaveLength(parts);
  expect([missing(stored, handled), strange(stored, handled), repeated(handled)]).toEqual([[], [], []]);
  expect(wrongCheckpoints(await world.leases(), handled)).toEqual([]);
});
