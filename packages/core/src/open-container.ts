/** The container that a worker's options ask for: tsyringe with the user's services, or the user's own. */
import { classesOf } from './container/classes-of.js';
import { lazyContainer } from './container/lazy-container.js';
import type { ConsumerDefinition } from './definition/definition.js';
import { MillraceError, toError } from './errors.js';
import type { ContainerPort, Logger } from './ports.js';
import { contextLogger } from './runtime/current-context.js';
import type { WorkerOptions } from './worker-options.js';

export interface OpenContainer {
  readonly port: ContainerPort;
  /** Never rejects: what could not be disposed is logged, the worker ends all the same. */
  dispose(logger: Logger): Promise<void>;
}

/**
 * @throws INJECTION_FAILED or METADATA_MISSING for whatever a consumer's constructor cannot get; found before the first
 * record, not at it.
 */
export async function openContainer(
  definitions: readonly ConsumerDefinition[],
  options: WorkerOptions,
  logger: Logger,
): Promise<OpenContainer> {
  const { container, register, overrides, parent } = options;
  if (container !== undefined) {
    refuseBoth(options);
    return { port: container, dispose: () => Promise.resolve() };
  }
  const make = async () => {
    // It loads tsyringe, which many a consumer does without.
    const { createTsyringeContainer } = await import('./container/worker-container.js');
    return createTsyringeContainer({ register, overrides, parent, logger: contextLogger(logger) });
  };
  const classes = definitions.flatMap(classesOf);
  if (classes.length === 0 && register === undefined) {
    const lazy = lazyContainer(make);
    return { port: lazy.port, dispose: disposal(lazy) };
  }
  const made = await make();
  try {
    for (const target of classes) made.check(target);
  } catch (error) {
    await made.dispose();
    throw error;
  }
  return { port: made.port, dispose: disposal(made) };
}

function disposal(container: { dispose(): Promise<void> }): OpenContainer['dispose'] {
  return (logger) =>
    container
      .dispose()
      .catch((error: unknown) => logger.error({ err: toError(error) }, 'Services were not disposed cleanly.'));
}

function refuseBoth({ register, overrides, parent }: WorkerOptions): void {
  if (register === undefined && overrides === undefined && parent === undefined) return;
  throw new MillraceError(
    'INJECTION_FAILED',
    'register, overrides and parent are for the built-in container; register services in the container that you pass instead.',
  );
}
