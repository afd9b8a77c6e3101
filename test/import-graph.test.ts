import { describe, expect, it } from 'vitest';
import {
  findCycles,
  importersOf,
  layerOf,
  layerViolations,
  layers,
  parseModules,
  unresolvedImports,
} from './import-graph.ts';

describe('reading imports', () => {
  it('sees every way to import a file', () => {
    const modules = parseModules({
      'policy/target.ts': 'export type A = 1;',
      'policy/static.ts': "import { A } from './target.js';",
      'policy/type-only.ts': "import type { A } from './target.js';",
      'policy/bare.ts': "import './target.js';",
      'policy/dynamic.ts': "const a = await import('./target.js');",
      'policy/reexport.ts': "export * from './target.js';",
      'policy/type-node.ts': "export type B = import('./target.js').A;",
      'policy/required.ts': "const a = require('./target.js');",
      'policy/none.ts': "const text = \"import './target.js'\"; // import './target.js'",
    });
    const importing = [...modules.values()].filter(({ imports }) =>
      imports.some((i) => i.target === 'policy/target.ts'),
    );
    expect(importing.map(({ path }) => path)).toEqual([
      'policy/static.ts',
      'policy/type-only.ts',
      'policy/bare.ts',
      'policy/dynamic.ts',
      'policy/reexport.ts',
      'policy/type-node.ts',
      'policy/required.ts',
    ]);
  });

  it('reports a relative import that leads nowhere', () => {
    const modules = parseModules({ 'policy/a.ts': "\nimport './b.js';\nimport 'node:path';" });
    expect(unresolvedImports(modules)).toEqual(['policy/a.ts:2 imports ./b.js, which is no source file']);
  });

  it('finds the importers of a package, its subpaths included, and not of its namesakes', () => {
    const modules = parseModules({
      'container/a.ts': "import { container } from 'tsyringe';",
      'container/b.ts': "import type { X } from 'tsyringe/dist/typings/types';",
      'container/c.ts': "import 'tsyringe-extras';",
    });
    expect(importersOf(modules, 'tsyringe')).toEqual(['container/a.ts', 'container/b.ts']);
  });
});

describe('layers', () => {
  it('places folders by name, and root files by what they are', () => {
    expect(layerOf('protocol/decoder.ts')).toBe('protocol');
    expect(layerOf('errors.ts')).toBe('foundation');
    expect(layerOf('create-worker.ts')).toBe('composition');
    expect(layerOf('internal.ts')).toBe('barrel');
    expect(layerOf('helpers/text.ts')).toBeUndefined();
  });

  it('allows the own layer and every layer below, and refuses every layer above', () => {
    const file = (layer: string) =>
      ({ barrel: 'index.ts', composition: 'run.ts', foundation: 'errors.ts' })[layer] ?? `${layer}/file.ts`;
    for (const [from, upper] of layers.entries()) {
      for (const [to, lower] of layers.entries()) {
        if (from === to || lower === 'barrel') continue;
        const [source, target] = [file(upper), file(lower)];
        const up = source.includes('/') ? '../' : './';
        const modules = parseModules({ [source]: `import '${up}${target.replace(/ts$/, 'js')}';`, [target]: '' });
        expect(layerViolations(modules).length, `${source} imports ${target}`).toBe(to < from ? 1 : 0);
      }
    }
  });

  it('refuses a type import that points up like any other', () => {
    const modules = parseModules({
      'protocol/session.ts': "import type { Runner } from '../runtime/runner.js';",
      'runtime/runner.ts': 'export interface Runner {}',
    });
    expect(layerViolations(modules)).toEqual(['protocol/session.ts:1 (protocol) imports runtime/runner.ts']);
  });

  it('refuses an import of a public barrel, even from the other barrel', () => {
    const modules = parseModules({
      'index.ts': '',
      'internal.ts': "export * from './index.js';",
      'cli/main.ts': "import '../index.js';",
    });
    expect(layerViolations(modules)).toHaveLength(2);
  });

  it('refuses a folder that is no layer', () => {
    expect(layerViolations(parseModules({ 'utils/text.ts': '' }))).toEqual(['utils/text.ts is in no layer']);
  });
});

describe('cycles', () => {
  it('finds none in a graph that only branches and joins', () => {
    const modules = parseModules({
      'policy/a.ts': "import './b.js'; import './c.js';",
      'policy/b.ts': "import './d.js';",
      'policy/c.ts': "import './d.js';",
      'policy/d.ts': '',
    });
    expect(findCycles(modules)).toEqual([]);
  });

  it('finds a cycle of values, of types, and of a file with itself', () => {
    const modules = parseModules({
      'policy/a.ts': "import './b.js';",
      'policy/b.ts': "import type { C } from './c.js';",
      'policy/c.ts': "export * from './a.js';",
      'records/self.ts': "import type { Self } from './self.js';",
    });
    expect(findCycles(modules)).toEqual([
      'policy/a.ts -> policy/b.ts -> policy/c.ts -> policy/a.ts',
      'records/self.ts -> records/self.ts',
    ]);
  });

  it('finds a cycle that the first file only leads into', () => {
    const modules = parseModules({
      'policy/entry.ts': "import './a.js';",
      'policy/a.ts': "import './b.js';",
      'policy/b.ts': "import './a.js';",
    });
    expect(findCycles(modules)).toEqual(['policy/a.ts -> policy/b.ts -> policy/a.ts']);
  });
});
