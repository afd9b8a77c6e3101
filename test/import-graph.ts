import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import ts from 'typescript';

/** One import of a module: static, dynamic, re-export, `import()` type, or `require`. Type imports count like others. */
export interface Import {
  readonly specifier: string;
  /** The imported file of the same package; undefined for packages and built-ins. */
  readonly target: string | undefined;
  readonly reexport: boolean;
  readonly line: number;
}

export interface Module {
  /** Relative to the source folder, with forward slashes: `protocol/messages.ts`. */
  readonly path: string;
  readonly ast: ts.SourceFile;
  readonly imports: readonly Import[];
}

export type Modules = ReadonlyMap<string, Module>;

/** The layers of `packages/core/src` from top to bottom. A file imports its own layer and those below. */
export const layers = [
  'barrel',
  'cli',
  'composition',
  'control',
  'replay',
  'health',
  'supervisor',
  'host',
  'daemon',
  'local',
  'transcript',
  'transport',
  'runtime',
  'dead-letter',
  'idempotency',
  'records',
  'container',
  'policy',
  'protocol',
  'config',
  'decorators',
  'definition',
  'foundation',
] as const;

export type Layer = (typeof layers)[number];

const barrels = new Set(['index.ts', 'internal.ts']);
const foundations = new Set([
  'common-js.ts',
  'diagnostics.ts',
  'errors.ts',
  'events.ts',
  'package-files.ts',
  'ports.ts',
]);

/** The layer of a file, or undefined when its folder is none of the layers. Files beside the folders compose them. */
export function layerOf(path: string): Layer | undefined {
  const [folder, ...rest] = path.split('/');
  if (rest.length > 0) return layers.find((layer) => layer === folder);
  if (barrels.has(path)) return 'barrel';
  return foundations.has(path) ? 'foundation' : 'composition';
}

/** Reads every source file below a folder; tests and their fixtures are not part of the graph. */
export function readModules(folder: string): Modules {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isSource(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  return parseModules(
    Object.fromEntries(files.map((file) => [relative(folder, file).split(sep).join('/'), readFileSync(file, 'utf8')])),
  );
}

/** Builds the graph from texts: `{ 'protocol/decoder.ts': "import './messages.js'" }`. */
export function parseModules(sources: Readonly<Record<string, string>>): Modules {
  const paths = new Set(Object.keys(sources));
  return new Map(
    Object.entries(sources).map(([path, text]) => {
      const ast = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
      return [path, { path, ast, imports: importsOf(path, ast, paths) }];
    }),
  );
}

/** Relative imports that lead to no file of the graph. An empty answer is what makes the other answers complete. */
export function unresolvedImports(modules: Modules): string[] {
  return edges(modules)
    .filter(({ to }) => to.specifier.startsWith('.') && to.target === undefined)
    .map(({ from, to }) => `${from.path}:${to.line} imports ${to.specifier}, which is no source file`);
}

/** Imports that point up, imports of a barrel, and files outside every layer. */
export function layerViolations(modules: Modules): string[] {
  const homeless = [...modules.keys()].filter((path) => layerOf(path) === undefined);
  const upward = edges(modules).filter(({ from, to }) => to.target !== undefined && pointsUp(from.path, to.target));
  return [
    ...homeless.map((path) => `${path} is in no layer`),
    ...upward.map(({ from, to }) => `${from.path}:${to.line} (${layerOf(from.path)}) imports ${to.target}`),
  ];
}

function pointsUp(from: string, to: string): boolean {
  const [source, target] = [layerOf(from), layerOf(to)];
  if (source === undefined || target === undefined) return false;
  return target === 'barrel' || layers.indexOf(target) < layers.indexOf(source);
}

/** Every import cycle as a closed path: `a.ts -> b.ts -> a.ts`; one for each group of files that reach each other. */
export function findCycles(modules: Modules): string[] {
  const inCycle = new Set<string>();
  const found: string[] = [];
  for (const start of modules.keys()) {
    if (inCycle.has(start)) continue;
    const path = shortestWayBack(modules, start);
    if (path === undefined) continue;
    for (const step of path) inCycle.add(step);
    found.push([...path, start].join(' -> '));
  }
  return found;
}

function shortestWayBack(modules: Modules, start: string): string[] | undefined {
  const seen = new Set<string>();
  const queue: string[][] = [[start]];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    for (const next of targetsOf(modules, path.at(-1))) {
      if (next === start) return path;
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push([...path, next]);
    }
  }
  return undefined;
}

function targetsOf(modules: Modules, path: string | undefined): string[] {
  const imports = path === undefined ? [] : (modules.get(path)?.imports ?? []);
  return imports.flatMap(({ target }) => target ?? []);
}

/** The files that import a package, by name or by one of its subpaths. */
export function importersOf(modules: Modules, name: string): string[] {
  const names = (specifier: string) => specifier === name || specifier.startsWith(`${name}/`);
  return [...modules.values()]
    .filter(({ imports }) => imports.some(({ specifier }) => names(specifier)))
    .map(({ path }) => path);
}

/** Visits a node and everything below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

export const lineOf = (node: ts.Node): number => {
  const ast = node.getSourceFile();
  return ast.getLineAndCharacterOfPosition(node.getStart(ast)).line + 1;
};

function isSource(name: string): boolean {
  return name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name);
}

function edges(modules: Modules): { from: Module; to: Import }[] {
  return [...modules.values()].flatMap((from) => from.imports.map((to) => ({ from, to })));
}

function importsOf(path: string, ast: ts.SourceFile, paths: ReadonlySet<string>): Import[] {
  const imports: Import[] = [];
  walk(ast, (node) => {
    const literal = specifierOf(node);
    if (literal === undefined || !ts.isStringLiteralLike(literal)) return;
    const specifier = literal.text;
    const target = resolve(path, specifier, paths);
    imports.push({ specifier, target, reexport: ts.isExportDeclaration(node), line: lineOf(node) });
  });
  return imports;
}

function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isExternalModuleReference(node)) return node.expression;
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal;
  if (!ts.isCallExpression(node)) return undefined;
  const imports = node.expression.kind === ts.SyntaxKind.ImportKeyword;
  const requires = ts.isIdentifier(node.expression) && node.expression.text === 'require';
  return imports || requires ? node.arguments[0] : undefined;
}

function resolve(from: string, specifier: string, paths: ReadonlySet<string>): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const path = posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
  return paths.has(path) ? path : undefined;
}
