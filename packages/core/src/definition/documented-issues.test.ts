import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DEFINITION_ISSUES } from './issues.js';

it('documents every mistake that can be made in a declaration, and no other', () => {
  const page = readFileSync(new URL('../../../../docs/declaring-consumers.md', import.meta.url), 'utf8');
  const table = page.slice(page.indexOf('## Mistakes'), page.indexOf('What cannot be injected'));
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  const codes = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([A-Z_]+)`/g)].map((match) => match[1]));
  expect(new Set(codes)).toEqual(new Set(Object.keys(DEFINITION_ISSUES)));
  expect(codes).toHaveLength(new Set(codes).size);
});
