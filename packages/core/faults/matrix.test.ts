/**
 * The fault matrix against real processes. MILLRACE_FAULTS scenarios from MILLRACE_FAULTS_FROM on; with MILLRACE_FAULTS_ONLY, a regular
 * expression, only those of cells that it matches.
 */
import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { toError } from '../src/errors.js';
import { play, type Played } from './play.js';
import { cellOf, cells, scenarioOf } from './scenario.js';

const count = Number(process.env['MILLRACE_FAULTS'] ?? 400);
const from = Number(process.env['MILLRACE_FAULTS_FROM'] ?? 1);
const only = new RegExp(process.env['MILLRACE_FAULTS_ONLY'] ?? '');
/** Most of a life is the start of a process and waiting. */
const AT_ONCE = 4;
const SCENARIO_WITHIN_MS = 10_000;
const REPORTED_MAX = 5;

const asked = cells.filter(({ name }) => only.test(name));
if (asked.length === 0) throw new Error(`MILLRACE_FAULTS_ONLY, ${String(only)}, matches no cell of the matrix.`);
const seeds: number[] = [];
for (let seed = from; seeds.length < count; seed += 1) if (only.test(cellOf(seed))) seeds.push(seed);
const played = new Map<number, Played>();

it(
  `nothing is lost in ${count} scenarios of processes that die, fall silent or are lied to`,
  async () => {
    const startedAt = performance.now();
    const waiting = seeds.values();
    await Promise.all(Array.from({ length: AT_ONCE }, () => playAll(waiting)));
    const wrong = seeds.flatMap((seed) => {
      const { wrong: found } = resultOf(seed);
      return found.length === 0 ? [] : [`npm run faults:seed -- ${seed} (${cellOf(seed)}): ${found.join('; ')}`];
    });
    const report = reportOf(Math.round((performance.now() - startedAt) / 1_000), wrong.length);
    await writeFile('faults-report.json', `${JSON.stringify(report, null, 2)}\n`);
    const { cells: _, ...sums } = report;
    console.log(`[process faults] ${JSON.stringify(sums)}`);

    expect(wrong.slice(0, REPORTED_MAX).join('\n')).toBe('');
    // Otherwise nothing was shown: what was to hit them has hit them.
    if (count >= cells.length) expect(Object.entries(report.cells).filter(([, hits]) => hits === 0)).toEqual([]);
    expect(report.again).toBeGreaterThan(0);
  },
  count * SCENARIO_WITHIN_MS,
);

async function playAll(waiting: Iterator<number>): Promise<void> {
  for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
    const seed = next.value;
    played.set(seed, await play(scenarioOf(seed)).catch((error: unknown) => failed(toError(error))));
  }
}

const failed = ({ message }: Error): Played => ({
  wrong: [message],
  hit: false,
  lives: 0,
  records: 0,
  again: 0,
  exits: [],
});

function resultOf(seed: number): Played {
  return played.get(seed) ?? failed(new Error('it was not played'));
}

function reportOf(seconds: number, wrong: number) {
  const results = seeds.map(resultOf);
  const sum = (of: (one: Played) => number): number => results.reduce((total, one) => total + of(one), 0);
  const hits = Object.fromEntries(asked.map(({ name }) => [name, 0]));
  for (const seed of seeds) if (resultOf(seed).hit) hits[cellOf(seed)] = (hits[cellOf(seed)] ?? 0) + 1;
  return {
    from,
    scenarios: count,
    wrong,
    hit: results.filter(({ hit }) => hit).length,
    killed: results.filter(({ exits }) => exits.includes('killed')).length,
    lives: sum(({ lives }) => lives),
    records: sum(({ records }) => records),
    again: sum(({ again }) => again),
    seconds,
    cells: hits,
  };
}
