/** The rules of the daemon on the bed, in memory. The same scenarios run on processes in slow/, on Amazon's daemon in e2e/. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BedStage } from './rules/bed-stage.js';
import { MemoryChildren } from './rules/memory-children.js';
import { renderTestingPage } from './rules/render-fidelity.js';
import { rules } from './rules/rules.js';
import { play } from './rules/stage.js';

it.each(rules)('$id', async ({ scenario }) => {
  const stage = new BedStage(scenario, new MemoryChildren(scenario));
  try {
    expect(await play(stage, scenario)).toEqual(scenario.expected);
  } finally {
    await stage.close();
  }
});

it('docs/testing.md has every rule, and where it is shown (npm run generate:fidelity)', () => {
  const page = readFileSync(new URL('../../../docs/testing.md', import.meta.url), 'utf8');

  expect(page).toBe(renderTestingPage(page));
});

it('names no two rules alike, so that each row of the table is one test', () => {
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
});
