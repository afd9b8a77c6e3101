/** The rules of the daemon on the bed, with a process of its own for every child. */
import { describe, expect, it } from 'vitest';
import { BedStage } from '../test/rules/bed-stage.js';
import { rules } from '../test/rules/rules.js';
import { play } from '../test/rules/stage.js';
import { ProcessChildren } from './support/process-children.js';

describe.concurrent('children that are processes', () => {
  it.each(rules)('$id', async ({ scenario }) => {
    const children = new ProcessChildren(scenario);
    const stage = new BedStage(scenario, children);
    try {
      expect(await play(stage, scenario)).toEqual(scenario.expected);
    } finally {
      await stage.close();
      await children.close();
    }
  });
});
