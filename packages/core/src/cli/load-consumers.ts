/** Loads the module of a command line and finds its consumers. */
import { pathToFileURL } from 'node:url';
import { importForCommand } from '../command-import.js';
import { MillraceError, toError } from '../errors.js';
import { didYouMean } from '../definition/did-you-mean.js';
import type { Consumer } from '../worker-options.js';
import { findConsumers, nameOf, type FoundConsumers } from './find-consumers.js';
import { locateModule, type ModuleFile } from './module-file.js';
import { DECORATOR_FLAGS, prepareTypeScript, type DecoratorSupport } from './typescript.js';

type Exports = Readonly<Record<string, unknown>>;

export interface LoadRequest {
  readonly module: string;
  readonly cwd: string;
  /** Only the consumer of this class name, or defineConsumer's name. Undefined: all. */
  readonly consumer: string | undefined;
}

/**
 * Imports a JavaScript or TypeScript module and returns the consumers that it exports.
 *
 * @throws MillraceError MODULE_NOT_LOADED when the file is missing, fails at import (with the cause), or exports no
 * consumer; a mistake in a declaration, which a decorator throws at import, comes through as it is.
 */
export async function loadConsumers(request: LoadRequest): Promise<FoundConsumers> {
  const file = locateModule(request.module, request.cwd);
  const support = file.language === 'typescript' ? await prepareTypeScript(file) : 'full';
  const exports = await importModule(file, support);
  return select(findConsumers(exports, file.shown), request.consumer, file.shown);
}

async function importModule({ path, shown }: ModuleFile, support: DecoratorSupport): Promise<Exports> {
  try {
    return await importForCommand(shown, async () => (await import(pathToFileURL(path).href)) as Exports);
  } catch (thrown) {
    if (thrown instanceof MillraceError) throw thrown;
    const cause = toError(thrown);
    const place = cause instanceof SyntaxError ? ` (\`node --check ${shown}\` may show where)` : placeOf(cause);
    const mend =
      support === 'full' ? '' : ` If it uses decorators, set ${DECORATOR_FLAGS} in the tsconfig.json that covers it.`;
    throw new MillraceError('MODULE_NOT_LOADED', `${shown} cannot be imported: ${cause.message}${place}.${mend}`, {
      cause: thrown,
      details: { path },
    });
  }
}

/** Where a module threw, in its own file; a stack of the loader's frames says nothing to its author. */
export function placeOf({ stack = '', message }: Error): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line) && !FOREIGN_FRAME.test(line));
  const places = frames.map((line) => /(\/[^\s()]+:\d+:\d+)/.exec(line.replace('file://', ''))?.[1]);
  const place = places.find((found) => found !== undefined);
  return place === undefined || message.includes(place) ? '' : ` (${place})`;
}

const FOREIGN_FRAME = /node_modules|node:internal|[\\/]cli[\\/]load-consumers/;

function select(found: FoundConsumers, wanted: string | undefined, shown: string): FoundConsumers {
  if (wanted === undefined) return found;
  const chosen = found.consumers.filter((consumer) => nameOf(consumer) === wanted);
  if (chosen.length > 0) return { ...found, consumers: chosen };
  throw notAmong(found.consumers, wanted, shown);
}

function notAmong(consumers: readonly Consumer[], wanted: string, shown: string): MillraceError {
  const names = consumers.map(nameOf);
  const near = didYouMean(wanted, names);
  const hint = near === undefined ? `It exports ${names.join(', ')}.` : `Did you mean ${near}?`;
  return new MillraceError('MODULE_NOT_LOADED', `${shown} exports no consumer named ${wanted}. ${hint}`, {
    details: { wanted, names },
  });
}
