import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isForeign, isWatched, projectFolder } from './watched-files.js';

describe('what restarts a worker', () => {
  it.each([
    'a.ts',
    'a.mts',
    'a.cts',
    'a.tsx',
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'consumer.properties',
  ])('is %s of a TypeScript program', (name) => {
    expect(isWatched(join('/p/src', name), 'typescript')).toBe(true);
  });

  it.each(['a.js', 'a.d.ts', 'a.d.mts', 'effects.json', 'parked.jsonl', 'README.md'])('is not %s', (name) => {
    expect(isWatched(join('/p/dist', name), 'typescript')).toBe(false);
  });

  it('is the JavaScript of a JavaScript program', () => {
    expect(['a.js', 'a.mjs', 'a.cjs', 'a.ts', 'a.js.map'].map((name) => isWatched(name, 'javascript'))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

it.each([
  ['/p/src/a.ts', false],
  ['/p', false],
  ['/p/node_modules', true],
  ['/p/packages/x/node_modules/y/a.ts', true],
  ['/p/.git/HEAD', true],
  ['/p/.millrace/a.ts', true],
  ['/p/coverage/a.js', true],
])('looks into %s: foreign is %s', (path, foreign) => {
  expect(isForeign(path, '/p', '/tmp')).toBe(foreign);
});

it('leaves out temporary files in the project, and not a project among temporary files', () => {
  expect(isForeign('/p/tmp/x/daemon.properties', '/p', '/p/tmp')).toBe(true);
  expect(isForeign('/p/tmp2/a.ts', '/p', '/p/tmp')).toBe(false);
  expect(isForeign('/tmp/p/a.ts', '/tmp/p', '/tmp')).toBe(false);
});

it('watches the nearest folder with a package.json, wherever that stands', async () => {
  const root = await mkdtemp(join(tmpdir(), 'watched-'));
  try {
    await mkdir(join(root, '.hidden/app/src'), { recursive: true });
    await writeFile(join(root, '.hidden/app/package.json'), '{}');
    const folder = projectFolder(join(root, '.hidden/app/src/a.ts'));
    expect(folder).toBe(join(root, '.hidden/app'));
    expect(isForeign(join(folder, 'src/a.ts'), folder, tmpdir())).toBe(false);
  } finally {
    await rm(root, { recursive: true });
  }
});
