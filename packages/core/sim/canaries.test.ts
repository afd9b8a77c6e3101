/** Every planted bug is found; what is not found is a hole in the checks. */
import { describe, expect, it } from 'vitest';
import { build } from './build.js';
import { canaries } from './canaries.js';
import { ledger } from './ledger.js';
import { playProcess } from './processes.js';

const SCHEDULES_MAX = 10_000;
const FIRST = 1;
/** Alone it takes seconds; in a build others go first. */
const WITHIN_MS = 600_000;

describe('a planted bug', () => {
  it.concurrent.each(canaries)(
    'is found: $name',
    async (canary) => {
      const simulator = await build(canary);
      try {
        const result = await playProcess({
          program: simulator.program,
          from: FIRST,
          to: FIRST + SCHEDULES_MAX,
          wrongMax: 1,
          twice: false,
          withinMs: WITHIN_MS,
        });
        console.log(`[canary] ${canary.name}: ${result?.played ?? 'never'} schedules`);
        // Forty scenarios are under way at once, so more than one may have met it.
        expect(result?.wrong).not.toEqual([]);
        expect(result?.played).toBeLessThan(SCHEDULES_MAX);
      } finally {
        await simulator.remove();
      }
    },
    WITHIN_MS + 10_000,
  );

  it('needs what the unchanged sources are known to reach', () => {
    expect(canaries.flatMap(({ needs }) => needs).filter((situation) => !ledger.includes(situation))).toEqual([]);
    expect(canaries.length).toBeGreaterThanOrEqual(24);
  });
});
