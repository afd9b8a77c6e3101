/** The container of a bed: one of its own on tsyringe, or the user's. */
import { MillraceError, type ConsumerDefinition, type DependencyContainer, type Logger } from '@millrace/core';
import { classesOf, contextLogger, createTsyringeContainer, type WorkerContainer } from '@millrace/core/internal';
import type { TestBedOptions } from './bed-options.js';

export type BedContainer = Pick<WorkerContainer, 'port' | 'dispose'> & {
  /** Undefined for a container of the user's. */
  readonly services: DependencyContainer | undefined;
};

/** @throws INJECTION_FAILED or METADATA_MISSING for whatever the consumer's constructor cannot get. */
export async function openContainer(
  definition: ConsumerDefinition,
  options: TestBedOptions,
  logger: Logger,
): Promise<BedContainer> {
  const { container: port, register, overrides } = options;
  if (port !== undefined) {
    if (register === undefined && overrides === undefined)
      return { port, services: undefined, dispose: () => Promise.resolve() };
    throw new MillraceError(
      'TEST_MISUSED',
      'register and overrides are for the built-in container; register services in the container that you pass instead.',
    );
  }
  const made = await createTsyringeContainer({ register, overrides, logger: contextLogger(logger) });
  try {
    for (const target of classesOf(definition)) made.check(target);
  } catch (error) {
    await made.dispose();
    throw error;
  }
  return { port: made.port, services: made.container, dispose: () => made.dispose() };
}
