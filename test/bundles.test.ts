/** What the bundler makes of the packages, before it is written. */
import { rolldown, type OutputChunk, type OutputOptions, type InputOptions, type RolldownOptions } from 'rolldown';
import { beforeAll, describe, expect, it } from 'vitest';

interface Package {
  readonly folder: string;
  /** What is loaded together. */
  readonly parts: Readonly<Record<string, readonly string[]>>;
  readonly effects: readonly string[];
}
const script: string = new URL('../scripts/bundles.mjs', import.meta.url).href;
const { packages, inputOf, outputOf } = (await import(script)) as {
  readonly packages: readonly Package[];
  readonly inputOf: (one: Package) => InputOptions;
  readonly outputOf: (one: Package) => OutputOptions;
};

/** A source file, and what it imports when it is loaded: other files of ours, and packages. */
type Sources = ReadonlyMap<string, readonly string[]>;

describe.each(packages)('the bundles of $folder', (one) => {
  let chunks: readonly OutputChunk[];
  const sources = new Map<string, readonly string[]>();

  beforeAll(async () => {
    const input = inputOf(one);
    const graph: NonNullable<RolldownOptions['plugins']> = {
      name: 'graph',
      moduleParsed: ({ id, importedIds }) => void sources.set(id, importedIds),
    };
    const bundle = await rolldown({ ...input, plugins: [input.plugins, graph] });
    const { output } = await bundle.generate(outputOf(one));
    await bundle.close();
    chunks = output.filter((file) => file.type === 'chunk');
  });

  const inPackage = (path: string) => `${one.folder}/${path}`;
  const starts = () =>
    chunks.flatMap(({ facadeModuleId, fileName }) => (facadeModuleId === null ? [] : [{ facadeModuleId, fileName }]));

  it('hold each module once, so that a class is one class and a symbol one symbol', () => {
    const all = chunks.flatMap(({ moduleIds }) => moduleIds);
    expect(all.length).toBeGreaterThan(0);
    expect(new Set(all).size).toBe(all.length);
  });

  it('load no package earlier than the sources do, and nothing that does something when it is loaded', () => {
    const guarded = new Set(one.effects.map(inPackage));
    const entry = [inPackage('src/index.ts')];
    const ofWorker = new Set(Object.values(one.parts).flat().map(inPackage));
    // What each process of a worker has is small.
    const small = withImports([...ofWorker], sources);
    const found = starts().map(({ facadeModuleId, fileName }) => {
      const wanted = withImports([facadeModuleId, ...(ofWorker.has(facadeModuleId) ? entry : [])], sources);
      const loaded = withChunks(fileName, chunks);
      const packages = loaded.flatMap(({ imports }) => imports.filter((name) => isPackage(name) && !small.has(name)));
      const modules = loaded.flatMap(({ moduleIds }) => moduleIds.filter((id) => guarded.has(id)));
      return [fileName, [...packages, ...modules].filter((name) => !wanted.has(name))];
    });
    expect(found.filter(([, early]) => early?.length !== 0)).toEqual([]);
  });

  it('give each process of a worker what it needs, and nothing else', () => {
    for (const [part, paths] of Object.entries(one.parts)) {
      // All of them have loaded the public entry before.
      const wanted = withImports([...paths, 'src/index.ts'].map(inPackage), sources);
      const files = starts().filter(({ facadeModuleId }) => paths.map(inPackage).includes(facadeModuleId));
      expect(files, part).toHaveLength(paths.length);
      const loaded = files
        .flatMap(({ fileName }) => withChunks(fileName, chunks))
        .flatMap(({ moduleIds }) => moduleIds);
      expect(
        loaded.filter((id) => !wanted.has(id)),
        part,
      ).toEqual([]);
    }
  });

  it('lie beside each other, where package-files.ts looks for programs and assets', () => {
    expect(chunks.map(({ fileName }) => fileName).filter((name) => /[/\\]/.test(name))).toEqual([]);
  });

  it('leave every class its name, which errors and logs show', () => {
    for (const { code, fileName } of chunks) expect(code.match(/\bclass \w+\$\d+/g) ?? [], fileName).toEqual([]);
  });

  it('need no helpers of the bundler: what the oldest Node does not know is not written', () => {
    const helpers = chunks.flatMap(({ imports }) => imports.filter((name) => name.startsWith('@oxc-project/')));
    expect(helpers).toEqual([]);
  });

  it('are in ASCII: with one other character V8 would keep them in twice the memory', () => {
    for (const { code, fileName } of chunks) expect(code.match(/[^\0-\u007f]/g) ?? [], fileName).toEqual([]);
  });
});

const isPackage = (name: string) => !name.endsWith('.js') && !name.startsWith('node:');

/** A bundle and all that are loaded with it. */
function withChunks(fileName: string, chunks: readonly OutputChunk[]): readonly OutputChunk[] {
  const names = new Set([fileName]);
  for (const name of names) {
    for (const imported of chunks.find((chunk) => chunk.fileName === name)?.imports ?? []) names.add(imported);
  }
  return chunks.filter((chunk) => names.has(chunk.fileName));
}

function withImports(starts: readonly string[], sources: Sources): ReadonlySet<string> {
  const found = new Set(starts);
  for (const id of found) for (const imported of sources.get(id) ?? []) found.add(imported);
  return found;
}
