/** One effective property of a consumer, as the daemon would read it. */
import type { ResolvedConsumer } from '../config/resolved.js';

/** Undefined when nobody gave it a value: KCL's default counts. */
export function propertyOf({ properties }: ResolvedConsumer, name: string): string | undefined {
  return properties.find((property) => property.name === name)?.value;
}
