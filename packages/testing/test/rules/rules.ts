/** The rules of Amazon's daemon that the bed copies, each with the scenario that shows it. */
import { checkpointRules } from './checkpoint-rules.js';
import { failureRules } from './failure-rules.js';
import { leaseRules } from './lease-rules.js';
import { lineRules } from './line-rules.js';
import { restartRules } from './restart-rules.js';
import type { Rule } from './rule.js';

export const rules: readonly Rule[] = [
  ...lineRules,
  ...checkpointRules,
  ...leaseRules,
  ...restartRules,
  ...failureRules,
];
