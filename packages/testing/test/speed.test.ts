/** Beds are cheap enough for one in every test. The limits are ten times what they cost, so that a busy machine passes. */
import { describe, expect, it } from 'vitest';
import { testBed } from '../src/test-bed.js';
import { OrderMailer, placed } from './orders.fixture.js';

const BEDS = 100;

describe('a bed', () => {
  it('opens within milliseconds, and so does a test in it', async () => {
    const opened: number[] = [];
    const tested: number[] = [];

    for (let bed = 0; bed < BEDS; bed += 1) {
      const [openedMs, testedMs] = await measure();
      opened.push(openedMs);
      tested.push(testedMs);
    }

    expect(median(opened)).toBeLessThan(60);
    expect(median(tested)).toBeLessThan(50);
  });

  it('leaves no timer and no handle behind', async () => {
    await measure();
    const before = process.getActiveResourcesInfo().length;

    for (let bed = 0; bed < BEDS; bed += 1) await measure();

    // The test runner has a few of its own, which come and go.
    expect(process.getActiveResourcesInfo().length - before).toBeLessThan(BEDS / 10);
  });
});

async function measure(): Promise<[openedMs: number, testedMs: number]> {
  const startedMs = performance.now();
  const bed = await testBed(OrderMailer);
  const openedMs = performance.now();
  bed.shard().deliver(placed('o-1'), placed('never'), placed('o-2'));
  await bed.idle();
  await bed.dispose();
  return [openedMs - startedMs, performance.now() - openedMs];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.POSITIVE_INFINITY;
}
