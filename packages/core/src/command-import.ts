/**
 * A command imports a user's module to find its consumers. A module that calls `run` itself would start a second program
 * inside that, with none of the command's options, so `run` refuses there. On the global object, because the command and
 * the module may come with a copy of this package each.
 */
import { MillraceError } from './errors.js';

const key = Symbol.for('millrace.commandImport');
const shared = globalThis as { [key]?: string | undefined };

/** @param file - as the user gave it, for the message. */
export async function importForCommand<T>(file: string, load: () => Promise<T>): Promise<T> {
  shared[key] = file;
  try {
    return await load();
  } finally {
    shared[key] = undefined;
  }
}

/** @throws MillraceError MODULE_NOT_LOADED, at once and not as a rejection: nobody has to await `run`. */
export function refuseDuringImport(): void {
  const file = shared[key];
  if (file === undefined) return;
  throw new MillraceError(
    'MODULE_NOT_LOADED',
    `${file} calls run() while it is imported, so it is a program of its own. Give the command the module that exports the consumer, or start this one with node.`,
    { details: { file } },
  );
}
