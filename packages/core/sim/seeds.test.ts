/** The simulator at the size of a build: regressions first, then seeds that nobody has played before. */
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build, type Build } from './build.js';
import { ledger } from './ledger.js';
import { play } from './play.js';
import { playRange } from './processes.js';
import { regressions } from './regressions.js';
import { reportOn } from './report.js';

const DAY_MS = 86_400_000;
const seeds = Number(process.env['MILLRACE_SIM_SEEDS'] ?? 200_000);
/** A fresh range each day. */
const first = Number(process.env['MILLRACE_SIM_FROM'] ?? (Math.floor(Date.now() / DAY_MS) % 20_000) * 100_000 + 1);
const SEEDS_PER_S = 50;
const REPORTED_MAX = 3;

let simulator: Build;
beforeAll(async () => {
  simulator = await build();
});
afterAll(() => simulator.remove());

describe('the simulator', () => {
  it.each(regressions)('holds what it has found once: $found', async ({ scenario }) => {
    expect((await play(scenario)).violations).toEqual([]);
  });

  it('tells the same of a seed, to the last event, when it plays it again', async () => {
    const result = await playRange({ ...range(1_000), twice: true });
    expect(result).toMatchObject({ played: 1_000, wrong: [] });
    expect(result.events).toBeGreaterThan(10_000);
  });

  it(
    `loses nothing in ${seeds} seeds, and reaches what can go wrong`,
    async () => {
      const startedAt = performance.now();
      const result = await playRange({ ...range(seeds), twice: false });
      const seconds = (performance.now() - startedAt) / 1_000;
      const report = {
        first,
        seeds,
        seconds: Math.round(seconds),
        events: result.events,
        situations: result.situations,
      };
      await writeFile('sim-report.json', `${JSON.stringify(report, null, 2)}\n`);
      console.log(
        `[simulated] seeds ${first} to ${first + seeds - 1} in ${Math.round(seconds)} s, ${result.events} events`,
      );

      const reports = await Promise.all(
        result.wrong.slice(0, REPORTED_MAX).map(({ seed, violations }) => reportOn(seed, violations)),
      );
      expect(reports.join('\n\n')).toBe('');
      // The rarest of them comes about once in 3,000 seeds.
      const least = Math.floor(seeds / 20_000);
      expect(ledger.filter((situation) => (result.situations[situation] ?? 0) < least)).toEqual([]);
    },
    withinMs(seeds),
  );
});

function withinMs(count: number): number {
  return 60_000 + (count / SEEDS_PER_S) * 1_000;
}

function range(count: number) {
  return {
    program: simulator.program,
    from: first,
    to: first + count,
    wrongMax: REPORTED_MAX,
    withinMs: withinMs(count),
  };
}
