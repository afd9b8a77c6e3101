/** The configuration of a consumer in a bed. */
import type { ConsumerDefinition } from '@millrace/core';
import { resolveConsumer, type ResolvedConsumer } from '@millrace/core/internal';
import type { TestBedOptions } from './bed-options.js';

/** What the options make of a definition. @throws ConfigurationError */
export function resolveFor(
  definition: ConsumerDefinition,
  { properties, env = {} }: Pick<TestBedOptions, 'properties' | 'env'>,
): ResolvedConsumer {
  return resolveConsumer(definition, { options: properties, optionsSource: 'testBed()', env, engine: 'local' });
}
