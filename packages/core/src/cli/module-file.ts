/** The module that a command was given: where it is, and in which language. */
import { statSync } from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { MillraceError } from '../errors.js';

export interface ModuleFile {
  /** Absolute. */
  readonly path: string;
  /** As in messages: relative to the working directory where it lies below. */
  readonly shown: string;
  readonly language: 'javascript' | 'typescript';
}

const TYPESCRIPT = ['.ts', '.mts', '.cts', '.tsx'];
const JAVASCRIPT = ['.js', '.mjs', '.cjs'];

/** @throws MillraceError MODULE_NOT_LOADED when there is no such file, or it cannot be a module. */
export function locateModule(given: string, cwd: string): ModuleFile {
  const path = resolve(cwd, given);
  const kind = kindOf(path);
  if (kind !== 'file') throw notFound(given, path, kind);
  if (/\.d\.[mc]?ts$/.test(path)) {
    throw notLoaded(`${given} holds declarations only. Name the source or the compiled module.`, path);
  }
  const extension = extname(path);
  if (!TYPESCRIPT.includes(extension) && !JAVASCRIPT.includes(extension)) {
    throw notLoaded(
      `${given} is neither JavaScript nor TypeScript. Name a module that exports a consumer (${[...JAVASCRIPT, ...TYPESCRIPT].join(', ')}).`,
      path,
    );
  }
  return { path, shown: shownPath(path, cwd), language: TYPESCRIPT.includes(extension) ? 'typescript' : 'javascript' };
}

function shownPath(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below.startsWith('..') ? path : below;
}

function notFound(given: string, path: string, kind: 'folder' | undefined): MillraceError {
  if (kind === 'folder')
    return notLoaded(`${given} is a folder. Name the module in it that exports the consumer.`, path);
  const near = neighbours(path).find((candidate) => kindOf(candidate) === 'file');
  const mend =
    near === undefined ? 'Check the path' : `Did you mean ${join(dirname(given), relative(dirname(path), near))}?`;
  const compiled = JAVASCRIPT.includes(extname(path)) && near === undefined ? ', and that the program is compiled' : '';
  return notLoaded(`There is no file ${given}. ${mend}${compiled}${near === undefined ? '.' : ''}`, path);
}

/** What somebody may have meant: the extension left out, or the other language's. */
function neighbours(path: string): string[] {
  const extension = extname(path);
  const known = [...TYPESCRIPT, ...JAVASCRIPT].includes(extension);
  const stem = known ? path.slice(0, -extension.length) : path;
  return [...TYPESCRIPT, ...JAVASCRIPT].map((other) => `${stem}${other}`);
}

function kindOf(path: string): 'file' | 'folder' | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  return stats.isDirectory() ? 'folder' : 'file';
}

function notLoaded(message: string, path: string): MillraceError {
  return new MillraceError('MODULE_NOT_LOADED', message, { details: { path } });
}
