/** Writes the table of rules in docs/testing.md from the scenarios themselves. */
import { escapeCell, renderTable, replacePart } from '../../../core/test/generated/markdown.js';
import type { Rule } from './rule.js';
import { rules } from './rules.js';

const GENERATED = {
  file: 'docs/testing.md',
  begin: '<!-- generated from the scenarios: npm run generate:fidelity -->',
  end: '<!-- end of the generated part -->',
};

const SHOWN = '✓';

/** The page with its table made anew. */
export function renderTestingPage(page: string): string {
  const rows = rules.map((rule) => [escapeCell(rule.says), `\`${rule.id}\``, SHOWN, SHOWN, daemonCell(rule)]);
  return replacePart(page, GENERATED, renderTable(['rule', 'scenario', 'memory', 'process', 'daemon'], rows));
}

function daemonCell({ notOnDaemon }: Rule): string {
  return notOnDaemon === undefined ? SHOWN : escapeCell(`not run; shown by ${notOnDaemon}`);
}
