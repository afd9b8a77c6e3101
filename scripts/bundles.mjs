/**
 * How the JavaScript of the packages is made: few modules, because each one costs memory in every process of a worker. What is
 * loaded together lies together, and what is loaded when it is needed stays for itself. tsc checks, and writes declarations.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** The part that everything else is loaded after. */
const CORE = 'core';
const root = fileURLToPath(new URL('..', import.meta.url));

export const packages = [
  {
    folder: join(root, 'packages/core'),
    /** What is imported or started by its name in `dist`. */
    entries: {
      index: './src/index.ts',
      internal: './src/internal.ts',
      cli: './src/cli/main.ts',
      'errand.main': './src/errand.main.ts',
      'worker.main': './src/cli/dev/worker.main.ts',
    },
    /**
     * Who loads what, all at once. A module that several of them need lies in a bundle of these: `host-local.js`. What the public
     * entry needs is in `core.js`, which commands and errands load as well. What only they need is cut as the bundler likes.
     */
    parts: {
      core: ['src/index.ts'],
      internal: ['src/internal.ts'],
      host: ['src/host-engines.ts', 'src/open-container.ts', 'src/records/pipeline.ts'],
      local: [
        'src/consumer-engine.ts',
        'src/open-container.ts',
        'src/records/pipeline.ts',
        'src/control/control-server.ts',
      ],
      supervisor: ['src/daemon-engines.ts', 'src/control/control-server.ts'],
      errand: ['src/supervisor/errands.ts'],
    },
    /** They do something when they are loaded: what imports them is in no bundle with what does not. */
    effects: [
      'src/cli/main.ts',
      'src/cli/dev/worker.main.ts',
      'src/errand.main.ts',
      'src/standard-pipes.ts',
      'src/process-role.ts',
      'src/decorators/metadata.ts',
      'src/container/service-container.ts',
    ],
  },
  {
    folder: join(root, 'packages/testing'),
    entries: { index: './src/index.ts', explore: './src/explore.ts', vitest: './src/vitest.ts' },
    parts: {},
    effects: [],
  },
];

export function inputOf({ folder, entries }) {
  return {
    cwd: folder,
    input: entries,
    platform: 'node',
    // The oldest Node that the packages run on.
    transform: { target: 'node20.19' },
    tsconfig: 'tsconfig.json',
    // Packages and Node's own modules, the other package of ours among them: a program has one copy of each.
    external: /^[^./]/,
    plugins: [inLatin1],
    onLog(_level, log) {
      throw new Error(log.message);
    },
  };
}

export function outputOf(one) {
  return {
    dir: join(one.folder, 'dist'),
    format: 'esm',
    sourcemap: true,
    // The sources are published beside it.
    sourcemapExcludeSources: true,
    // V8 keeps the text of a module in memory. Comments are for the readers of `src`.
    comments: false,
    // All in one folder: package-files.ts goes by it.
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    // A name in a bundle is the name in its source.
    minifyInternalExports: false,
    codeSplitting: { groups: groupsOf(one) },
  };
}

/**
 * A group takes the dependencies of its modules along. So what most parts load and what does least when it is loaded is grouped
 * first: nothing of it is left to be taken by a bundle that somebody else should not load.
 */
function groupsOf(one) {
  let found;
  const highest = rankOf(one, { users: [...Object.keys(one.parts), CORE], done: [] });
  return Array.from({ length: highest + 1 }, (_, priority) => ({
    debugName: `rank ${priority}`,
    priority,
    name(id, graph) {
      found ??= placesOf(one, graph);
      // An entry is a bundle of its own.
      const place = graph.getModuleInfo(id)?.isEntry ? undefined : found.get(id);
      return place !== undefined && rankOf(one, place) === priority ? [...place.users, ...place.done].join('-') : null;
    },
  }));
}

function rankOf({ parts, effects }, { users, done }) {
  const others = users.includes(CORE) ? Object.keys(parts).length + 1 : users.length;
  return others * (effects.length + 1) - done.length;
}

/** For each module that is part of something: who loads it, and what is done when it is loaded. */
function placesOf({ folder, parts, effects }, graph) {
  return new Map(
    [...usersOf(folder, parts, graph)].map(([id, users]) => {
      const loaded = withImports(id, folder, graph);
      const done = effects.filter((path) => loaded.includes(join(folder, path))).map((path) => parse(path).name);
      // What the public entry loads is there for all.
      return [id, { users: users.includes(CORE) ? [CORE] : users, done }];
    }),
  );
}

/** For each module the parts that load it at once. */
function usersOf(folder, parts, graph) {
  const users = new Map();
  for (const [part, starts] of Object.entries(parts)) {
    const loaded = new Set(starts.flatMap((start) => withImports(join(folder, start), folder, graph)));
    for (const id of loaded) users.set(id, [...(users.get(id) ?? []), part]);
  }
  return users;
}

function withImports(start, folder, graph) {
  const found = new Set([start]);
  for (const id of found) {
    const module = graph.getModuleInfo(id);
    if (module === null) throw new Error(`${id} is no module of the package: see scripts/bundles.mjs.`);
    for (const imported of module.importedIds) if (imported.startsWith(folder)) found.add(imported);
  }
  return [...found];
}

/** A text with one other character takes twice the memory: V8 has strings of one byte a character, and of two. */
const inLatin1 = {
  name: 'in-latin-1',
  generateBundle(_options, files) {
    for (const file of Object.values(files).filter(({ type }) => type === 'chunk')) {
      // Comments are gone, so this is inside of strings, templates and patterns, which all know the escape.
      file.code = file.code.replaceAll(
        /[^\0-\u007f]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    }
  },
};

/** Writes what has changed and removes what is no more. vitest calls it before suites that run the built packages. */
export async function setup() {
  for (const one of packages) {
    const bundle = await rolldown(inputOf(one));
    const options = outputOf(one);
    const { output } = await bundle.generate(options);
    await bundle.close();
    await writeChanged(options.dir, new Map(output.map((file) => [file.fileName, file.code ?? file.source])));
  }
}

async function writeChanged(folder, files) {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of files) {
    const path = join(folder, name);
    // A process may be running what lies there.
    if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await writeFile(path, text);
  }
  const left = (await readdir(folder, { recursive: true })).filter(
    (name) => /\.js(?:\.map)?$/.test(name) && !files.has(name),
  );
  for (const name of left) await rm(join(folder, name));
}
