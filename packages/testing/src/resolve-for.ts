/** The configuration of a consumer in a bed. */
import type { Clock, ConsumerDefinition } from '@millrace/core';
import { resolveConsumer, type MessageTimeout, type ResolvedConsumer } from '@millrace/core/internal';
import type { TestBedOptions } from './bed-options.js';

/** What the options make of a definition. @throws ConfigurationError */
export function resolveFor(
  definition: ConsumerDefinition,
  { properties, env = {} }: Pick<TestBedOptions, 'properties' | 'env'>,
): ResolvedConsumer {
  return resolveConsumer(definition, { options: properties, optionsSource: 'testBed()', env, engine: 'local' });
}

/** What timeoutInSeconds says; undefined where nothing does. */
export function messageTimeoutOf({ properties }: ResolvedConsumer, clock: Clock): MessageTimeout | undefined {
  const seconds = properties.find(({ name }) => name === 'timeoutInSeconds')?.value;
  return seconds === undefined ? undefined : { ms: Number(seconds) * 1_000, clock };
}
