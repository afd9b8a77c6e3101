import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { impurities, misplaced, tooLong } from './house-rules.ts';
import {
  findCycles,
  importersOf,
  layerOf,
  layerViolations,
  parseModules,
  readModules,
  unresolvedImports,
  type Module,
  type Modules,
} from './import-graph.ts';

const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const check = (modules: Modules, rule: (module: Module) => string[]) => [...modules.values()].flatMap(rule);

const core = readModules(root('packages/core/src'));
const testing = readModules(root('packages/testing/src'));

describe('the core', () => {
  it('has sources, and every relative import leads to one', () => {
    expect(core.size).toBeGreaterThan(0);
    expect(unresolvedImports(core)).toEqual([]);
  });

  it('imports downwards only', () => {
    expect(layerViolations(core)).toEqual([]);
  });

  it('has no import cycle, types included', () => {
    expect(findCycles(core)).toEqual([]);
  });

  it('keeps definition, config, policy, protocol and records free of clock, chance, process and input', () => {
    const pure = new Set(['definition', 'config', 'policy', 'protocol', 'records']);
    const modules = new Map([...core].filter(([path]) => pure.has(layerOf(path) ?? '')));
    expect(check(modules, impurities)).toEqual([]);
  });

  it.each([
    { name: 'tsyringe', folder: 'container/' },
    { name: 'class-validator', folder: 'records/' },
    { name: 'aws-kcl', folder: 'transport/' },
  ])('has one file at most that knows $name, in $folder', ({ name, folder }) => {
    const importers = importersOf(core, name);
    expect(importers.length, importers.join(', ')).toBeLessThanOrEqual(1);
    expect(importers.filter((path) => !path.startsWith(folder))).toEqual([]);
  });
});

describe.each([
  ['core', core],
  ['testing', testing],
])('every file of %s', (_, modules) => {
  it('is short enough to be read in one go', () => {
    expect(check(modules, tooLong)).toEqual([]);
  });

  it('has a name of its own, named exports, and no re-exports outside the barrels', () => {
    expect(check(modules, misplaced)).toEqual([]);
  });
});

describe('the testing package', () => {
  it('has no cycle and stays inside its folder', () => {
    expect(findCycles(testing)).toEqual([]);
    expect(unresolvedImports(testing)).toEqual([]);
  });
});

describe('every example', () => {
  const examples = existsSync(root('examples'))
    ? readdirSync(root('examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    : [];

  it('uses what users can use: public entry points only', () => {
    const found = examples.flatMap(({ name }) => {
      const sources = root(`examples/${name}/src`);
      const modules = existsSync(sources) ? readModules(sources) : parseModules({});
      return importersOf(modules, '@millrace/core/internal').map((path) => `examples/${name}/src/${path}`);
    });
    expect(found).toEqual([]);
  });
});
