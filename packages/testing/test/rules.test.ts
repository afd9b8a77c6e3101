/** The rules of the daemon on the bed, in memory. The same scenarios run on processes in slow/, on Amazon's daemon in e2e/. */
import { expect, it } from 'vitest';
import { BedStage } from './rules/bed-stage.js';
import { MemoryChildren } from './rules/memory-children.js';
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
