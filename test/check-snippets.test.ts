import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../scripts/check-snippets.mjs', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'snippets-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const fenced = (info: string, ...lines: string[]) => ['```' + info, ...lines, '```'];

function check(...document: string[]): { status: number | null; problems: string[]; summary: string | undefined } {
  const file = join(folder, 'page.md');
  writeFileSync(file, document.join('\n'));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, file], { encoding: 'utf8' });
  const problems = stderr.trim().split('\n').filter(Boolean);
  return { status, problems: problems.map((line) => line.replace(/^.*page\.md/, 'page.md')), summary: stdout.trim() };
}

it('accepts blocks that compile, that continue each other, and that import each other by name', () => {
  const result = check(
    ...fenced('ts', '// orders/order.ts', 'export interface Order { id: string }'),
    ...fenced('ts', "import type { Order } from './orders/order.js';", "const order: Order = { id: '1' };"),
    ...fenced('ts continue', 'export const id: string = order.id;'),
    ...fenced('ts no-check', 'this is no TypeScript'),
    ...fenced('sh', 'npm install'),
  );
  expect(result).toEqual({ status: 0, problems: [], summary: '2 snippets in 1 documents, 0 problems' });
});

it('reports an error where it stands in the document', () => {
  const result = check(
    '# Page',
    '',
    ...fenced('ts', 'export const a = 1;'),
    '- a list',
    ...fenced('ts continue', '', "export const b: number = 'x';").map((line) => `  ${line}`),
  );
  expect(result.status).toBe(1);
  expect(result.problems).toEqual([expect.stringMatching(/^page\.md:9:16 - error TS2322: /)]);
});

it('reports quoted text that is not in its file, files that do not exist, and blocks without an end', () => {
  const result = check(
    ...fenced('ts file=tsconfig.json', '"references": ['),
    ...fenced('ts file=tsconfig.json', 'words that nobody wrote there'),
    '<<< no-such-file.ts',
    '```ts',
  );
  expect(result.problems).toEqual([
    'page.md:4:1 - this text does not stand in tsconfig.json',
    'page.md:7:1 - no-such-file.ts does not exist',
    'page.md:8:1 - the block is not closed',
  ]);
});
