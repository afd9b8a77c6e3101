/** Which files of a project restart the worker when they change. */
import { basename, dirname, relative, sep } from 'node:path';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ModuleFile } from '../module-file.js';

const CODE = {
  typescript: /(?<!\.d)\.[mc]?tsx?$/,
  javascript: /\.[mc]?js$/,
} as const;
const SETTINGS = /^(package\.json|tsconfig[\w.-]*\.json|.*\.properties)$/;
const FOREIGN = new Set(['node_modules', 'coverage']);

/** The project's folder: the nearest one above the module with a package.json, else the module's own. */
export function projectFolder(modulePath: string): string {
  for (let folder = dirname(modulePath); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return dirname(modulePath);
  }
}

/**
 * Code in the module's language and settings. Data is not watched: a consumer that writes a file beside its code would
 * restart itself for ever. Neither is what a compiler writes from watched code.
 */
export function isWatched(path: string, language: ModuleFile['language']): boolean {
  const name = basename(path);
  return CODE[language].test(name) || SETTINGS.test(name);
}

/**
 * Folders that are not even looked into: dependencies, reports, whatever is hidden, and the folder for temporary files
 * where that lies in the project: the daemon's properties are written there at every start.
 */
export function isForeign(path: string, folder: string, temporary: string): boolean {
  if (isBelow(temporary, folder) && (path === temporary || isBelow(path, temporary))) return true;
  return relative(folder, path)
    .split(sep)
    .some((part) => FOREIGN.has(part) || (part.startsWith('.') && part !== '.' && part !== '..'));
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(`${folder}${sep}`);
}
