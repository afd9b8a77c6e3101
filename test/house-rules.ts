import ts from 'typescript';
import { lineOf, walk, type Module } from './import-graph.ts';

const fileLinesMax = 400;
const functionLinesMax = 70;

/** Globals that make the answer depend on when, where or how often it is asked for. */
const impureNames = new Set([
  'Date',
  'performance',
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'crypto',
  'fetch',
]);
const impureMembers = new Set(['Math.random']);
const impureBuiltins = new Set(
  [
    'fs',
    'net',
    'child_process',
    'stream',
    'http',
    'https',
    'http2',
    'os',
    'process',
    'timers',
    'worker_threads',
  ].flatMap((name) => [name, `node:${name}`]),
);

/** It marks memory that must not be handed away, and starts nothing. */
const marksMemory = 'protocol/record-scan.ts';

/** What a pure layer must not touch: the clock, timers, randomness, the process, files, sockets, streams. */
export function impurities(module: Module): string[] {
  const found: string[] = [];
  for (const { specifier, line } of module.imports) {
    if (module.path === marksMemory && specifier === 'node:worker_threads') continue;
    if (impureBuiltins.has(specifier.replace(/(?<=\w)\/.*$/, '')))
      found.push(`${module.path}:${line} imports ${specifier}`);
  }
  const declared = declaredNames(module.ast);
  walk(module.ast, (node) => {
    const name = impureReference(node, declared);
    if (name !== undefined) found.push(`${module.path}:${lineOf(node)} mentions ${name}`);
  });
  return found;
}

function impureReference(node: ts.Node, declared: ReadonlySet<string>): string | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    const member = `${node.expression.getText()}.${node.name.text}`;
    const onGlobal = node.expression.getText() === 'globalThis' && impureNames.has(node.name.text);
    return impureMembers.has(member) || onGlobal ? member : undefined;
  }
  const reference = ts.isIdentifier(node) && impureNames.has(node.text) && !declared.has(node.text);
  return reference && !namesMember(node) ? node.text : undefined;
}

/** `state.process`, `{ process: 1 }` and `interface X { process: 1 }` name a member; they refer to no global. */
function namesMember(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isBindingElement(parent)) return parent.propertyName === node;
  const member = ts.isPropertyAssignment(parent) || ts.isClassElement(parent) || ts.isTypeElement(parent);
  return (member || ts.isEnumMember(parent)) && parent.name === node;
}

function declaredNames(ast: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  walk(ast, (node) => {
    const declares =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isImportSpecifier(node);
    if (declares && node.name !== undefined && ts.isIdentifier(node.name)) names.add(node.name.text);
  });
  return names;
}

/** Files and functions that grew beyond what can be read in one go. */
export function tooLong(module: Module): string[] {
  const found: string[] = [];
  const { text } = module.ast;
  const fileLines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  if (fileLines > fileLinesMax) found.push(`${module.path} has ${fileLines} lines, ${fileLinesMax} are allowed`);
  walk(module.ast, (node) => {
    if (!ts.isFunctionLike(node)) return;
    const lines = text.slice(node.getStart(), node.getEnd()).split('\n').length;
    if (lines > functionLinesMax) {
      found.push(`${module.path}:${lineOf(node)} is a function of ${lines} lines, ${functionLinesMax} are allowed`);
    }
  });
  return found;
}

/** Default exports, re-exports outside the public barrels, and catch-all folders. */
export function misplaced(module: Module): string[] {
  const found: string[] = [];
  const isBarrel = module.path === 'index.ts' || module.path === 'internal.ts';
  if (/(^|\/)(utils?|common|helpers?|shared|misc|lib)(\/|\.ts$)/.test(module.path)) {
    found.push(`${module.path} has a name that any code would fit`);
  }
  if (!isBarrel && /(^|\/)index\.ts$/.test(module.path)) found.push(`${module.path} is a barrel inside a layer`);
  for (const { specifier, reexport, line } of module.imports) {
    if (reexport && !isBarrel && specifier.startsWith('.'))
      found.push(`${module.path}:${line} re-exports ${specifier}`);
  }
  walk(module.ast, (node) => {
    if (exportsDefault(node)) found.push(`${module.path}:${lineOf(node)} has a default export`);
  });
  return found;
}

function exportsDefault(node: ts.Node): boolean {
  // `export =` only describes somebody else's CommonJS module, in a declaration file.
  if (ts.isExportAssignment(node)) return node.isExportEquals !== true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return (
    ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
  );
}
