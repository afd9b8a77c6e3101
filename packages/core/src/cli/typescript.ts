/** TypeScript without a build: the loader, and the compiler settings without which decorators lose their metadata. */
import { MillraceError } from '../errors.js';
import type { ModuleFile } from './module-file.js';

/** Transformed as if it stood beside the module, so that the same tsconfig counts for it. */
const PROBE = '@d class Probe { constructor(service: Date) {} }';

/** Said when a module that needs them cannot be imported. */
export const DECORATOR_FLAGS = '"experimentalDecorators": true and "emitDecoratorMetadata": true';

export type DecoratorSupport = 'full' | 'withoutMetadata' | 'none';

/**
 * Lets this process import TypeScript from now on. Decorator metadata is written, which esbuild-based loaders and Node's
 * own type stripping do not do: without it nothing could be injected by type.
 *
 * @throws MillraceError MODULE_NOT_LOADED when the tsconfig that covers the module has decorators, but not their metadata.
 */
export async function prepareTypeScript(file: ModuleFile): Promise<DecoratorSupport> {
  const { OxcTransformer } = await import('@oxc-node/core');
  const support = probeDecorators((source) => new OxcTransformer(process.cwd()).transform(file.path, source).source());
  // Without decorators at all, defineConsumer still works; a module that does use them is refused by the loader.
  if (support === 'withoutMetadata') throw withoutMetadata(file);
  await import(import.meta.resolve('@oxc-node/core/register'));
  return support;
}

/** What the settings that cover a module make of a decorated class. */
export function probeDecorators(transform: (source: string) => string): DecoratorSupport {
  try {
    return transform(PROBE).includes('design:paramtypes') ? 'full' : 'withoutMetadata';
  } catch {
    // The transformer refuses decorators where no tsconfig allows them.
    return 'none';
  }
}

function withoutMetadata(file: ModuleFile): MillraceError {
  return new MillraceError(
    'MODULE_NOT_LOADED',
    `The tsconfig.json that covers ${file.shown} compiles decorators without their metadata, so nothing could be injected by type. Set ${DECORATOR_FLAGS} in it.`,
    { details: { path: file.path } },
  );
}
