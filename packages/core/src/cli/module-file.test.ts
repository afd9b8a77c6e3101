import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateModule } from './module-file.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'module-file-'));
  await mkdir(join(cwd, 'src'));
  for (const name of ['src/a.ts', 'src/b.d.ts', 'c.mjs', 'data.json']) await writeFile(join(cwd, name), '');
});
afterAll(() => rm(cwd, { recursive: true }));

it('finds a module and knows its language', () => {
  expect(locateModule('src/a.ts', cwd)).toEqual({
    path: join(cwd, 'src/a.ts'),
    shown: 'src/a.ts',
    language: 'typescript',
  });
  expect(locateModule('./c.mjs', cwd)).toMatchObject({ shown: 'c.mjs', language: 'javascript' });
});

it('shows a module elsewhere by its whole path', () => {
  expect(locateModule('../c.mjs', join(cwd, 'src')).shown).toBe(join(cwd, 'c.mjs'));
});

describe('a module that cannot be one', () => {
  it.each([
    ['src/a', 'There is no file src/a. Did you mean src/a.ts?'],
    ['src/a.js', 'There is no file src/a.js. Did you mean src/a.ts?'],
    ['src/none.ts', 'There is no file src/none.ts. Check the path.'],
    ['dist/none.js', 'There is no file dist/none.js. Check the path, and that the program is compiled.'],
    ['src', 'src is a folder. Name the module in it that exports the consumer.'],
    ['src/b.d.ts', 'src/b.d.ts holds declarations only. Name the source or the compiled module.'],
    ['data.json', 'data.json is neither JavaScript nor TypeScript. Name a module that exports a consumer'],
  ])('%s', (given, message) => {
    expect(() => locateModule(given, cwd)).toThrow(
      expect.objectContaining({ code: 'MODULE_NOT_LOADED', message: expect.stringContaining(message) }),
    );
  });
});
