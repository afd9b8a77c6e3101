/** Every failure under every policy, in each way that records run, through the real runner. */
import { describe, expect, it } from 'vitest';
import type { Exhausted } from '../definition/definition.js';
import { type Cell, type Cells, type Failure, type Mode, outcomeOf } from './failure-table-run.fixture.js';
import { FAILURE_TABLE } from './failure-table.fixture.js';

const POLICIES: readonly Exhausted[] = ['deadLetter', 'hold', 'skip', 'stop'];

describe.each(Object.keys(FAILURE_TABLE) as Mode[])('%s', (mode) => {
  // Object.entries forgets the keys; the table's type keeps it complete.
  const rows = Object.entries(FAILURE_TABLE[mode]) as [Failure, Cells][];
  const cells = rows.flatMap(([failure, expected]) =>
    POLICIES.map((then): [Cell, string] => [
      { mode, failure, then },
      typeof expected === 'string' ? expected : expected[then],
    ]),
  );

  it.each(cells)('$failure, then $then', async (cell, expected) => {
    expect(await outcomeOf(cell)).toBe(expected);
  });
});
