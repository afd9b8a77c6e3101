import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../run.js';
import { loadConsumers, placeOf } from './load-consumers.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'load-consumers-'));
});
afterAll(() => rm(cwd, { recursive: true }));

const defined = (name: string) =>
  `export const ${name} = { name: '${name}', applicationName: '${name}', handlers: [] };\n`;

async function load(name: string, source: string, consumer?: string) {
  await writeFile(join(cwd, name), source);
  return loadConsumers({ module: name, cwd, consumer });
}

describe('a module', () => {
  it('gives its consumers', async () => {
    const { consumers } = await load('good.mjs', defined('biller') + defined('mailer'));
    expect(consumers.map(({ name }) => name)).toEqual(['biller', 'mailer']);
  });

  it('gives the one that was asked for', async () => {
    const { consumers } = await load('two.mjs', defined('biller') + defined('mailer'), 'mailer');
    expect(consumers.map(({ name }) => name)).toEqual(['mailer']);
  });

  it.each([
    ['mailr', 'Did you mean mailer?'],
    ['zebra', 'It exports biller, mailer.'],
  ])('does not have %s', async (wanted, hint) => {
    const loading = load(`three-${wanted}.mjs`, defined('biller') + defined('mailer'), wanted);
    await expect(loading).rejects.toMatchObject({ code: 'MODULE_NOT_LOADED', message: expect.stringContaining(hint) });
  });

  it('that throws is refused with cause and place', async () => {
    const loading = load('throws.mjs', '\nthrow new TypeError("no database");\n');
    await expect(loading).rejects.toMatchObject({
      code: 'MODULE_NOT_LOADED',
      message: expect.stringMatching(/^throws\.mjs cannot be imported: no database \(\/.*throws\.mjs:2:\d+\)\.$/),
      cause: expect.objectContaining({ name: 'TypeError' }),
    });
  });

  it('that calls run is a program, not a module of consumers', async () => {
    Object.assign(globalThis, { runOfTest: run });
    const loading = load('main.mjs', 'globalThis.runOfTest({ name: "a", applicationName: "a", handlers: [] });');
    await expect(loading).rejects.toMatchObject({
      code: 'MODULE_NOT_LOADED',
      message: expect.stringMatching(/^main\.mjs calls run\(\) while it is imported/),
    });
  });
});

it('finds the first place in a file of the user', () => {
  const stack =
    'Error: x\n    at f (/p/node_modules/y/z.js:1:2)\n    at g (file:///p/src/a.ts:3:4)\n    at h (/p/src/b.ts:5:6)';
  expect(placeOf({ name: 'Error', message: 'x', stack })).toBe(' (/p/src/a.ts:3:4)');
  expect(placeOf({ name: 'Error', message: 'x' })).toBe('');
});
