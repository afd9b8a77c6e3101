/** Scenarios that went wrong once. They are kept as data: a seed means something else when the generator changes. */
import { readFileSync } from 'node:fs';
import type { Scenario } from './scenario.js';

export interface Regression {
  /** What was wrong. */
  readonly found: string;
  readonly scenario: Scenario;
}

export const regressions = JSON.parse(
  readFileSync(new URL('regressions.json', import.meta.url), 'utf8'),
) as readonly Regression[];
