/** A million records through one process: what it holds in the end is what it held in the beginning. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { WireRecord } from '../src/protocol/messages.js';
import { StdioChild } from '../test/support/stdio-child.js';

const FIXTURE = fileURLToPath(new URL('fixtures/steady.mjs', import.meta.url));
/** Fewer, and the noise of a single sample tilts the line. */
const RECORDS = 1_000_000;
const BATCH = 1_000;
const EVERY = 50_000;
/** The heap and the caches of V8 have their size by then. */
const WARM = 250_000;
const MB_PER_MILLION = 5;

interface Sample {
  readonly records: number;
  readonly rss: number;
  /** With what lies outside of it: buffers. */
  readonly heap: number;
  readonly fds: number;
  readonly listeners: number;
  readonly handles: number;
}

it.each([
  ['one after the other', {}],
  ['in lanes', { STEADY_LANES: '8' }],
])('a million records %s leave nothing behind', { timeout: 120_000 }, async (how, env) => {
  const samples = await run(env);
  const warm = samples.filter((sample) => sample.records >= WARM);
  const slope = (of: 'rss' | 'heap'): number => slopeOf(warm.map((each) => [each.records / 1e6, each[of] / 1e6]));
  console.log(
    `[measured] ${how}: RSS ${slope('rss').toFixed(2)} MB, heap and buffers ${slope('heap').toFixed(2)} MB per million records`,
  );
  expect(samples).toHaveLength(RECORDS / EVERY);
  expect(slope('heap')).toBeLessThan(MB_PER_MILLION);
  expect(slope('rss')).toBeLessThan(MB_PER_MILLION);
  for (const of of ['fds', 'listeners', 'handles'] as const)
    expect(new Set(warm.map((each) => each[of])), of).toHaveLength(1);
});

async function run(env: Readonly<Record<string, string>>): Promise<readonly Sample[]> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-leaks-'));
  const file = join(folder, 'samples');
  const child = new StdioChild(['--expose-gc', FIXTURE], folder, {
    STEADY_SAMPLES: file,
    STEADY_EVERY: String(EVERY),
    ...env,
  });
  try {
    await child.start();
    for (let first = 0; first < RECORDS; first += BATCH) await child.daemon.processRecords(batch(first), 0);
    expect(await child.end(), child.stderr.slice(-2_000)).toBe(0);
    return (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Sample);
  } finally {
    child.process.kill();
    await rm(folder, { recursive: true });
  }
}

function batch(first: number): readonly WireRecord[] {
  return Array.from({ length: BATCH }, (_, index) => ({
    sequenceNumber: String(first + index + 1),
    subSequenceNumber: 0,
    // Keys that never come again: whatever is kept for each would show.
    partitionKey: `key-${first + index}`,
    approximateArrivalTimestamp: 1_700_000_000_000 + first,
    data: Buffer.from(`{"number":${first + index},"text":"${'x'.repeat(80)}"}`),
  }));
}

/** By least squares. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [middleX, middleY] = [mean(0), mean(1)];
  const over = points.reduce((sum, [x, y]) => sum + (x - middleX) * (y - middleY), 0);
  return over / points.reduce((sum, [x]) => sum + (x - middleX) ** 2, 0);
}
